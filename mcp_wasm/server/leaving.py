"""Telling when a client has gone, so that what it made can go.

A client of the handshake protocols has gone with the last of its connections.
Requests of the 2026 protocol over HTTP have no connection that means a client:
whoever made something over it has gone when nothing was heard of them for a while.
"""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable

import anyio
import anyio.to_thread
from mcp.server.connection import Connection
from mcp.server.context import CallNext, HandlerResult
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from mcp_wasm.server.code_tools import CREATE
from mcp_wasm.server.peer import Context, peer_of
from mcp_wasm.server.search import CALL_TOOL

REMEMBERED = 1024
"""Clients without a connection that are remembered; what older ones made stays until the server ends."""

_MAKING = frozenset({CREATE, CALL_TOOL})


class Leaving:
    """Watches who calls; ``gone`` is called on a thread with a client that has gone.

    ``seconds`` is how long a client without a connection may be quiet.
    """

    def __init__(
        self, gone: Callable[[str], None], seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._gone, self._seconds, self._now = gone, seconds, now
        self._open: Counter[str] = Counter()
        self._known: set[Connection] = set()
        self._heard: dict[str, float] = {}
        """When clients without a connection that may have made something were heard of last, oldest first."""

    async def remember(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Middleware: count each handshake connection from its first call until it closes."""
        if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            if ctx.method == "tools/call":
                self._connected(ctx)
            return await call_next(ctx)
        if ctx.request is None:
            return await call_next(ctx)  # a process that ends with its client
        await self._let_go()
        try:
            return await call_next(ctx)
        finally:
            self._hear(ctx)

    def _connected(self, ctx: Context) -> None:
        connection = ctx.session._connection  # nothing public yields it in mcp 2.3
        if connection not in self._known:
            client = peer_of(ctx).client
            self._known.add(connection)
            self._open[client] += 1
            closed = functools.partial(self._closed, connection, client)
            connection.exit_stack.push_async_callback(closed)

    async def _closed(self, connection: Connection, client: str) -> None:
        self._known.discard(connection)
        self._open[client] -= 1
        if not self._open[client]:
            del self._open[client]
            await anyio.to_thread.run_sync(self._gone, client)

    def _hear(self, ctx: Context) -> None:
        client = peer_of(ctx).client
        making = ctx.method == "tools/call" and (ctx.params or {}).get("name") in _MAKING
        if making or client in self._heard:
            self._heard.pop(client, None)
            self._heard[client] = self._now()
            if len(self._heard) > REMEMBERED:
                del self._heard[next(iter(self._heard))]

    async def _let_go(self) -> None:
        """Tell of those who were quiet for too long; who asks now is heard of when that is answered."""
        quiet_since = self._now() - self._seconds
        while self._heard:
            client, heard = next(iter(self._heard.items()))
            if heard > quiet_since:
                return
            del self._heard[client]
            if client not in self._open:
                await anyio.to_thread.run_sync(self._gone, client)
