"""A process that stands for election and prints each token with which it leads."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.leader import Leader
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.mesh.server import running


async def main() -> None:
    folder, holder = Path(sys.argv[1]), sys.argv[2]
    found = running(folder)
    assert found is not None
    connection = Connection(MeshOptions(), lambda: (found.access,))
    await connection.open()

    def told(token: int) -> None:
        sys.stdout.write(f"{token}\n")
        sys.stdout.flush()

    leader = Leader(connection, "main", "cron", holder, term=0.8, changed=told)
    await leader.start()
    await asyncio.Event().wait()


asyncio.run(main())
