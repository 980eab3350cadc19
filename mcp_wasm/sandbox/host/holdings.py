"""What a call holds of the process by its files: open descriptors, and memory for lists of entries.

A guest lets go of files and lists without the host's knowledge (they are the
engine's own), so neither can be counted one by one: what the whole process
holds is looked at instead, as rarely as that is safe.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

_OWN = Path("/proc/self/fd")
_PAGE = 4096


class Opened:
    """How many files a call has opened: ``MOST`` may be open at once."""

    __slots__ = ("_left",)
    MOST: ClassVar[int] = 256

    def __init__(self) -> None:
        self._left = self.MOST

    def is_too_much(self, folders: Iterable[int]) -> bool:
        """Whether the call may not open another file; ``folders`` are the descriptors of its folders."""
        if self._left <= 0:
            self._left = self.MOST - _open_in(folders)
        self._left -= 1
        return self._left < 0


def _open_in(folders: Iterable[int]) -> int:
    """The descriptors of this process that lie in ``folders``."""
    try:
        roots = tuple(f"{(_OWN / str(descriptor)).readlink()}/" for descriptor in folders)
        links = list(_OWN.iterdir())
    except OSError:
        return Opened.MOST  # a system that does not tell: what was opened counts as open
    count = 0
    for link in links:
        try:
            count += f"{link.readlink()}/".startswith(roots)
        except OSError:
            continue  # closed meanwhile
    return count


class Growth:
    """How much the process has grown since a call first listed a folder: by ``MOST`` bytes at most.

    The engine reads a folder's entries at once, all of them, and keeps them for
    as long as the guest keeps the list. Other calls make the process grow as
    well, so the first lists of a call are free.
    """

    __slots__ = ("_count", "_first")
    MOST: ClassVar[int] = 256 * 1024 * 1024
    _FREE: ClassVar[int] = 16

    def __init__(self) -> None:
        self._count, self._first = 0, _resident()

    def is_too_much(self) -> bool:
        """Whether the call may not list another folder."""
        self._count += 1
        return self._count > self._FREE and _resident() - self._first > self.MOST


def _resident() -> int:
    """Bytes of memory that the process has, or 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except OSError:
        return 0
