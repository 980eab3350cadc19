"""A node of a mesh in a process of its own, for benchmarks: agents of Wasm, and plain nats-py beside them.

    python -m benchmarks.mesh_node FOLDER NODE

``FOLDER`` is shared by all nodes of a run: the NATS server, the component, the homes. ``life`` answers
from an instance for its life, ``fresh`` from one for each message, ``keeper`` has a durable mailbox. It
writes ``ready`` when others can reach it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, MailboxSpec, SupervisorSpec
from mcp_wasm.agents.node import Node
from mcp_wasm.agents.running import running
from mcp_wasm.mesh import mesh, server
from mcp_wasm.mesh.bridge import Bridge
from mcp_wasm.mesh.mesh import Mesh
from mcp_wasm.mesh.options import Access, MeshOptions
from mcp_wasm.runtime import Runtime

OPTIONS = MeshOptions(mesh="bench")
_ROOMY = MailboxSpec(capacity=1_000_000)


@contextlib.asynccontextmanager
async def living(folder: Path, name: str, tree: SupervisorSpec) -> AsyncIterator[tuple[Mesh, Node]]:
    """A node of the run in ``folder`` with this tree, its runtime and its place in the mesh."""
    async with mesh.running(folder / "mesh", OPTIONS, name) as joined:
        with Runtime(home=folder / f"home-{name}") as runtime:
            async with running(runtime, tree, node=name, bus=Bridge(joined)) as node:
                yield joined, node


async def plain(access: Access) -> Client:
    """A connection of nats-py alone."""
    auth = access.auth
    return await nats.connect(access.url, user=auth.user, password=auth.password, error_cb=_unheard)


async def _unheard(_error: Exception) -> None:
    """The server is killed on purpose."""


def tree(component: Path) -> SupervisorSpec:
    """The agents that are asked."""

    def child(id_: str, **spec: object) -> ChildSpec:
        return ChildSpec(id_, AgentSpec(component, load=(), mailbox=_ROOMY, **spec))  # type: ignore[arg-type]

    return SupervisorSpec(
        (
            child("life", per="life", batch=64),
            child("fresh"),
            child("keeper", per="life", batch=64, durable=True),
        )
    )


async def _main(folder: Path, name: str) -> None:
    async with living(folder, name, tree(folder / "agent.wasm")) as (_, node):
        found = server.running(folder / "mesh" / mesh.FOLDER / "nats")
        assert found is not None
        beside = await plain(found.access)

        async def echo(message: Msg) -> None:
            if message.reply:
                await message.respond(message.data)

        async def handled(message: Msg) -> None:
            slot = node.slots.found(message.data.decode())
            await message.respond(str(slot.handled).encode())

        await beside.subscribe(f"plain.{name}.echo", cb=echo)
        await beside.subscribe(f"plain.{name}.handled", cb=handled)
        await beside.flush()
        await beside.flush()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2]))
