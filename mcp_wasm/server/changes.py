"""Telling every client that the list of tools changed, in both protocol eras.

A client of the 2026 protocol listens on a stream that it asked for; one of the
handshake protocols is told on its connection, which the SDK does not hand out,
so a middleware remembers it. The runtime may call from any thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from mcp.server.connection import Connection
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    ResourcesListChanged,
    ToolsListChanged,
)
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from mcp_wasm.server.peer import Context

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

log = logging.getLogger(__name__)

_GATHER_SECONDS = 0.05
"""Changes within this time are told as one: a folder of components is published file by file."""

_FIRST_USES = frozenset({"notifications/initialized", "tools/list", "tools/call"})
"""What shows that a handshake is over; a client may forget to say so."""


class Changes:
    """Announces changes of ``runtime``'s list to the clients of one server."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._bus = InMemorySubscriptionBus()
        self.listen = ListenHandler(self._bus)
        self._connections: set[Connection] = set()
        self._telling: set[Connection] = set()
        self._untold = False

    async def remember(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Middleware: remember each handshake connection until it closes."""
        if ctx.method in _FIRST_USES and ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            connection = ctx.session._connection  # nothing public yields the live connections in mcp 2.3
            if connection.has_standalone_channel and connection not in self._connections:
                self._connections.add(connection)
                connection.exit_stack.callback(self._connections.discard, connection)
        return await call_next(ctx)

    @asynccontextmanager
    async def lifespan(self, _server: Server[Any]) -> AsyncIterator[dict[str, Any]]:
        """Announce changes while the server runs. The SDK enters this once for each in-process client."""
        async with anyio.create_task_group() as group:
            await group.start(self._announce)
            yield {}
            group.cancel_scope.cancel()

    async def _announce(self, *, task_status: TaskStatus[None]) -> None:
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def on_any_thread() -> None:
            self._untold = True
            try:
                loop.call_soon_threadsafe(changed.set)
            except RuntimeError:  # the loop was closed while the runtime was calling
                log.debug("A change came after the server had ended")

        unsubscribe = self._runtime.subscribe(on_any_thread)
        task_status.started()
        try:
            async with anyio.create_task_group() as group:
                while True:
                    await changed.wait()
                    await anyio.sleep(_GATHER_SECONDS)
                    changed.clear()
                    if self._untold:  # with several in-process clients, the first to wake tells all
                        self._untold = False
                        await self._tell(group)
        finally:
            unsubscribe()

    async def _tell(self, group: TaskGroup) -> None:
        await self._bus.publish(ToolsListChanged())
        await self._bus.publish(ResourcesListChanged())
        # One that is still being told has not read the last news, which will do for this one too.
        for connection in self._connections - self._telling:
            self._telling.add(connection)
            group.start_soon(self._tell_one, connection)

    async def _tell_one(self, connection: Connection) -> None:
        try:
            await connection.send_tool_list_changed()
            await connection.send_resource_list_changed()
        finally:
            self._telling.discard(connection)
