"""Where the whole of an oversized result is kept for a while, to be read in pages.

Bounded in bytes, number and age. A result is found only under its unguessable
address and only by the one it was made for. Nothing here knows of MCP.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

_CONTINUATION = range(0x80, 0xC0)
"""The bytes that continue a character in UTF-8: a page of text never begins with one."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One kept result: ``data`` of type ``mime_type``, made for ``owner``, gone after ``until``."""

    id: str
    owner: str
    data: bytes
    mime_type: str
    text: bool
    until: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a stored result; ``number`` counts from 1 up to ``pages``."""

    data: bytes
    mime_type: str
    text: bool
    number: int
    pages: int
    total: int


class ResultStore:
    """Keeps oversized results; use it from one thread (the event loop's)."""

    def __init__(
        self,
        *,
        max_bytes: int,
        max_count: int,
        seconds: float,
        page_bytes: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes, self._max_count = max_bytes, max_count
        self.seconds, self._page_bytes, self._now = seconds, page_bytes, now
        self._kept: dict[str, Stored] = {}
        self._bytes = 0

    def put(self, data: bytes, mime_type: str, owner: str, *, text: bool) -> Stored | None:
        """Keep ``data`` for ``owner``, or return None when it is larger than the whole store.

        Room is made by dropping what has expired and then the oldest results of
        whoever holds most, so that one client cannot push out the others'.
        """
        if len(data) > self._max_bytes:
            return None
        self._drop_expired()
        while self._kept and (
            self._bytes + len(data) > self._max_bytes or len(self._kept) >= self._max_count
        ):
            self._drop(self._oldest_of_the_largest_holder())
        stored = Stored(secrets.token_urlsafe(24), owner, data, mime_type, text, self._now() + self.seconds)
        self._kept[stored.id] = stored
        self._bytes += len(data)
        return stored

    def whole(self, result_id: str, owner: str) -> bytes | None:
        """All of the result ``result_id``, or None when ``owner`` has no such result."""
        self._drop_expired()
        stored = self._kept.get(result_id)
        return stored.data if stored is not None and stored.owner == owner else None

    def page(self, result_id: str, owner: str, number: int) -> Page | None:
        """Page ``number`` of the result ``result_id``, or None when ``owner`` has no such result or page."""
        self._drop_expired()
        stored = self._kept.get(result_id)
        if stored is None or stored.owner != owner:
            return None
        pages = self.pages(stored)
        if not 1 <= number <= pages:
            return None
        start, end = (self._boundary(stored, n * self._page_bytes) for n in (number - 1, number))
        return Page(stored.data[start:end], stored.mime_type, stored.text, number, pages, len(stored.data))

    def pages(self, stored: Stored) -> int:
        """How many pages ``stored`` has, at least one."""
        return max(1, -(-len(stored.data) // self._page_bytes))

    def _boundary(self, stored: Stored, at: int) -> int:
        """``at``, moved on to where a character begins if the result is text."""
        data = stored.data
        if at >= len(data):
            return len(data)
        while stored.text and at < len(data) and data[at] in _CONTINUATION:
            at += 1
        return at

    def _drop(self, stored: Stored) -> None:
        del self._kept[stored.id]
        self._bytes -= len(stored.data)

    def _drop_expired(self) -> None:
        now = self._now()
        for stored in [s for s in self._kept.values() if s.until <= now]:
            self._drop(stored)

    def _oldest_of_the_largest_holder(self) -> Stored:
        held: dict[str, int] = {}
        for stored in self._kept.values():
            held[stored.owner] = held.get(stored.owner, 0) + len(stored.data)
        largest = max(held, key=held.__getitem__)
        return next(s for s in self._kept.values() if s.owner == largest)
