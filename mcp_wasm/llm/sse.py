"""Server-sent events out of bytes as they come (WHATWG HTML, section 9.2.6), bounded. Pure.

Only what the providers use: ``event`` and ``data``. A stream that ends within an
event gives none for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 1024 * 1024
"""Bytes of one event."""


class TooLong(ValueError):
    """An event is longer than an event may be."""


@dataclass(frozen=True, slots=True)
class Event:
    """``name`` is empty where the server gave none."""

    name: str
    data: str


class Events:
    """Takes bytes, gives the events that they complete."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._buffer = b""
        self._name = ""
        self._data: list[str] = []
        self._size = 0
        self._first = True

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that end within ``data``.

        Raises:
            TooLong: if one is too long.
            UnicodeDecodeError: if one is no UTF-8.
        """
        self._buffer += data
        while (found := self._line()) is not None:
            event = self._take(found)
            if event is not None:
                yield event
        if len(self._buffer) + self._size > self._longest:
            raise TooLong

    def _line(self) -> str | None:
        """The next whole line; a lone CR ends one too, once it is known that no LF follows."""
        ends = [at for at in (self._buffer.find(b"\n"), self._buffer.find(b"\r")) if at >= 0]
        if not ends:
            return None
        end = min(ends)
        if self._buffer[end : end + 1] == b"\r" and end + 1 == len(self._buffer):
            return None
        after = end + 2 if self._buffer[end : end + 2] == b"\r\n" else end + 1
        line, self._buffer = self._buffer[:end], self._buffer[after:]
        if self._first:
            line, self._first = line.removeprefix(b"\xef\xbb\xbf"), False
        return line.decode("utf-8")

    def _take(self, line: str) -> Event | None:
        if not line:
            event = Event(self._name, "\n".join(self._data)) if self._data else None
            self._name, self._data, self._size = "", [], 0
            return event
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
            self._size += len(value) + 1
            if self._size > self._longest:
                raise TooLong
        return None
