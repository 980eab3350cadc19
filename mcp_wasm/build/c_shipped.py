"""The C library as the package ships it: an archive of what zig makes in half a minute.

Its folders are named as ``c_library`` names them, after everything that decides
their bytes, so that a folder of another version of zig or of our sources is not
taken for the one that is wanted; that is compiled then. ``shipping`` writes it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

ARCHIVE = Path(__file__).parents[1] / "bundled" / "c_library.zip"
NAME = "c_library"
"""What the lock calls it."""

_TIME = (1980, 1, 1, 0, 0, 0)
"""Of every file, so that the archive of one content is always the same."""


def has(folder: str) -> bool:
    """Whether the folder of that name is in the archive."""
    return any(name.startswith(f"{folder}/") for name in _names())


def unpack(folder: str, into: Path) -> bool:
    """Put the files of a folder into ``into``; whether there is one of that name."""
    if not has(folder):
        return False
    with zipfile.ZipFile(ARCHIVE) as archive:
        for entry in archive.infolist():
            within, _, name = entry.filename.partition("/")
            if within == folder:
                (into / name).write_bytes(archive.read(entry))
    return True


def content() -> Mapping[str, bytes]:
    """Every file of the archive by its path in it."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(folders: list[Path], archive: Path) -> None:
    """Write ``archive`` of flat folders."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for folder in folders:
            for path in sorted(folder.iterdir()):
                entry = zipfile.ZipInfo(f"{folder.name}/{path.name}", _TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                made.writestr(entry, path.read_bytes())


def _names() -> list[str]:
    if not ARCHIVE.is_file():
        return []
    with zipfile.ZipFile(ARCHIVE) as archive:
        return archive.namelist()
