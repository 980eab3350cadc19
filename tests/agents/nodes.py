"""Nodes for tests, over a real runtime, and waiting for what they do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, SupervisorSpec
from mcp_wasm.agents.component import ComponentHandler
from mcp_wasm.agents.events import Event
from mcp_wasm.agents.node import Node
from mcp_wasm.agents.runtime_ports import RuntimeTools
from mcp_wasm.agents.state import StoredState
from mcp_wasm.memory.sqlite import Sqlite
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.resident import Residents
from tests.agents.guests import component

Start = Callable[..., Awaitable[Node]]

_COMPONENT = "agent.wasm"


def agent(id_: str, *, restart: Any = "permanent", **spec: Any) -> ChildSpec:
    """A child that runs the agent of ``guests``."""
    return ChildSpec(id_, AgentSpec(_COMPONENT, **spec), restart=restart)


def tree(*children: ChildSpec, **supervisor: Any) -> SupervisorSpec:
    """A tree with these children."""
    return SupervisorSpec(children, **supervisor)


@asynccontextmanager
async def starting(folder: Path, **ports: Any) -> AsyncIterator[Start]:
    """Gives what starts nodes; they end with the block."""
    file = component(folder)
    tiny = Path(__file__).parents[1] / "programs" / "tiny.wat"
    started: list[Node] = []
    with Runtime(home=folder / "home") as runtime:
        runtime.add(tiny)
        residents = Residents(4)
        store = Sqlite(folder / "agents.sqlite")

        def make(path: str, spec: AgentSpec) -> ComponentHandler:
            from dataclasses import replace

            own = replace(spec, component=file) if spec.component == _COMPONENT else spec
            return ComponentHandler(runtime, residents, path, own)

        async def start(spec: SupervisorSpec, **more: Any) -> Node:
            tools = RuntimeTools(runtime)
            node = Node(
                "here",
                make,
                StoredState(store),
                runtime.services,
                folder / "spill",
                tools=tools,
                **ports,
                **more,
            )
            await node.start(spec)
            started.append(node)
            return node

        try:
            yield start
        finally:
            for node in started:
                await node.stop()
            residents.close()
            store.close()


class Watch:
    """What happens in a node, to be waited for."""

    def __init__(self, node: Node) -> None:
        self.events: list[Event] = []
        self._changed = asyncio.Event()
        node.events.observe(self._seen)

    def _seen(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()

    def found(self, *what: str) -> list[Event]:
        """The events of these kinds."""
        return [each for each in self.events if each.what in what]

    async def event(self, what: str) -> Event:
        """The first event of that kind, when it comes."""
        async with asyncio.timeout(15):
            while not self.found(what):
                self._changed.clear()
                await self._changed.wait()
        return self.found(what)[0]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until ``holds``, looking whenever the loop has a turn for it."""
        async with asyncio.timeout(15):
            while not holds():  # noqa: ASYNC110 - a condition on what has no event of its own
                await asyncio.sleep(0)


def watch(node: Node) -> Watch:
    """Watch ``node`` from now on."""
    return Watch(node)
