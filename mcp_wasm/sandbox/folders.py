"""Granted folders on the host: opened without following a link, and measured.

What a guest can write, a guest can plant links in, so nothing here ever follows
one: a granted path is opened part by part, and stays that very folder for the
call, whatever is put in its place; a folder is measured through descriptors.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PATH = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_READ = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_RDONLY

ENTRY = 4096
"""Bytes that each file and folder counts at least, so that a bound on bytes is one on their number too."""

_LINKS = 40
"""Links on the way to one path; the system follows no more either."""

DEEPEST = 100
"""Folders in folders that are measured; each level holds a descriptor while it is looked at."""


class Unusable(Exception):
    """A granted folder cannot be opened as it is written; the message says why and what to write."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What lies in a folder, in bytes; ``stopped`` says why counting ended before its end, or is empty."""

    used: int
    stopped: str = ""


def open_folder(path: Path) -> int:
    """A descriptor of the folder ``path``, which must be absolute and its own real path.

    Raises:
        Unusable: if it does not exist, is no folder, or has a link in its path.
    """
    if not path.is_absolute():
        raise Unusable(f"{path} is no absolute path")
    if path.parts[1:2] in {(), ("proc",)}:
        # A guest would read the server's memory there, or write it.
        raise Unusable(f"{path} holds this very process (/proc); grant the folder that is meant")
    here = os.open("/", _PATH)
    try:
        for at, part in enumerate(path.parts[1:], start=2):
            inner = _enter(here, part, Path(*path.parts[:at]), path)
            os.close(here)
            here = inner
    except BaseException:
        os.close(here)
        raise
    return here


def _enter(here: int, part: str, so_far: Path, path: Path) -> int:
    if part == "..":
        raise Unusable(f"{path} has `..` in it; write its real path, {os.path.realpath(path)}")
    try:
        return os.open(part, _PATH, dir_fd=here)
    except FileNotFoundError:
        raise Unusable(f"{so_far} does not exist") from None
    except OSError as error:
        with contextlib.suppress(OSError):
            if stat.S_ISLNK(os.stat(part, dir_fd=here, follow_symlinks=False).st_mode):
                real = os.path.realpath(path)
                # A guest that can write beside it could have put it there.
                raise Unusable(f"{so_far} is a symbolic link; if {real} is meant, write that") from None
        why = (
            "is no folder" if isinstance(error, NotADirectoryError) else f"cannot be opened: {error.strerror}"
        )
        raise Unusable(f"{so_far} {why}") from None


def looked_up(path: Path) -> Iterator[str]:
    """Every entry of a folder on the way to ``path``, links and what they lead through included.

    Whoever can replace one of them says what is found under ``path``.
    """
    here, left, links = "", list(reversed(path.absolute().parts[1:])), 0
    while left:
        part = left.pop()
        if part == "..":
            here = here.rpartition("/")[0]
            continue
        at = f"{here}/{part}"
        yield at
        try:
            leads = os.readlink(at)  # noqa: PTH115 - every call with a folder to write comes here
        except OSError:  # no link, or nothing is there yet
            here = at
            continue
        links += 1
        if links > _LINKS:
            return
        here = "" if leads.startswith("/") else here
        left += reversed([part for part in leads.split("/") if part not in {"", "."}])


def path_of(descriptor: int, path: Path) -> str:
    """A path by which other code of this process opens the folder behind ``descriptor`` and no other."""
    own = f"/proc/self/fd/{descriptor}"
    # Where the system has no such paths, the folder is looked up by its name once more.
    return own if os.path.isdir(own) else str(path)  # noqa: PTH112 - as above


def measure(descriptor: int, bound: int) -> Usage:
    """What lies in the folder behind ``descriptor``; at most ``bound / ENTRY`` files and folders are counted.

    A file counts its size or the room it takes, whichever is more (a sparse file
    can be filled later), and at least ``ENTRY``. Links are counted and never followed.
    """
    used, count, waiting = 0, 0, [_listed(descriptor, ".")]
    try:
        while waiting:
            here, names = waiting[-1]
            if not names:
                os.close(waiting.pop()[0])
                continue
            name = names.pop()
            try:
                status = os.stat(name, dir_fd=here, follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    if len(waiting) > DEEPEST:
                        return Usage(used, f"folders are nested deeper than {DEEPEST}")
                    waiting.append(_listed(here, name))
            except OSError:
                continue  # it is gone, or something else by now: another guest, or a person, works here too
            used += max(status.st_size, status.st_blocks * 512, ENTRY)
            count += 1
            if count * ENTRY > bound:
                return Usage(used, f"there are more than {count - 1:,} files and folders")
        return Usage(used)
    finally:
        for opened, _ in waiting:
            os.close(opened)


def unlinked(descriptor: int) -> int:
    """Bytes of files from the folder behind ``descriptor`` that have no name any more and are open here.

    They take room until they are closed, and no walk through the folder finds them. 0 where the
    system does not tell (it has no ``/proc``).
    """
    used = 0
    try:
        within = os.readlink(f"/proc/self/fd/{descriptor}") + "/"  # noqa: PTH115 - many, and often
        opened = os.listdir("/proc/self/fd")  # noqa: PTH208 - as above
    except OSError:
        return 0
    for number in opened:
        at = f"/proc/self/fd/{number}"
        try:
            leads = os.readlink(at)  # noqa: PTH115 - as above
            if not (leads.startswith(within) and leads.endswith(" (deleted)")):
                continue
            status = os.stat(at)  # noqa: PTH116 - as above
        except OSError:
            continue  # it was closed meanwhile
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
            used += max(status.st_size, status.st_blocks * 512)
    return used


def _listed(parent: int, name: str) -> tuple[int, list[str]]:
    descriptor = os.open(name, _READ, dir_fd=parent)
    try:
        return descriptor, os.listdir(descriptor)  # noqa: PTH208 - a Path has no descriptor
    except BaseException:
        os.close(descriptor)
        raise
