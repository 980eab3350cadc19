"""Replicas that nodes of a mesh share: each has a copy of its own, and copies that meet agree.

A copy is edited whether or not NATS is there (``replica_kept``), and kept in a store of its node. It meets
the others when it begins, when NATS is there again and when another comes, and again every half
minute, since a message can be lost (``replica_shared``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from mcp_wasm.agents.address import check_part
from mcp_wasm.errors import CallerError
from mcp_wasm.memory import replica
from mcp_wasm.memory.protocol import Store
from mcp_wasm.mesh.envelope import EnvelopeRefused
from mcp_wasm.mesh.mesh import REPLICA_MEET, Mesh
from mcp_wasm.mesh.replica_kept import LARGEST, MOST, Kept
from mcp_wasm.mesh.replica_shared import UPDATE, Shared

EVERY_S = 30.0
"""Seconds between two meetings with a node that has been met."""


class Replicas:
    """The replicas that the node of ``mesh`` shares, in ``store``; ``every`` seconds between meetings."""

    def __init__(self, mesh: Mesh, store: Store, *, every: float = EVERY_S) -> None:
        self._mesh, self._store, self._every = mesh, store, every
        self._shared: dict[str, Shared] = {}
        self._ends: list[Callable[[], None]] = []

    def start(self) -> None:
        """Listen to other nodes; once for a mesh."""
        self._mesh.peers.on(REPLICA_MEET, self._met)
        self._mesh.peers.on(UPDATE, self._told)
        self._ends = [
            self._mesh.observe(self._node),
            self._mesh.connection.observe(
                lambda status: self._back() if status.what == "connected" else None
            ),
        ]

    async def open(self, name: str, *, most: int = MOST, nodes: Collection[str] | None = None) -> Shared:
        """This node's copy of the replica ``name``, of at most ``most`` bytes, shared with ``nodes``.

        Raises:
            CallerError: it is open already, or ``name`` or ``most`` cannot be.
            StateUnavailable: what is kept of it cannot be read.
        """
        check_part(name, "a replica")
        if not 1 <= most <= LARGEST:
            raise CallerError(f"The replica {name}: expected at most {LARGEST:,} bytes, got {most:,}")
        if name in self._shared:
            raise CallerError(f"The replica {name} is open already; expected one copy in a node")
        made = self._shared[name] = Shared(self._mesh, Kept(name, self._store, most), nodes, self._every)
        try:
            await made.start()
        except BaseException:
            del self._shared[name]
            raise
        return made

    async def close(self) -> None:
        """Share no more."""
        for end in self._ends:
            end()
        for each in self._shared.values():
            await each.close()
        self._shared.clear()

    def _met(self, node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        found = self._shared.get(_name(body))
        return {"shared": False} if found is None else found.met(node, body)

    def _told(self, node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        found = self._shared.get(_name(body))
        if found is not None:
            found.told(node, body)
        return {}

    def _node(self, node: str, what: str) -> None:
        for each in self._shared.values():
            if what == "node_up":
                each.meet(node)
            elif what == "node_down":
                each.gone(node)

    def _back(self) -> None:
        for each in self._shared.values():
            each.meet_all()


@asynccontextmanager
async def shared(mesh: Mesh, path: Path) -> AsyncIterator[Replicas]:
    """The replicas of a node, kept in the file ``path``, until the block ends."""
    from mcp_wasm.memory.sqlite import Sqlite  # it costs start-up time, and other stores do without

    with closing(Sqlite(path)) as store:
        found = Replicas(mesh, store)
        found.start()
        try:
            yield found
        finally:
            await found.close()
            await asyncio.to_thread(replica.close)


def _name(body: Mapping[str, Any]) -> str:
    name = body.get("name")
    if not isinstance(name, str):
        raise EnvelopeRefused("it names no replica")
    return name
