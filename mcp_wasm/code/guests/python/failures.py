"""What a program raised, as an ``error`` of the answer: where it was, how it came there, what helps.

A traceback shows the submitted code and libraries, and nothing of the runner.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import hints
import plain
import program

_HERE = f"{Path(__file__).parent}/"
_LIBRARIES = ("/python/", "/bundled/", "/0/", "/1/", "/2/")
_MOST = 16 * 1024


def is_normal_end(error: BaseException) -> bool:
    """Whether the program ended itself without saying that something was wrong."""
    return isinstance(error, SystemExit) and error.code in (None, 0, False)


def describe(error: BaseException, request: program.Request) -> dict[str, Any]:
    """The ``error`` of an answer."""
    if isinstance(error, MemoryError):
        # What its frames hold is the very memory that is wanted for describing it.
        traceback.clear_frames(error.__traceback__)
    shown = traceback.TracebackException.from_exception(error, max_group_width=5)
    line, column = _place(error, shown, request)
    for each in _chain(shown):
        _clean(each, request)
    found: dict[str, Any] = {
        "type": type(error).__qualname__,
        "message": plain.text(_message(error)),
        "line": line,
        "column": column,
        "traceback": _cut(plain.text("".join(shown.format()))),
    }
    hint = hints.hint(error, request.given)
    if hint:
        found["hint"] = hint
    data = getattr(error, "data", None)
    if data is not None and type(error).__module__ == "tools":
        found["data"] = plain.shown(data).get("value")
    return found


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"the program ended itself with {error.code!r}"
    if isinstance(error, SyntaxError):
        return str(error.msg)
    try:
        return str(error)[:_MOST]
    except Exception:
        # An exception's text is the program's own code and may do anything.
        return "(its text could not be made)"


def _place(
    error: BaseException, shown: traceback.TracebackException, request: program.Request
) -> tuple[int | None, int | None]:
    """Line and column of the submitted code, counted from 1."""
    if isinstance(error, SyntaxError) and error.filename == request.compiled:
        return error.lineno, error.offset
    own = [frame for frame in shown.stack if frame.filename == request.compiled]
    if not own:
        return None, None
    frame = own[-1]
    if frame.colno is None or frame.lineno is None:
        return frame.lineno, None
    lines = request.code.splitlines()
    line = lines[frame.lineno - 1] if frame.lineno <= len(lines) else ""
    # The compiler counts bytes of UTF-8.
    return frame.lineno, len(line.encode("utf-8", "replace")[: frame.colno].decode("utf-8", "ignore")) + 1


def _chain(shown: traceback.TracebackException) -> list[traceback.TracebackException]:
    """An exception with its causes and its parts."""
    found, waiting = [], [shown]
    while waiting:
        each = waiting.pop()
        found.append(each)
        waiting.extend(part for part in (each.__cause__, each.__context__, *(each.exceptions or ())) if part)
    return found


def _clean(shown: traceback.TracebackException, request: program.Request) -> None:
    """Take the runner's own frames out, and give files the names that a reader knows."""
    kept = [frame for frame in shown.stack if not frame.filename.startswith(_HERE)]
    for frame in kept:
        frame.filename = _name(frame.filename, request)
    shown.stack[:] = kept
    if getattr(shown, "filename", None):
        shown.filename = _name(shown.filename, request)


def _name(filename: str, request: program.Request) -> str:
    known = program.compiled.get(filename)
    if known is not None:
        file, count = known
        return file if filename == request.compiled else f"{file} (run {count})"
    for folder in _LIBRARIES:
        if filename.startswith(folder):
            return filename[len(folder) :]
    return filename


def _cut(text: str) -> str:
    text = text.rstrip("\n")
    return text if len(text) <= _MOST else f"{text[: _MOST // 4]}\n…\n{text[-_MOST * 3 // 4 :]}"
