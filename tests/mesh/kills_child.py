"""A worker that is killed: a node with one durable agent of Wasm, whose memory is a journal.

    python -m tests.mesh.kills_child FOLDER NODE

What the agent stores is appended to ``FOLDER/journal-NODE`` before its message is acknowledged. It
says ``ready`` when its agents run.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, SupervisorSpec
from mcp_wasm.agents.component import ComponentHandler
from mcp_wasm.agents.node import Node
from mcp_wasm.mesh import mesh
from mcp_wasm.mesh.bridge import Bridge
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.resident import Residents

AGENT, GROUP = "counter", "pool"
OPTIONS = MeshOptions(mesh="kills", retry_first=0.02, retry_most=0.2)


class Journal:
    """Implements ``agents.ports.State``: keeps every value that was ever stored, in the file's order."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def load(self, _agent: str, _keys: Sequence[str]) -> Sequence[tuple[str, str]]:
        return []

    async def store(self, _agent: str, entries: Sequence[tuple[str, str | None]]) -> None:
        # One write, which a kill -9 does not undo; a line begins anew whatever came before.
        os.write(self._file, "".join(f"\n{value}\n" for _, value in entries).encode())


async def main(folder: Path, name: str) -> None:
    spec = AgentSpec(folder / "agent.wasm", load=(), per="life", batch=16, durable=True, group=GROUP)
    async with mesh.running(folder / "mesh", OPTIONS, name) as joined:
        with Runtime(home=folder / f"home-{name}") as runtime:
            residents = Residents(2)
            node = Node(
                name,
                lambda path, found: ComponentHandler(runtime, residents, path, found),
                Journal(folder / f"journal-{name}"),
                runtime.services,
                folder / f"spill-{name}",
                bus=Bridge(joined),
            )
            await node.start(SupervisorSpec((ChildSpec(AGENT, spec),)))
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


def _ends_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_ends_with_parent, daemon=True).start()
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
