"""A node that edits a replica and says so after each edit; run by a test that kills it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from mcp_wasm.mesh.mesh import running
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.mesh.replicas import shared


async def main(home: Path, word: str) -> None:
    async with (
        running(home, MeshOptions(), "sharer") as mesh,
        shared(mesh, home / "sharer.sqlite") as replicas,
    ):
        notes = await replicas.open("notes")
        for number in range(10_000):
            async with notes.edit() as draft:
                draft.list.append(f"{word}-{number}")
            sys.stdout.write(f"{word}-{number}\n")
            sys.stdout.flush()


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
