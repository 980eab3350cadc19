"""A tree of agents over a runtime, from its start to its end: the parts made, joined and let go of."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_wasm.agents.child_spec import AgentSpec, SupervisorSpec
from mcp_wasm.agents.component import ComponentHandler
from mcp_wasm.agents.models import LlmModels
from mcp_wasm.agents.node import Node
from mcp_wasm.agents.ports import Bus
from mcp_wasm.agents.runtime_ports import RuntimeTools
from mcp_wasm.agents.state import UNNAMED, StoredState, part_of
from mcp_wasm.agents.targets import Targets
from mcp_wasm.llm.service import Llm
from mcp_wasm.memory.options import store
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.resident import Residents

FOLDER = "agents"
"""Below the home: the agents' memory, and the messages that do not fit into mailboxes."""


@asynccontextmanager
async def running(
    runtime: Runtime,
    tree: SupervisorSpec,
    *,
    node: str = UNNAMED,
    name: str = "main",
    llm: Llm | None = None,
    bus: Bus | None = None,
    workers: int | None = None,
) -> AsyncIterator[Node]:
    """The tree ``name`` runs while the block does; ``llm`` is closed with it.

    Its memory is of this tree on this ``node``, also where others keep theirs in the same backend.

    Raises:
        McpWasmError: a child cannot be started.
    """
    folder = runtime.home / FOLDER / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    residents = Residents(workers or max(4, os.cpu_count() or 1))
    part = part_of(runtime.services.state, folder, name, node)
    kept = store(runtime.services.state, folder / "memory.sqlite", f"agents-{name}")

    targets = Targets(runtime)

    def make(path: str, spec: AgentSpec) -> ComponentHandler:
        return ComponentHandler(runtime, residents, path, spec, targets)

    models = LlmModels(llm) if llm is not None else None
    made = Node(
        node,
        make,
        StoredState(kept, part),
        runtime.services,
        folder,
        bus=bus,
        tools=RuntimeTools(runtime),
        models=models,
    )
    try:
        await made.start(tree)
        try:
            yield made
        finally:
            await made.stop()
    finally:
        residents.close()
        kept.close()
        if llm is not None:
            await llm.aclose()
