"""One real NATS server for all tests of stores, started when the first one wants it."""

from __future__ import annotations

import asyncio
import atexit
import functools
import tempfile
import threading
from pathlib import Path

from mcp_wasm.memory.protocol import Bounds
from mcp_wasm.mesh.kv import NatsKv
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.mesh.server import Embedded


@functools.cache
def server() -> Embedded:
    folder = tempfile.TemporaryDirectory()
    found = Embedded(Path(folder.name) / "nats")
    loop = asyncio.new_event_loop()
    # The server ends with the thread that started it: this one lives as long as the tests.
    thread = threading.Thread(target=loop.run_forever, name="tests: NATS server", daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(found.start(), loop).result(30)

    def stop() -> None:
        asyncio.run_coroutine_threadsafe(found.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        folder.cleanup()

    atexit.register(stop)
    return found


_folders: dict[Path, int] = {}


def nats_store(folder: Path, bounds: Bounds | None) -> NatsKv:
    """A store that those of the same folder share; in memory, since a file waits for the disk each time."""
    number = _folders.setdefault(folder, len(_folders))
    return NatsKv(MeshOptions(mesh=f"test-{number}"), server().access, bounds, storage="memory")
