"""Standard output and error of a run: written through early enough that a run that is stopped shows them.

A run that meets a limit is stopped where it is, and what Python still buffers is
lost. Each write to the host costs tens of microseconds. So the first lines of a
run go out at once, and a flood goes out in blocks.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys

_PROMPT_LINES = 256
"""Lines that are written through at once; what is stopped after a flood loses at most a block of it."""


class _Stream(io.TextIOWrapper):
    prompt = _PROMPT_LINES

    def write(self, text: str, /) -> int:
        written = super().write(text)
        if self.prompt and "\n" in text:
            self.prompt -= 1
            self.flush()
        return written


def _open(descriptor: int) -> _Stream:
    raw = io.FileIO(descriptor, "wb", closefd=False)
    # A lone surrogate is shown escaped: printing what was read must not fail.
    return _Stream(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", newline="\n")


_out, _err = _open(1), _open(2)


def begin() -> None:
    """Give the run its streams, also where an earlier run of a session closed or replaced them."""
    global _out, _err  # noqa: PLW0603 - there is one of each in an interpreter
    if _out.closed:
        _out = _open(1)
    if _err.closed:
        _err = _open(2)
    _out.prompt = _err.prompt = _PROMPT_LINES
    sys.stdout = sys.__stdout__ = _out
    sys.stderr = sys.__stderr__ = _err


def end() -> None:
    """Write out what is still buffered."""
    for stream in {id(each): each for each in (sys.stdout, sys.stderr, _out, _err)}.values():
        # Whatever the program put there may be closed, or no stream at all.
        with contextlib.suppress(Exception):
            stream.flush()


def listed(most: int = 20) -> str | None:
    """The names in the run's folder, in words; empty where it is, and None where there is no folder."""
    try:
        names = sorted(os.listdir("/"))  # noqa: PTH208 - names
    except OSError:
        return None
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
