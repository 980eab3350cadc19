"""Telling when the last connection of a client has closed, so that what it made can go.

Only the handshake protocols have connections that mean a client; requests of the
2026 protocol over HTTP have none, so what was made over it stays until the server ends.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable

import anyio
import anyio.to_thread
from mcp.server.connection import Connection
from mcp.server.context import CallNext, HandlerResult
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from mcp_wasm.server.peer import Context, peer_of


class Leaving:
    """Counts the connections of each client; ``gone`` is called on a thread when its last one has closed."""

    def __init__(self, gone: Callable[[str], None]) -> None:
        self._gone = gone
        self._open: Counter[str] = Counter()
        self._known: set[Connection] = set()

    async def remember(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Middleware: count each handshake connection from its first call until it closes."""
        if ctx.method == "tools/call" and ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            connection = ctx.session._connection  # nothing public yields it in mcp 2.3
            if connection not in self._known:
                client = peer_of(ctx).client
                self._known.add(connection)
                self._open[client] += 1
                closed = functools.partial(self._closed, connection, client)
                connection.exit_stack.push_async_callback(closed)
        return await call_next(ctx)

    async def _closed(self, connection: Connection, client: str) -> None:
        self._known.discard(connection)
        self._open[client] -= 1
        if not self._open[client]:
            del self._open[client]
            await anyio.to_thread.run_sync(self._gone, client)
