"""``mcp-wasm worker``: serve calls of this node's tools to the other nodes of a mesh."""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import TYPE_CHECKING

from mcp_wasm.audit.sink import event
from mcp_wasm.cli import mesh_flags, terminal, wiring

if TYPE_CHECKING:
    from mcp_wasm.config.model import Config
    from mcp_wasm.runtime import Runtime


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    wiring.add_sources(parser)
    parser.add_argument(
        "--room", type=int, metavar="N", help="calls of other nodes at once (default: as many as workers)"
    )
    mesh_flags.add_mesh(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    config = wiring.read(args)
    found = mesh_flags.joining(args, config)
    with wiring.open_runtime(config, audit=config.audit) as runtime:
        runtime.note(event("server", transport="mesh", detail="started"))
        asyncio.run(_serve(config, found, runtime, args.room or room(config)))
    return 0


def room(config: Config) -> int:
    """Calls of other nodes that run here at once, where nothing was said."""
    return config.workers or max(8, 2 * (os.cpu_count() or 1))


async def _serve(config: Config, found: mesh_flags.Joining, runtime: Runtime, calls: int) -> None:
    from mcp_wasm.mesh.mesh import running  # the mesh's libraries are loaded only here
    from mcp_wasm.mesh.worker import Worker

    async with running(wiring.home(config), found.options, found.node, found.key) as mesh:
        worker = Worker(mesh, runtime, calls)
        await worker.start()
        terminal.note(f"The node {mesh.node} serves {len(runtime.tools)} tools. Ctrl-C ends it.")
        try:
            await asyncio.Event().wait()
        finally:
            await worker.close()
