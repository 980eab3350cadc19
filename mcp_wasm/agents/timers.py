"""Messages that are sent later: a heap, and one timer of the event loop for the earliest of them.

Bounded for each agent, and forgotten with it. It knows no mailbox: what is due it hands on.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mcp_wasm.agents.message import Message
from mcp_wasm.errors import MessageRefused

MOST = 1_000
"""Timers of one agent."""
MOST_CHARACTERS = 8 * 1024 * 1024
"""Characters of payload in the timers of one agent."""
LONGEST = 366 * 24 * 3600.0
"""Seconds."""


class Cancellable(Protocol):
    """What ends a wait."""

    def cancel(self) -> None: ...  # noqa: D102 - asyncio's


class Loop(Protocol):
    """What is used of an event loop."""

    def time(self) -> float: ...  # noqa: D102 - asyncio's

    def call_at(self, when: float, callback: Callable[[], object], /) -> Cancellable: ...  # noqa: D102


@dataclass(slots=True)
class _Owned:
    """The timers of one agent; ``serials`` are those in the heap that are not cancelled."""

    serials: set[int] = field(default_factory=set)
    characters: int = 0


class Timers:
    """``send`` gets the agent's path and the message when it is due; it raises nothing.

    ``loop`` is the running one where none is given.
    """

    def __init__(self, send: Callable[[str, Message], None], loop: Loop | None = None) -> None:
        self._send, self._given = send, loop
        self._heap: list[tuple[float, int, str, Message]] = []
        self._owned: dict[str, _Owned] = {}
        self._serials = itertools.count()
        self._next: Cancellable | None = None
        self._next_at = float("inf")

    def __len__(self) -> int:
        return sum(len(owned.serials) for owned in self._owned.values())

    def waiting(self, path: str) -> int:
        """How many timers the agent at ``path`` has."""
        owned = self._owned.get(path)
        return len(owned.serials) if owned else 0

    def add(self, path: str, seconds: float, message: Message) -> None:
        """Send ``message`` for the agent at ``path`` in ``seconds``; those due at once go in order.

        Raises:
            MessageRefused: it has too many timers, too much in them, or this one is too far away.
        """
        if not 0 <= seconds <= LONGEST:
            raise MessageRefused("a timer", f"0 to {LONGEST:,.0f} seconds", f"{seconds:,.0f}")
        owned = self._owned.setdefault(path, _Owned())
        if len(owned.serials) >= MOST:
            raise MessageRefused(f"the timers of {path}", f"{MOST:,} at most", "one more")
        size = len(message.payload)
        if owned.characters + size > MOST_CHARACTERS:
            raise MessageRefused(f"the timers of {path}", f"{MOST_CHARACTERS:,} characters at most", "more")
        serial = next(self._serials)
        owned.serials.add(serial)
        owned.characters += size
        at = self._loop.time() + seconds
        heapq.heappush(self._heap, (at, serial, path, message))
        if at < self._next_at:
            self._wait()

    def forget(self, path: str) -> None:
        """Send none of the agent's."""
        if self._owned.pop(path, None) is not None and len(self._heap) > 2 * len(self) + MOST:
            self._heap = [entry for entry in self._heap if self._is_wanted(entry)]
            heapq.heapify(self._heap)

    def close(self) -> None:
        """Send none of them."""
        self._heap.clear()
        self._owned.clear()
        self._wait()

    @property
    def _loop(self) -> Loop:
        return self._given or asyncio.get_running_loop()

    def _wait(self) -> None:
        if self._next is not None:
            self._next.cancel()
        self._next, self._next_at = None, float("inf")
        if self._heap:
            self._next_at = self._heap[0][0]
            self._next = self._loop.call_at(self._next_at, self._fire)

    def _fire(self) -> None:
        now = self._loop.time()
        # The loop's own clock may be a tick behind the time that it was told.
        until, due = max(now, self._next_at), []
        while self._heap and self._heap[0][0] <= until:
            due.append(heapq.heappop(self._heap))
        self._wait()
        for entry in due:
            if self._is_wanted(entry):
                _, serial, path, message = entry
                owned = self._owned[path]
                owned.serials.discard(serial)
                owned.characters -= len(message.payload)
                self._send(path, message)

    def _is_wanted(self, entry: tuple[float, int, str, Message]) -> bool:
        owned = self._owned.get(entry[2])
        return owned is not None and entry[1] in owned.serials
