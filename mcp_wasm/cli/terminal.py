"""What is written to the terminal: results on stdout, everything else on stderr.

Names, texts and logs come from guests, so control characters, which could move
the cursor or retitle the window, are shown as escapes wherever a person reads.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_TICK_S = 0.2
_BAR = 20


def prepare() -> None:
    """Make both streams take any text: what their encoding lacks is written as an escape.

    One that was closed before we began (``>&-``) is None in Python, and becomes a sink.
    """
    sink = Path(os.devnull)
    sys.stdout = sys.stdout or sink.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or sink.open("w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def safe(text: str) -> str:
    """``text`` with control and direction-changing characters as escapes; newlines and tabs stay."""
    return "".join(char if char in "\n\t" or char.isprintable() else _escape(char) for char in text)


def line(text: str) -> str:
    """The first line of ``text``, made safe."""
    return safe(text.strip().partition("\n")[0])


def sentence(text: str, longest: int = 110) -> str:
    """The first sentence of ``text`` on one line, made safe and cut where it is long."""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    first = re.split(r"(?<=[.!?]) ", paragraph, maxsplit=1)[0]
    return safe(first if len(first) <= longest else f"{first[: longest - 1]}…")


def fail(message: str) -> None:
    """One error, on stderr."""
    sys.stderr.write(f"mcp-wasm: {safe(message)}\n")


def note(message: str) -> None:
    """Something a person may want to know beside the output, on stderr."""
    sys.stderr.write(f"{safe(message)}\n")


def print_json(value: Any) -> None:
    """A JSON document on stdout, indented."""
    print(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def print_json_line(value: Any) -> None:
    """A JSON document on one line of stdout, in ASCII: what others wrote cannot end the line."""
    print(json.dumps(value, separators=(",", ":"), allow_nan=False))


def print_text(text: str) -> None:
    """A text that a guest gave, on stdout: exact where a program reads it, safe where a person does."""
    print(safe(text) if sys.stdout.isatty() else text)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns of equal width, the last one as it is."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    cells = ([cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)] for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in cells)


def size(number: int) -> str:
    """Bytes for people: ``1.5 MiB``."""
    amount, units = float(number), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{number:,} bytes" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"


class Progress:
    """Long work on stderr: a bar that ticks on a terminal, plain lines elsewhere.

    ``total`` is the number of parts, 0 where it is one whole. Use it as a context
    manager; ``part`` begins the next part, ``step`` says what is being done.
    """

    def __init__(self, total: int = 0) -> None:
        self._total, self._done, self._text = total, 0, ""
        self._beats, self._timed = 0, True
        self._begun = time.monotonic()
        self._live = sys.stderr.isatty()
        self._ended = threading.Event()
        self._writing = threading.Lock()
        self._ticker = threading.Thread(target=self._tick, name="mcp-wasm progress", daemon=True)

    def __enter__(self) -> Self:
        if self._live:
            self._ticker.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._live:
            self._ticker.join()
            self._erase()

    def part(self, done: int, text: str) -> None:
        """``done`` parts are finished and the next one, ``text``, begins."""
        self._done, self._begun = done, time.monotonic()
        self.step(text)

    def step(self, text: str) -> None:
        """What is being done now."""
        text = line(text)
        if not self._live and text != self._text:
            sys.stderr.write(f"{self._count()}{text}\n")
            sys.stderr.flush()
        self._text = text

    def wait(self, text: str) -> None:
        """A heartbeat, one a second, that tells its own time; off a terminal fewer and fewer are shown."""
        self._beats += 1
        self._timed = False
        if self._live or self._beats & (self._beats - 1) == 0:
            self.step(text)

    def say(self, text: str) -> None:
        """A line that stays."""
        with self._writing:
            if self._live:
                self._erase()
            sys.stderr.write(f"{safe(text)}\n")
            sys.stderr.flush()

    def _tick(self) -> None:
        while not self._ended.wait(_TICK_S):
            with self._writing:
                full = _BAR * self._done // max(self._total, 1)
                bar = f"[{'#' * full}{'.' * (_BAR - full)}] " if self._total else ""
                spent = f", {time.monotonic() - self._begun:.0f} s" if self._timed else ""
                shown = f"{bar}{self._count()}{self._text}{spent}"
                sys.stderr.write(f"\r\x1b[K{shown[: _columns() - 1]}")
                sys.stderr.flush()

    def _count(self) -> str:
        return f"{min(self._done + 1, self._total)}/{self._total} " if self._total else ""

    def _erase(self) -> None:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _columns() -> int:
    import shutil  # slow to import, and only a terminal needs it

    return shutil.get_terminal_size().columns


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
