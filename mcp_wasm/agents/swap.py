"""Hot swap: an agent goes on with another component, from its next message on, and loses none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.agents.handler import Handler
from mcp_wasm.agents.slot import Slot


async def swapped(slot: Slot, make: Callable[[str, AgentSpec], Handler], component: str | Path) -> None:
    """Make ``component`` ready while the old one goes on, and put it in its place.

    Raises:
        McpWasmError: it cannot run; the old one goes on.
    """
    spec = replace(slot.spec, component=component)
    handler = make(slot.path, spec)
    try:
        await handler.start()
    except BaseException:
        handler.close()
        raise
    slot.spec = spec
    if slot.agent is None:
        handler.close()  # the next incarnation makes its own
    else:
        await slot.agent.swap(handler)
