"""A node that shares a replica as a process of its own, and is killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from mcp_wasm.mesh.mesh import running
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.mesh.replicas import shared
from mcp_wasm.mesh.server import Embedded

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(60)]

PROGRAM = str(Path(__file__).parent / "programs" / "sharer.py")


async def test_a_process_that_is_killed_has_kept_each_edit_that_returned_and_others_have_it_when_it_is_back(
    tmp_path: Path,
) -> None:
    home, said = tmp_path / "home", set[str]()
    server = Embedded(home / "mesh" / "nats")
    await server.start()
    async with running(home, MeshOptions(), "other") as mesh, shared(mesh, tmp_path / "other") as replicas:
        notes = await replicas.open("notes")
        changed = asyncio.Event()
        notes.observe(changed.set)

        async def until_here(wanted: set[str]) -> None:
            while not wanted <= set(notes.value["list"]):
                changed.clear()
                await changed.wait()

        for word in ("first", "second"):
            process = await asyncio.create_subprocess_exec(
                sys.executable, PROGRAM, str(home), word, stdout=asyncio.subprocess.PIPE
            )
            assert process.stdout is not None
            said |= {(await process.stdout.readline()).decode().strip() for _ in range(100)}
            async with notes.edit() as draft:
                draft.list.insert(0, f"other-{word}")
            process.kill()
            rest, _ = await process.communicate()
            said |= set(rest.decode().split())
            assert len(said) >= 100
        # What it had not sent when it was killed comes with its next life.
        process = await asyncio.create_subprocess_exec(
            sys.executable, PROGRAM, str(home), "third", stdout=asyncio.subprocess.PIPE
        )
        await until_here(said | {"other-first", "other-second", "third-0"})
        process.kill()
        await process.communicate()
    await server.stop()
    assert len(notes.value["list"]) == len(set(notes.value["list"]))
