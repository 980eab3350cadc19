"""Reading a file that a model named, out of folders that a person named, and out of nowhere else.

Every step of the path is opened from the folder above it and no link is
followed, so that nothing can be put in its way between a look and a read. It
knows nothing of components.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path, PurePath

from mcp_wasm.errors import InvalidArguments, Mismatch

_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINKS
_FILE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | _NO_LINKS
_STEPS, _LONGEST = 32, 1024

_ELSEWHERE = "the path of a .wasm file in a folder that --allow-load names, without links and without .."


def read_within(folders: Sequence[Path], path: str, tool: str, most: int) -> bytes:
    """The bytes of the file ``path``, absolute or from one of ``folders``; ``tool`` is named in errors.

    Raises:
        InvalidArguments: if it does not lie in ``folders``, is no plain file, or has over ``most`` bytes.
    """
    if not 0 < len(path) <= _LONGEST or "\0" in path:
        raise InvalidArguments(tool, [Mismatch("/path", _ELSEWHERE, "another text")])
    for folder in folders:
        steps = _steps(folder, PurePath(path))
        if steps is None:
            continue
        try:
            return _read(folder, steps, tool, most)
        except (OSError, ValueError, UnicodeError):
            continue  # what is there and why it cannot be read is not told
    raise InvalidArguments(tool, [Mismatch("/path", _ELSEWHERE, "one that is none of these")])


def _steps(folder: Path, path: PurePath) -> tuple[str, ...] | None:
    """The names from ``folder`` to ``path``, or None where it does not lead there."""
    if path.is_absolute():
        if not path.is_relative_to(folder):
            return None
        path = path.relative_to(folder)
    steps = path.parts
    fits = 0 < len(steps) <= _STEPS and steps[-1].endswith(".wasm")
    return steps if fits and not any(step in {"", ".", ".."} or path.drive for step in steps) else None


def _read(folder: Path, steps: tuple[str, ...], tool: str, most: int) -> bytes:
    if os.open not in os.supports_dir_fd:  # Windows
        return _read_resolved(folder, steps, tool, most)
    at = os.open(folder, _DIRECTORY)
    try:
        for step in steps[:-1]:
            below = os.open(step, _DIRECTORY, dir_fd=at)
            os.close(at)
            at = below
        handle = os.open(steps[-1], _FILE, dir_fd=at)
    finally:
        os.close(at)
    return _content(handle, tool, most)


def _read_resolved(folder: Path, steps: tuple[str, ...], tool: str, most: int) -> bytes:
    path = folder.joinpath(*steps)
    if path.resolve(strict=True) != path:
        raise ValueError("a link")
    return _content(os.open(path, _FILE), tool, most)


def _content(handle: int, tool: str, most: int) -> bytes:
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("no plain file")
        content = file.read(most + 1)
    if len(content) > most:
        raise InvalidArguments(tool, [Mismatch("/path", f"a file of at most {most:,} bytes", "a larger one")])
    return content
