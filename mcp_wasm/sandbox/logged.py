"""What a guest wrote to the log in one call, bounded in number and size, each message one line."""

from __future__ import annotations

from dataclasses import dataclass

LINES = 1_000
"""Messages that one call keeps."""

MESSAGE, CONTEXT = 2_000, 100
"""Characters of a message and of its context; the rest is cut."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One message: ``level`` by WASI's name, text without line breaks and control characters."""

    level: str
    context: str
    message: str


class Log:
    """The messages of one call, up to ``LINES`` and ``size`` bytes; ``dropped`` counts the others."""

    __slots__ = ("_left", "_lines", "dropped")

    def __init__(self, size: int) -> None:
        self._left, self.dropped = size, 0
        self._lines: list[Logged] = []

    def add(self, level: str, context: str, message: str) -> Logged | None:
        """Keep a message, as it may be shown; None where there is no room for it any more."""
        line = Logged(level, plain(context, CONTEXT), plain(message, MESSAGE))
        size = len(line.context.encode()) + len(line.message.encode())
        if self.dropped or len(self._lines) >= LINES or size > self._left:
            self.dropped += 1
            return None
        self._left -= size
        self._lines.append(line)
        return line

    @property
    def lines(self) -> tuple[Logged, ...]:
        """What was kept, in order."""
        return tuple(self._lines)


def plain(text: str, longest: int) -> str:
    """``text`` on one line: no control or format characters, white space as spaces, cut where long."""
    cut = text[:longest]
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in cut)
    return f"{cut}… ({len(text):,} characters)" if len(text) > longest else cut
