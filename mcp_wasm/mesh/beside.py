"""A node beside a server: the mesh on a thread and a loop of its own, so that neither waits for the other."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from pathlib import Path

from mcp_wasm.mesh.mesh import Mesh, running
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.mesh.remote import RemoteTools
from mcp_wasm.mesh.worker import Worker
from mcp_wasm.runtime import Runtime


@contextlib.asynccontextmanager
async def tools_shared(mesh: Mesh, runtime: Runtime, room: int) -> AsyncIterator[Worker]:
    """Serve the tools of ``runtime`` to other nodes, ``room`` calls at once, and have theirs in it."""
    remote, worker = RemoteTools(mesh, runtime), Worker(mesh, runtime, room)
    try:
        await worker.start()
        await remote.start()
        yield worker
    finally:
        await worker.close()
        await remote.close()


@contextlib.contextmanager
def tools_beside(
    home: Path, options: MeshOptions, runtime: Runtime, room: int, *, node: str = "", key: str | None = None
) -> Iterator[str]:
    """The same on a thread, until the block ends; the node's name. ``node`` and ``key`` as for ``running``.

    Raises:
        McpWasmError: the mesh cannot be joined.
    """
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, str]] = Future()

    async def run() -> None:
        async with running(home, options, node, key) as mesh, tools_shared(mesh, runtime, room):
            end = asyncio.Event()
            ready.set_result((asyncio.get_running_loop(), end, mesh.node))
            await end.wait()

    def thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    beside = threading.Thread(target=thread, name="mcp-wasm mesh", daemon=True)
    beside.start()
    try:
        loop, end, name = ready.result()
        yield name
    finally:
        if ready.done() and ready.exception() is None:
            loop.call_soon_threadsafe(end.set)
        beside.join()
