"""Agents that change under load over the mesh: their component, and the node that they live on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.agents import move_form, moving
from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec
from mcp_wasm.agents.move_form import Luggage
from mcp_wasm.agents.node import Node
from mcp_wasm.agents.running import running
from mcp_wasm.errors import CallerError, McpWasmError, Unreachable
from mcp_wasm.mesh.bridge import Bridge
from mcp_wasm.mesh.server import Embedded
from mcp_wasm.runtime import Runtime
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
        sent = [
            asyncio.create_task(far.send(message(to, sender="client:x"), durable=False))
            for to in ("told", "kept") * 100
        ]
        await until(lambda: node.slots.found("told").handled and node.slots.found("kept").handled)
        for path in ("told", "kept"):
            await node.swap(path, other)
        sent += [
            asyncio.create_task(far.send(message(to, sender="client:x"), durable=False))
            for to in ("told", "kept") * 100
        ]
        await asyncio.gather(*sent)
        await until(lambda: node.slots.found("told").handled + node.slots.found("kept").handled >= 400)
        for path in ("told", "kept"):
            slot = node.slots.found(path)
            assert (path, slot.handled, slot.failed, slot.restarts) == (path, 200, 0, 0)
            assert slot.spec.component == other


def handled(node: Node) -> int:
    return node.slots["kept"].handled


@contextlib.asynccontextmanager
async def living(folder: Path, bridge: Bridge, runtime: Runtime, **spec: Any) -> AsyncIterator[Node]:
    """A node with the agents ``told`` and ``kept``, the second of which is durable."""
    children = [
        ChildSpec(name, AgentSpec(folder / "agent.wasm", per="life", durable=name == "kept", **spec))
        for name in ("told", "kept")
    ]
    async with running(runtime, tree(*children), node=bridge.node, bus=bridge) as node:
        yield node


async def test_an_agent_moves_under_load_to_a_node_that_awaits_it_and_back(
    tmp_path: Path, server: Embedded, until: Until
) -> None:
    component(tmp_path)
    async with contextlib.AsyncExitStack() as stack:
        far, *pair = await stack.enter_async_context(bridges(tmp_path, server, "far", "one", "two"))
        homes = [stack.enter_context(Runtime(home=tmp_path / each.node)) for each in pair]
        one = await stack.enter_async_context(living(tmp_path, pair[0], homes[0]))
        two = await stack.enter_async_context(living(tmp_path, pair[1], homes[1], standby=("one",)))
        assert two.slots["told"].place == "away"
        sent = 0

        async def load(count: int) -> None:
            nonlocal sent
            for _ in range(count):
                for path in ("told", "kept"):
                    await far.send(message(path, '"m"', sender="client:x"), durable=False)
                    one.tell(path, "m")
                    sent += 1

        await when(far.mesh, lambda: bool(far.mesh.directory.locate("kept")))
        assert (await one.ask("told", "k1")).value is None
        with pytest.raises(CallerError, match="not on this node"):
            await two.moves.move("told", "one")
        for source, target in ((one, two), (two, one)):
            loading = asyncio.create_task(load(100))
            await until(partial(handled, source))
            for path in ("told", "kept"):
                await source.moves.move(path, target.name)
            assert (source.slots["told"].place, target.slots["told"].place) == ("away", "here")
            await loading
            assert (await source.ask("told", f"k{target.name}")).value is not None
        await until(
            lambda: (
                sum(node.slots[path].handled for node in (one, two) for path in ("told", "kept"))
                >= 2 * sent + 3
            )
        )
        assert (await two.ask("told", "kx")).value == "kone"
        assert await two.memory("told") == {}
        assert await one.memory("told") == {"state": '"kx"'}


@pytest.mark.parametrize(
    ("fails", "answered", "owner"),
    [
        ("part", False, "one"),
        ("commit", False, "one"),
        ("commit", True, "two"),
        ("outcome", True, "two"),
    ],
)
async def test_a_move_that_is_cut_off_leaves_one_owner_with_all_state(  # noqa: PLR0917 - a table's columns
    tmp_path: Path,
    server: Embedded,
    monkeypatch: pytest.MonkeyPatch,
    until: Until,
    fails: str,
    answered: bool,
    owner: str,
) -> None:
    """The link between the nodes breaks there for good, and both end and begin anew."""
    component(tmp_path)
    monkeypatch.setattr(moving, "_TOLD_S", 0.3)
    async with contextlib.AsyncExitStack() as stack:
        runtimes = [stack.enter_context(Runtime(home=tmp_path / name)) for name in ("one", "two")]
        async with (
            bridges(tmp_path, server, "one", "two") as (first, second),
            living(tmp_path, first, runtimes[0]) as one,
            living(tmp_path, second, runtimes[1], standby=("one",)),
        ):
            await one.ask("told", "k1")
            cut(monkeypatch, first, fails, answered=answered)
            with pytest.raises(McpWasmError):
                await one.moves.move("told", "two")
            if fails == "part":
                assert (await one.ask("told", "k1")).value == "k1"  # it goes on, and lost nothing
        async with (
            bridges(tmp_path, server, "one", "two") as (first, second),
            living(tmp_path, first, runtimes[0]) as one,
            living(tmp_path, second, runtimes[1], standby=("one",)) as two,
        ):
            has = {node.name: node for node in (one, two)}
            await until(lambda: has[owner].slots["told"].place == "here")
            await until(lambda: not one.moves._open)
            assert [node.name for node in (one, two) if node.slots["told"].place == "here"] == [owner]
            assert (await has[owner].ask("told", "k2")).value == "k1"
            assert await has["two" if owner == "one" else "one"].memory("told") == {}


def cut(monkeypatch: pytest.MonkeyPatch, bridge: Bridge, at: str, *, answered: bool) -> None:
    """Cut the link off when ``at`` is said, before or after the other node gets it."""
    real, gone = bridge.ask, False

    async def ask(node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        nonlocal gone
        before, gone = gone, gone or body["do"] == at
        if not before and (answered or not gone):
            await real(node, body)
        if gone:
            raise Unreachable(node, "the test wants it so")
        return {}

    monkeypatch.setattr(bridge, "ask", ask)


async def test_nobody_takes_an_agent_that_is_here_or_speaks_in_anothers_move(
    tmp_path: Path, server: Embedded
) -> None:
    component(tmp_path)
    async with contextlib.AsyncExitStack() as stack:
        nodes = await stack.enter_async_context(bridges(tmp_path, server, "one", "two", "evil"))
        homes = [stack.enter_context(Runtime(home=tmp_path / each.node)) for each in nodes[:2]]
        one = await stack.enter_async_context(living(tmp_path, nodes[0], homes[0]))
        two = await stack.enter_async_context(living(tmp_path, nodes[1], homes[1], standby=("one",)))
        evil, luggage = nodes[2], "".join(move_form.packed(Luggage(memory=(("state", '"mine"'),))))
        await one.ask("told", "k1")

        async def refused(node: str, **body: Any) -> None:
            with pytest.raises(McpWasmError):
                await evil.ask(node, body)

        await refused("one", do="offer", id="x", path="told")  # it is here, and not on standby
        await refused("two", do="offer", id="x", path="nobody")
        await refused("two", do="offer", id="x", path="told")  # it is on standby for another
        await nodes[0].ask("two", {"do": "offer", "id": "own", "path": "told"})
        await refused("two", do="part", id="own", number=0, text=luggage)
        await refused("two", do="commit", id="own", count=0)
        assert await evil.ask("two", {"do": "outcome", "id": "own", "path": "told"}) == {"outcome": "none"}
        await nodes[0].ask("two", {"do": "part", "id": "own", "number": 0, "text": luggage[:-1]})
        await nodes[0].ask("two", {"do": "commit", "id": "own", "count": 1})  # it is cut off
        question = {"do": "outcome", "id": "own", "path": "told"}
        while (await nodes[0].ask("two", question))["outcome"] == "taking":  # noqa: ASYNC110 - it takes turns
            await asyncio.sleep(0)
        assert two.slots["told"].place == "away"
        await one.moves.move("told", "two")
        await refused("two", do="offer", id="y", path="told")
        await refused("two", do="late", id="own", path="told", text=luggage)
        await refused("two", do="anything")
        assert (await one.ask("told", "k2")).value == "k1"
