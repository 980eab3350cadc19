"""Connections of an HTTP server, bounded in number and patience: what uvicorn leaves open.

uvicorn waits for ever for the first request on a connection and for the rest of a
header, and counts all connections together. So a client that opens many and says
nothing, or a byte at a time, would shut everybody else out.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from mcp_wasm.server.access import Access


class Connections:
    """Counts the connections of one server; call it to make the protocol of a new one, as uvicorn does."""

    def __init__(self, access: Access) -> None:
        self.seconds = access.header_seconds
        self._most, self._most_of_one = access.connections, access.client_connections
        # What a proxy passes on comes from many clients; the guard tells those apart.
        self._shared = frozenset(access.proxies)
        self._open: Counter[str] = Counter()
        self._number = 0

    def __call__(self, *args: Any, **kwargs: Any) -> asyncio.Protocol:
        """The protocol of one connection."""
        return _Connection(self, *args, **kwargs)

    def enter(self, address: str) -> bool:
        """Count a connection from ``address``; whether there is room for it."""
        self._open[address] += 1
        self._number += 1
        crowded = self._open[address] > self._most_of_one and address not in self._shared
        return not crowded and self._number <= self._most

    def leave(self, address: str) -> None:
        """A connection from ``address`` is gone."""
        self._number -= 1
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


class _Connection(H11Protocol):
    """A connection that is closed when there are too many, or when no request comes in time."""

    def __init__(self, connections: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._all = connections
        self._address = ""
        self._impatience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        if self._all.enter(self._address):
            self._expect_request()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.leave(self._address)
        self._end_waiting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:  # a request has begun
            self._end_waiting()

    def on_response_complete(self) -> None:
        if not self.transport.is_closing():
            self._expect_request()
        super().on_response_complete()

    def _expect_request(self) -> None:
        self._end_waiting()
        self._impatience = self.loop.call_later(self._all.seconds, self.transport.abort)

    def _end_waiting(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
