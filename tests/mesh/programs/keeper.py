"""A node with one durable agent, which writes down the ids that it handled; run by a test that kills it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.agents.ports import Delivery
from mcp_wasm.mesh import durable
from mcp_wasm.mesh.bridge import Bridge
from mcp_wasm.mesh.mesh import running
from mcp_wasm.mesh.options import MeshOptions


async def main(home: Path, book: Path) -> None:
    durable.ACK_WAIT_S = 1.0
    descriptor = os.open(book, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def handle(delivery: Delivery) -> None:
        os.write(descriptor, f"{delivery.message.id}\n".encode())
        assert delivery.settle is not None
        delivery.settle("handled", "")

    async with running(home, MeshOptions(), "keeper") as mesh:
        bridge = Bridge(mesh)
        await bridge.start(lambda _delivery: None)
        await bridge.open("keeper", AgentSpec("none", durable=True), handle)
        await asyncio.Event().wait()


asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
