"""Nodes of a mesh in one process, each with a home of its own, over one real NATS server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from mcp_wasm.agents import message as messages
from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.agents.message import Message
from mcp_wasm.agents.ports import Delivery
from mcp_wasm.errors import MailboxFull
from mcp_wasm.mesh.bridge import Bridge
from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.identity import Identity
from mcp_wasm.mesh.mesh import Joined, Mesh
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.mesh.server import Embedded
from tests.mesh.servers import QUICK

KEY = bytes(range(32))


def identity(folder: Path, node: str, key: bytes = KEY) -> Identity:
    home = folder / f"home-{node}"
    home.mkdir(exist_ok=True)
    return Identity(node, home, key)


@contextlib.asynccontextmanager
async def node(folder: Path, server: Embedded, name: str, key: bytes = KEY) -> AsyncIterator[Mesh]:
    """A node that announces itself, until the block ends."""
    options = MeshOptions(mesh="test", **QUICK)
    connection = Connection(options, server.access)
    await connection.open()
    mesh = Mesh(Joined(identity(folder, name, key), options), connection)
    await mesh.start()
    try:
        yield mesh
    finally:
        await mesh.close()
        await connection.close(1)


@contextlib.asynccontextmanager
async def bridges(folder: Path, server: Embedded, *names: str) -> AsyncIterator[list[Bridge]]:
    """The bridges of nodes that know each other."""
    async with contextlib.AsyncExitStack() as stack:
        found = []
        for name in names:
            bridge = Bridge(await stack.enter_async_context(node(folder, server, name)))
            await bridge.start(lambda _delivery: None)
            stack.push_async_callback(bridge.close)
            found.append(bridge)
        for each in found:
            await met(each.mesh, *(set(names) - {each.node}))
        yield found


async def met(mesh: Mesh, *names: str) -> None:
    """Until the node knows the others and what they have."""
    await when(
        mesh,
        lambda: all(
            (peer := mesh.directory.peers.get(name)) is not None and peer.known == peer.beat.state
            for name in names
        ),
    )


async def when(mesh: Mesh, true: Callable[[], bool]) -> None:
    """Until something is so of what a node knows."""
    changed = asyncio.Event()
    end = mesh.observe(lambda _node, _what: changed.set())
    try:
        while not true():
            changed.clear()
            await changed.wait()
    finally:
        end()


class Inbox:
    """An agent of a test: a mailbox that keeps what comes, and says how it was settled if told to."""

    def __init__(self, room: int = 10**9, settle: str = "handled") -> None:
        self.room, self.settle = room, settle
        self.deliveries: list[Delivery] = []
        self._more = asyncio.Event()

    def __call__(self, delivery: Delivery) -> None:
        if len(self.deliveries) >= self.room:
            raise MailboxFull(delivery.message.to, self.room)
        self.deliveries.append(delivery)
        if delivery.settle is not None and self.settle:
            delivery.settle(self.settle, "so the test wants it")  # type: ignore[arg-type]
        self._more.set()

    @property
    def messages(self) -> list[Message]:
        return [each.message for each in self.deliveries]

    async def until(self, count: int) -> list[Message]:
        while len(self.deliveries) < count:
            self._more.clear()
            await self._more.wait()
        return self.messages


def message(to: str, payload: str = "1", sender: str = "tree/a", **fields: Any) -> Message:
    return messages.new(sender, to, payload, **fields)


def spec(**fields: Any) -> AgentSpec:
    return AgentSpec("component", **fields)
