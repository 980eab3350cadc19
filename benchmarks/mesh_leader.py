"""A process that stands for election on the server of a folder, and writes a line at each change.

    python -m benchmarks.mesh_leader FOLDER HOLDER

Its first line says that it leads, or that another does.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from mcp_wasm.mesh import server
from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.leader import Leader
from mcp_wasm.mesh.options import MeshOptions


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


async def _main(folder: Path, holder: str) -> None:
    found = server.running(folder)
    assert found is not None
    connection = Connection(MeshOptions(), lambda: (found.access,))
    await connection.open()
    leader = Leader(connection, "bench", "leader", holder, changed=lambda token: _say(f"token {token}"))
    await leader.step()
    if not leader.token:
        _say("another leads")
    await leader.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2]))
