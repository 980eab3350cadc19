"""The file that audit lines are appended to: one for all processes of a home, rotated by size.

Every write is one ``write`` to a file opened for appending, so lines of several
processes do not mix on a local file system. Whoever finds the file full renames it
under a lock; the others notice that the name leads elsewhere and follow.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

CURRENT = "audit.jsonl"
_ROTATED = "audit-*.jsonl"
_LOCK = ".lock"
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class AppendFile:
    """``folder/audit.jsonl``; past ``max_bytes`` it is renamed, and of the renamed ``keep`` stay."""

    def __init__(self, folder: Path, *, max_bytes: int, keep: int, sync: bool = False) -> None:
        self._folder, self._path = folder, folder / CURRENT
        self._max_bytes, self._keep, self._sync = max_bytes, keep, sync
        self._descriptor = -1

    def open(self) -> None:
        """Make the folder (0700) and the file (0600), or find them.

        Raises:
            OSError: if that cannot be, also where the file is a link.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_APPEND | _FLAGS, 0o600)
        self.close()
        self._descriptor = descriptor

    def append(self, lines: bytes) -> None:
        """Append whole ``lines``.

        Raises:
            OSError: if they could not be written; a part of them may have been.
        """
        if self._descriptor < 0 or self._is_elsewhere():
            self.open()
        if os.fstat(self._descriptor).st_size + len(lines) > self._max_bytes:
            self._rotate(len(lines))
        if self._is_torn():
            lines = b"\n" + lines
        written = 0
        while written < len(lines):
            written += os.write(self._descriptor, lines[written:])
        if self._sync:
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_elsewhere(self) -> bool:
        """Whether another process has renamed the file, or somebody has removed it."""
        try:
            named = self._path.lstat()
        except FileNotFoundError:
            return True
        opened = os.fstat(self._descriptor)
        return (named.st_dev, named.st_ino) != (opened.st_dev, opened.st_ino)

    def _is_torn(self) -> bool:
        """Whether the last line has no end: its writer was killed or the disk was full."""
        size = os.fstat(self._descriptor).st_size
        return size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def _rotate(self, coming: int) -> None:
        import fcntl  # not on Windows, where everything else here works

        lock = os.open(self._folder / _LOCK, _FLAGS, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._is_elsewhere():
                self.open()
            size = os.fstat(self._descriptor).st_size
            if size and size + coming > self._max_bytes:  # else another process has rotated it by now
                self._path.rename(self._folder / f"audit-{time.time_ns():020d}-{os.getpid()}.jsonl")
                self.open()
                self._prune()
        finally:
            os.close(lock)

    def _prune(self) -> None:
        old = sorted(self._folder.glob(_ROTATED))
        for path in old[: max(0, len(old) - self._keep)]:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


def files(folder: Path) -> list[Path]:
    """The files of a log, oldest first."""
    current = folder / CURRENT
    return [*sorted(folder.glob(_ROTATED)), *([current] if current.is_file() else [])]
