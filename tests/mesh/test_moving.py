"""Agents that change under load over the mesh: their component, and the node that they live on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mcp_wasm.mesh.server import Embedded
from tests.agents.guests import component
from tests.agents.nodes import agent, starting, tree
from tests.mesh.nodes import bridges, message, when

Until = Callable[[Callable[[], object]], Awaitable[None]]

pytestmark = pytest.mark.anyio


async def test_a_component_is_swapped_under_load_from_another_node_without_losing_a_message(
    tmp_path: Path, server: Embedded, until: Until
) -> None:
    for name in ("agents", "other"):
        (tmp_path / name).mkdir()
    async with (
        bridges(tmp_path, server, "far", "here") as (far, here),
        starting(tmp_path / "agents", bus=here) as start,
    ):
        node = await start(tree(agent("told", per="life"), agent("kept", per="life", durable=True)))
        other = component(tmp_path / "other")
        await when(far.mesh, lambda: bool(far.mesh.directory.locate("kept")))
        sent = [asyncio.create_task(far.send(message(to), durable=False)) for to in ("told", "kept") * 100]
        await until(lambda: node.slots.found("told").handled and node.slots.found("kept").handled)
        for path in ("told", "kept"):
            await node.swap(path, other)
        sent += [asyncio.create_task(far.send(message(to), durable=False)) for to in ("told", "kept") * 100]
        await asyncio.gather(*sent)
        await until(lambda: node.slots.found("told").handled + node.slots.found("kept").handled >= 400)
        for path in ("told", "kept"):
            slot = node.slots.found(path)
            assert (slot.handled, slot.failed, slot.restarts) == (200, 0, 0)
            assert slot.spec.component == other
