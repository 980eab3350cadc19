"""This process as a node of the mesh that the settings name, or of none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mcp_wasm.cli import mesh_flags, wiring
from mcp_wasm.config.model import Config

if TYPE_CHECKING:
    from mcp_wasm.agents.node import Node
    from mcp_wasm.mesh.bridge import Bridge

LOCAL = "local"
"""The name of a node that is in no mesh."""


@asynccontextmanager
async def joined(config: Config, environ: Mapping[str, str], node: str = "") -> AsyncIterator[Bridge | None]:
    """The way to other nodes, while the block lasts; None where the settings name no mesh.

    ``node`` is the name of this one, in place of that in the settings.

    Raises:
        InvalidSettings: a secret or a name cannot be used.
        Unreachable, MeshMissing, MeshServerFailed: there is no way to NATS.
    """
    if config.mesh is None:
        yield None
        return
    mesh_flags.check_installed()
    from mcp_wasm.mesh import mesh  # the NATS client, which a tree of one node does without
    from mcp_wasm.mesh.bridge import Bridge

    options, key = config.mesh.resolved(environ)
    async with mesh.running(wiring.home(config), options, node or config.mesh.node, key) as found:
        yield Bridge(found)


@asynccontextmanager
async def doors(bus: Bridge | None, node: Node) -> AsyncIterator[None]:
    """While the block lasts users of NATS that are no nodes reach exposed agents, where a person said so."""
    options = bus.mesh.joined.options if bus is not None else None
    if bus is None or options is None or not (options.users or options.doors):
        yield
        return
    from mcp_wasm.mesh.doors import Doors  # the same

    opened = Doors(bus, node)
    await opened.start()
    try:
        yield
    finally:
        await opened.close()
