"""The folder of a run: files go in before it, and what the code made or changed comes out after it.

The code sees it as ``/``. It is a guest's folder, so nothing here follows a link
in it, and nothing in it is believed: names, numbers and sizes are bounded.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from mcp_wasm.capability.grant import MIB, Storage
from mcp_wasm.code.contract import FILE_BYTES, FILES, Produced
from mcp_wasm.errors import InvalidArguments, Mismatch, StorageExceeded

QUOTA = 64 * MIB
"""Bytes that a run may have in its folder at once."""

_LOOKED_AT = 10_000
"""Entries of the folder that are looked at, files or not."""

_SPARE = 32
"""Empty folders that are kept."""

_NO_LINKS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Spares:
    """Folders that runs left empty, for the next ones: to make and remove one takes longer than a short run.

    Nothing of a run is left in them: no entry, no time, no size. ``close`` removes them.
    """

    def __init__(self, _services: object = None) -> None:
        self._free: list[Path] = []
        self._sizes: dict[Path, int] = {}
        self._lock = threading.Lock()
        self._closed = False

    def take(self) -> Path:
        """An empty folder that nobody else has."""
        with self._lock:
            folder = self._free.pop() if self._free else None
        if folder is None:
            folder = made()
            with self._lock:
                self._sizes[folder] = folder.stat().st_size
        else:
            os.utime(folder)
        return folder

    def give_back(self, folder: Path) -> None:
        """Take a folder back; one that is not as it was is removed."""
        with self._lock:
            if not self._closed and len(self._free) < _SPARE and self._is_as_it_was(folder):
                self._free.append(folder)
                return
            self._sizes.pop(folder, None)
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove the folders that nobody has, and those that come back from now on."""
        with self._lock:
            self._closed = True
            left, self._free = self._free, []
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)

    def _is_as_it_was(self, folder: Path) -> bool:
        # A folder that had many entries stays larger in some file systems, and so would tell of them.
        try:
            return not os.listdir(folder) and folder.stat().st_size == self._sizes[folder]  # noqa: PTH208
        except OSError:
            return False


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Has an error of the quota say what is so of a folder that goes with its run.

    Raises:
        StorageExceeded: what was raised inside, in other words.
    """
    try:
        yield
    except StorageExceeded as error:
        own = StorageExceeded(error.allowed, error.used, _OWN)
        own.report = error.report
        raise own from None


_OWN = (
    "It is for all files that lie in the code's own folder at once, which went with this run: what there "
    "was room for is among the run's files, and the rest is gone."
)


def made() -> Path:
    """A new folder among the system's temporary ones."""
    return Path(tempfile.mkdtemp(prefix="mcp-wasm-run-")).resolve()


class Scratch:
    """A run's folder on the host; use it as a context manager, or ``close`` it."""

    def __init__(self, files: Mapping[str, bytes], spares: Spares | None = None) -> None:
        self._spares = spares
        self.folder = made() if spares is None else spares.take()
        self.grant = Storage(self.folder, "/", write=True, quota=QUOTA, rule="the run's own folder")
        self._known: dict[str, tuple[int, int, int]] = {}
        try:
            self.put(files)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write ``files``, whose names ``check`` has accepted, in place of what was there."""
        for name, content in files.items():
            path = self.folder
            for part in PurePosixPath(name).parts[:-1]:
                path /= part
                if path.is_symlink() or not path.is_dir():
                    path.unlink(missing_ok=True)
                    path.mkdir()
            path /= PurePosixPath(name).name
            if path.is_symlink() or path.exists():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            path.write_bytes(content)
        if files:
            for name, status, _ in self._entries():
                self._known[name] = _mark(status)

    def collect(self) -> tuple[tuple[Produced, ...], tuple[str, ...]]:
        """The files that are new or changed since the last look, and in words what was left out."""
        if not os.listdir(self.folder):  # noqa: PTH208 - a third of what a Path takes, in every run
            return (), ()
        found: list[Produced] = []
        left_out: list[str] = []
        room = FILE_BYTES
        for number, (name, status, parent) in enumerate(self._entries()):
            mark = _mark(status)
            if self._known.get(name) == mark:
                continue
            self._known[name] = mark
            if len(found) >= FILES:
                left_out.append(f"files after the first {FILES}")
                break
            if number >= _LOOKED_AT:
                left_out.append(f"files after the first {_LOOKED_AT:,} entries of the folder")
                break
            content = _read(parent, name.rpartition("/")[2], room)
            if content is None:
                left_out.append(f"the file {name} ({status.st_size:,} bytes; {FILE_BYTES:,} for all files)")
                continue
            room -= len(content)
            found.append(Produced(name, content))
        return tuple(sorted(found, key=lambda each: each.path)), tuple(left_out[:FILES])

    def close(self) -> None:
        """Remove the folder and what is in it, or give it back as it was."""
        if self._spares is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            self._spares.give_back(self.folder)

    def _entries(self) -> Iterator[tuple[str, os.stat_result, int]]:
        """Every plain file: its relative path, what it is, and a descriptor of the folder that holds it."""
        for here, folders, files, descriptor in os.fwalk(self.folder, follow_symlinks=False):
            folders.sort()
            below = Path(here).relative_to(self.folder).as_posix()
            for name in sorted(files):
                try:
                    status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                    name.encode()
                except (OSError, UnicodeEncodeError):
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield (name if below == "." else f"{below}/{name}"), status, descriptor


def check(tool: str, files: Mapping[str, bytes]) -> None:
    """Accept the names and sizes of files that go in.

    Raises:
        InvalidArguments: naming the first that cannot.
    """
    if len(files) > FILES:
        raise InvalidArguments(tool, [Mismatch("/files", f"at most {FILES} files", f"{len(files)}")])
    if sum(map(len, files.values())) > FILE_BYTES:
        raise InvalidArguments(tool, [Mismatch("/files", f"at most {FILE_BYTES:,} bytes in all", "more")])
    for name in files:
        parts = name.split("/")
        plain = name.isprintable() and "\\" not in name and len(name) <= 200 and len(parts) <= 8
        if not plain or any(part in {"", ".", ".."} for part in parts):
            expected = "a relative path such as data/input.csv"
            raise InvalidArguments(tool, [Mismatch("/files", expected, ascii(name[:60]))])
    for name in files:
        if any(other.startswith(f"{name}/") for other in files):
            raise InvalidArguments(tool, [Mismatch("/files", "a file or a folder of one name", name)])


def _mark(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read(parent: int, name: str, room: int) -> bytes | None:
    """A file's bytes, or None where it is too large or not what it was."""
    try:
        descriptor = os.open(name, _NO_LINKS, dir_fd=parent)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        content = file.read(room + 1)
    return content if len(content) <= room else None
