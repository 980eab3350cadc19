"""Writing what code made into a folder of a person's.

The names and the contents are as untrusted as the code. In a folder that has
something in it they could replace a file or plant one where another program
looks for it (``.git/hooks``), so the folder has to be new or empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from mcp_wasm.code.contract import Produced
from mcp_wasm.errors import InvalidSettings


def check(folder: Path) -> None:
    """Accept a folder that is new or empty, and make it.

    Raises:
        InvalidSettings: it is neither, or cannot be made.
    """
    expected = "a folder that is new or empty"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        filled = next(folder.iterdir(), None) is not None
    except OSError as error:
        raise InvalidSettings("--out", expected, f"{folder} ({error.strerror})") from None
    if filled:
        raise InvalidSettings("--out", expected, f"{folder} (which has files)")


def write(folder: Path, files: Sequence[Produced]) -> tuple[Path, ...]:
    """Write ``files`` under ``folder``, which ``check`` has accepted; where each lies now.

    Raises:
        InvalidSettings: for a name that leads out of it, or that this system cannot write.
    """
    return tuple(_write(folder, file) for file in files)


def _write(folder: Path, file: Produced) -> Path:
    parts = PurePosixPath(file.path).parts
    path = folder.joinpath(*parts)
    root = folder.resolve()
    if not parts or ".." in parts or not path.resolve().is_relative_to(root) or path.is_symlink():
        raise InvalidSettings("--out", "files within the folder", file.path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    except (OSError, ValueError) as error:
        raise InvalidSettings("--out", "file names of this system", f"{file.path!r} ({error})") from None
    return path
