"""What the tests of the mesh share: connections, and waiting for what will be so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.options import Access, MeshOptions
from mcp_wasm.mesh.server import Embedded
from mcp_wasm.mesh.traffic import Received

QUICK: dict[str, Any] = {"retry_first": 0.01, "retry_most": 0.05, "ping": 10.0, "connect": 10.0}


class Connect(Protocol):
    async def __call__(self, to: Embedded | Access | None = None, **options: Any) -> Connection: ...


@contextlib.asynccontextmanager
async def connections() -> AsyncIterator[Connect]:
    made: list[Connection] = []

    async def connect(to: Embedded | Access | None = None, **options: Any) -> Connection:
        wait = options.pop("wait", True)
        if isinstance(to, Embedded):
            servers = to.access
        elif to is not None:
            servers = lambda: (to,)  # noqa: E731
        else:
            servers = None
        found = Connection(MeshOptions(**{**QUICK, **options}), servers)
        made.append(found)
        await found.open(wait=wait)
        return found

    try:
        yield connect
    finally:
        for each in made:
            await each.close(1)


async def until(true: Callable[[], object]) -> None:
    """Returns when it is so."""
    while not true():  # noqa: ASYNC110 - other processes do it
        await asyncio.sleep(0.005)


class Heard:
    """A callback that keeps what it hears."""

    def __init__(self) -> None:
        self.messages: list[Received] = []

    async def __call__(self, message: Received) -> None:
        self.messages.append(message)

    @property
    def payloads(self) -> list[bytes]:
        return [each.payload for each in self.messages]
