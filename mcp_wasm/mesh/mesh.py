"""A node's part in a mesh: the connection, who it is, whom it knows, whom it speaks with.

Put together here once; ``bridge``, ``worker`` and ``remote`` add what they carry over it, and the
command line looks around with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from mcp_wasm.errors import Unreachable
from mcp_wasm.mesh import subjects
from mcp_wasm.mesh.announcement import AgentNews, ComponentNews, Description
from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.directory import Directory
from mcp_wasm.mesh.discovery import Discovery
from mcp_wasm.mesh.identity import Identity, keep_mesh_key, taken_name
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.mesh.peers import Peers
from mcp_wasm.mesh.seals import Seals
from mcp_wasm.mesh.server import Embedded
from mcp_wasm.mesh.services import Service

_log = logging.getLogger(__name__)

FOLDER = "mesh"
"""The folder of a mesh's keys and of the embedded server, in the home."""

REPLICA_MEET = "replica_meet"
"""Asks a node about a replica that both may share; who shares none says so."""

Observe = Callable[[str, str], None]
"""Called with a node and ``node_up``, ``node_down`` or ``node_changed``."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What it takes to be a node of a mesh: a name, keys, and the way to NATS."""

    identity: Identity
    options: MeshOptions

    def subject(self, *words: str) -> str:
        """The subject of this mesh that ``words`` name."""
        return subjects.of(self.options.mesh, *words)


class Mesh:
    """One node among the others; for one event loop."""

    def __init__(self, joined: Joined, connection: Connection) -> None:
        self.joined, self.connection = joined, connection
        self.node = joined.identity.node
        self.seals = Seals(joined.identity)
        self._observers: list[Observe] = []
        self.directory = Directory(self.node, self._changed)
        self.discovery = Discovery(
            connection, self.seals, self.directory, (self.subject("beat"), self.subject("hello"))
        )
        self.peers = Peers(
            connection,
            self.seals,
            self.directory,
            lambda node: self.subject("node", node),
            self.discovery.meet,
        )
        self._service = Service(
            connection,
            joined.options.mesh,
            self.node,
            self.seals.boot,
            self.subject("node", self.node),
            self._load,
        )
        self._agents: dict[str, AgentNews] = {}
        self._components: dict[str, ComponentNews] = {}
        self._exports: dict[str, tuple[str, ...]] = {}
        self.discovery.make = self._description
        self.peers.on(REPLICA_MEET, lambda _node, _body: {"shared": False})

    def subject(self, *words: str) -> str:
        """The subject of this mesh that ``words`` name."""
        return self.joined.subject(*words)

    def observe(self, observer: Observe) -> Callable[[], None]:
        """Have ``observer`` called when nodes come, go or change; the result ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    async def start(self) -> None:
        """Listen to others and tell them of this node."""
        await self.peers.start()
        await self.discovery.start(self.peers)
        await self._service.start()

    async def close(self) -> None:
        """Leave."""
        await self._service.close()
        await self.discovery.close()
        await self.peers.close()

    def tell_agent(self, path: str, news: AgentNews | None) -> None:
        """Tell others of an agent of this node, or that it is gone."""
        if news is None:
            self._agents.pop(path, None)
        else:
            self._agents[path] = news
        self.discovery.changed()

    def tell_components(
        self, components: dict[str, ComponentNews], exports: dict[str, tuple[str, ...]]
    ) -> None:
        """Tell others whose tools this node serves, and who exports which interface."""
        self._components, self._exports = dict(components), dict(exports)
        self.discovery.changed()

    async def settled(self, seconds: float) -> None:
        """Wait until every node that is heard of is known, ``seconds`` at most."""
        changed = asyncio.Event()
        end = self.observe(lambda _node, _what: changed.set())
        try:
            async with asyncio.timeout(seconds):
                await asyncio.sleep(min(seconds, _LOOK))
                while any(peer.known != peer.beat.state for peer in self.directory.peers.values()):
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            pass
        finally:
            end()

    def _load(self) -> tuple[int, int]:
        return self.discovery.load()

    def _description(self) -> Description:
        return Description(dict(self._agents), self._components, self._exports)

    def _changed(self, node: str, what: str) -> None:
        if what != "node_changed":
            _log.info("%s: %s", node, "is up" if what == "node_up" else "is gone")
        for observer in tuple(self._observers):
            observer(node, what)


_LOOK = 0.4
"""Seconds in which every node that lives has beaten after it was asked to."""


@contextlib.asynccontextmanager
async def joined(
    home: Path, options: MeshOptions, node: str = "", key: str | None = None
) -> AsyncIterator[Joined]:
    """A name and keys for this process in the mesh of ``options``; ``key`` is the mesh's, if it was given.

    Raises:
        InvalidSettings: a key or the name cannot be used.
    """
    folder = home / FOLDER / options.mesh
    mesh_key = keep_mesh_key(folder, key)
    with taken_name(folder, node) as name:
        yield Joined(Identity(name, folder, mesh_key), options)


@contextlib.asynccontextmanager
async def opened(home: Path, joined: Joined, *, wait: bool = True) -> AsyncIterator[Connection]:
    """A connection to the mesh's NATS: the one that the options name, or the embedded one of ``home``.

    Raises:
        Unreachable: with ``wait``, there is none now, where it was named.
        MeshMissing, MeshServerFailed: the embedded one does not run.
    """
    options = joined.options
    async with contextlib.AsyncExitStack() as stack:
        servers = None
        if not options.urls:
            folder = options.folder or home / FOLDER / "nats"
            embedded = Embedded(folder, options.embedded, subjects.users(options))
            await embedded.start()
            if options.users and not embedded.ours:
                _log.warning("another process runs the NATS server: its users may sign in, not ours")
            stack.push_async_callback(embedded.stop)
            servers = embedded.access
        connection = Connection(options, servers, name=joined.identity.node)
        await connection.open(wait=wait)
        stack.push_async_callback(connection.close)
        yield connection


@contextlib.asynccontextmanager
async def running(
    home: Path, options: MeshOptions, node: str = "", key: str | None = None, *, wait: bool = True
) -> AsyncIterator[Mesh]:
    """This process as a node of a mesh, until the block ends; without ``wait`` also while NATS is away."""
    async with (
        joined(home, options, node, key) as who,
        opened(home, who, wait=wait) as connection,
    ):
        mesh = Mesh(who, connection)
        await mesh.start()
        try:
            yield mesh
        finally:
            with contextlib.suppress(Unreachable):
                await mesh.close()
