from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import Tools
from mcp_wasm.capability.policy import Entry, Policy
from mcp_wasm.errors import (
    Cancelled,
    InvalidArguments,
    LimitExceeded,
    MessageRefused,
    RemoteFailed,
    UnknownTool,
    Unreachable,
)
from mcp_wasm.mesh import call_form
from mcp_wasm.mesh.remote import RemoteTools
from mcp_wasm.mesh.server import Embedded
from mcp_wasm.mesh.worker import Worker
from mcp_wasm.registry.index import ToolSetting
from mcp_wasm.registry.tool import Tool
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.report import Outcome
from tests.conftest import PROGRAMS
from tests.mesh.nodes import node, when

Here = tuple[Runtime, RemoteTools]

pytestmark = pytest.mark.anyio


@contextlib.contextmanager
def runtime(folder: Path, name: str, *programs: str) -> Any:
    with Runtime(home=folder / f"runtime-{name}", workers=4) as made:
        for program in programs:
            made.add(PROGRAMS / f"{program}.wat")
        yield made


@contextlib.asynccontextmanager
async def worker(folder: Path, server: Embedded, name: str, *programs: str) -> AsyncIterator[Runtime]:
    with runtime(folder, name, *programs) as served:
        async with node(folder, server, name) as mesh:
            works = Worker(mesh, served, room=4)
            await works.start()
            try:
                yield served
            finally:
                await works.close()


@contextlib.asynccontextmanager
async def caller(
    folder: Path, server: Embedded, *programs: str
) -> AsyncIterator[tuple[Runtime, RemoteTools]]:
    with runtime(folder, "caller", *programs) as own:
        async with node(folder, server, "caller") as mesh:
            tools = RemoteTools(mesh, own)
            await tools.start()
            try:
                yield own, tools
            finally:
                await tools.close()


async def shown(own: Runtime, tools: RemoteTools, name: str) -> Tool:
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told_of() -> None:
        loop.call_soon_threadsafe(changed.set)

    end = own.subscribe(told_of)
    try:
        while name not in {each.name for each in own.tools}:
            changed.clear()
            await changed.wait()
    finally:
        end()
    return own.tool(name)


async def test_a_tool_of_another_node_is_a_tool_here_and_fails_as_one(
    tmp_path: Path, server: Embedded
) -> None:
    async with worker(tmp_path, server, "far", "tiny", "hostile"), caller(tmp_path, server) as (own, tools):
        tool = await shown(own, tools, "tiny_add")
        assert tool.input_schema["properties"]["a"]["type"] == "integer"
        outcome = await own.call("tiny_add", {"a": 40, "b": 2})
        assert (outcome.value, outcome.text, outcome.failed) == (42, "42", False)
        assert outcome.report.fuel > 0
        assert (await asyncio.to_thread(own.call_sync, "tiny_add", {"a": 1, "b": 2})).value == 3
        with pytest.raises(InvalidArguments, match="/b"):
            await own.call("tiny_add", {"a": 1, "b": "x"})
        with pytest.raises(RemoteFailed, match="On the node far: The guest trapped"):
            await own.call("tiny_crash", {})
        with pytest.raises(RemoteFailed, match="fuel limit"):
            await own.call("tiny_spin", {}, limits={"fuel": 100_000})
        large = "x" * 3_000_000
        assert (await own.call("hostile_count_text", {"of": large})).value == 3_000_000
        found = await own.call("hostile_text", {"size": 2_000_000})
        assert len(str(found.value)) == 2_000_000
        await asyncio.gather(*(own.call("tiny_add", {"a": n, "b": n}) for n in range(50)))


async def test_names_of_this_node_win_and_those_of_others_go_with_their_node(
    tmp_path: Path, server: Embedded
) -> None:
    async with caller(tmp_path, server, "tiny") as (own, tools):
        before = own.tool("tiny_add")
        async with worker(tmp_path, server, "far", "hostile") as far:
            far.add(PROGRAMS / "hostile.wat", name="tiny")  # what a hostile node would do
            await shown(own, tools, "hostile_text")
            assert own.tool("tiny_add") == before
            assert own.component("tiny").remote is None
            assert (await own.call("tiny_add", {"a": 1, "b": 1})).value == 2
            own.add(PROGRAMS / "tiny.wat", name="hostile")
            assert own.component("hostile").remote is None
            own.remove("hostile")
            assert own.component("hostile").remote is not None
        gone = asyncio.Event()
        end = own.subscribe(gone.set)
        while any(each.remote is not None for each in own.components):
            await gone.wait()
            gone.clear()
        end()
        with pytest.raises(UnknownTool):
            await own.call("hostile_text", {"size": 1})


async def test_the_callees_policy_decides_and_the_caller_can_only_narrow(
    tmp_path: Path, server: Embedded
) -> None:
    async with worker(tmp_path, server, "far", "tiny") as far, caller(tmp_path, server) as (own, tools):
        await shown(own, tools, "tiny_add")
        seen: dict[str, Any] = {}
        call = far.call

        async def spied(name: str, arguments: Any, **rest: Any) -> Outcome:
            seen.update(rest)
            return await call(name, arguments, **rest)

        far.call = spied  # type: ignore[method-assign]
        await own.call("tiny_add", {"a": 1, "b": 2}, limits={"deadline": 3.0, "fuel": 5e30}, allow=["clock"])
        assert seen["limits"]["deadline"] == 3.0
        assert seen["limits"]["fuel"] == own.limits.fuel
        assert tuple(seen["allow"]) == ("clock",)
        assert "approved" not in seen
        assert seen["by"].transport == "mesh"
        assert seen["client"] == "mesh:caller"


async def test_a_call_that_is_given_up_is_stopped_where_it_runs(tmp_path: Path, server: Embedded) -> None:
    async with worker(tmp_path, server, "far", "tiny") as far, caller(tmp_path, server) as (own, tools):
        await shown(own, tools, "tiny_spin")
        ended, call = asyncio.Event(), far.call
        begun = asyncio.Event()

        async def watched(name: str, arguments: Any, **rest: Any) -> Outcome:
            begun.set()
            try:
                return await call(name, arguments, **rest)
            finally:
                ended.set()

        far.call = watched  # type: ignore[method-assign]
        spinning = asyncio.create_task(own.call("tiny_spin", {}))
        await begun.wait()
        spinning.cancel()
        await ended.wait()
        with pytest.raises(asyncio.CancelledError):
            await spinning
        begun.clear()
        tool, component = own.tool("tiny_spin"), own.component("tiny")
        due = begun.is_set
        with pytest.raises(Cancelled):
            await asyncio.to_thread(tools.call_sync, tool, {}, component.limits, "x", frozenset(), due)


async def test_a_guest_calls_a_tool_of_another_node_on_its_own_budget(
    tmp_path: Path, server: Embedded
) -> None:
    granted = Policy({"caller": Entry("caller", trust="name", grants=(Tools(("tiny_*",)),))})
    with Runtime(home=tmp_path / "nested", policy=granted, workers=2) as own:
        own.add(PROGRAMS / "caller.wat")
        async with worker(tmp_path, server, "far", "tiny"), node(tmp_path, server, "caller") as mesh:
            tools = RemoteTools(mesh, own)
            await tools.start()
            await shown(own, tools, "tiny_add")
            relayed = {"name": "tiny_add", "arguments": '{"a":1,"b":2}'}
            outcome = await own.call("caller_relay", relayed)
            assert (outcome.failed, outcome.value) == (False, "3")
            crashed = await own.call("caller_relay", {"name": "tiny_crash", "arguments": "{}"})
            assert crashed.failed
            assert "trapped" in str(crashed.value)
            spinning = {"name": "tiny_spin", "arguments": "{}"}
            with pytest.raises(LimitExceeded):
                await own.call("caller_relay", spinning, limits={"deadline": 0.5})
            tool, limits = own.tool("tiny_add"), own.component("tiny").limits
            with pytest.raises(Unreachable, match="no third one"):
                await tools.call(tool, {"a": 1, "b": 2}, limits, "mesh:other", None)
            await tools.close()


async def test_a_tool_that_a_person_hid_is_served_to_nobody(tmp_path: Path, server: Embedded) -> None:
    hidden = {"tiny_crash": ToolSetting(hidden=True)}
    with Runtime(home=tmp_path / "hiding", tools=hidden) as hiding:
        hiding.add(PROGRAMS / "tiny.wat")
        async with node(tmp_path, server, "far") as mesh, caller(tmp_path, server) as (own, tools):
            works = Worker(mesh, hiding, room=2)
            await works.start()
            await shown(own, tools, "tiny_add")
            assert "tiny_crash" not in {each.name for each in own.tools}
            crash, component = hiding.tool("tiny_crash"), own.component("tiny")
            with pytest.raises(Unreachable):
                await tools.call(crash, {}, component.limits, "x", None)
            await works.close()


async def test_a_call_that_nobody_serves_any_more_is_said_to_be_one(tmp_path: Path, server: Embedded) -> None:
    async with caller(tmp_path, server) as (own, tools):
        async with worker(tmp_path, server, "far", "tiny"):
            tool = await shown(own, tools, "tiny_add")
            component = own.component("tiny")
        with pytest.raises(Unreachable, match="no node serves it"):
            await tools.call(tool, {"a": 1, "b": 2}, component.limits, "x", None)


async def test_a_node_cannot_end_the_call_that_runs_on_another(tmp_path: Path, server: Embedded) -> None:
    async with (
        worker(tmp_path, server, "far", "tiny"),
        caller(tmp_path, server) as (own, tools),
        node(tmp_path, server, "thief") as thief,
    ):
        await shown(own, tools, "tiny_spin")
        await when(thief, lambda: "caller" in thief.directory.peers)
        spinning = asyncio.create_task(own.call("tiny_spin", {}))
        while not any(each.begun for each in tools._calls.values()):  # noqa: ASYNC110 - three nodes in one loop
            await asyncio.sleep(0.005)
        (id_,) = tools._calls
        end = call_form.parts_of(b'{"failed":false,"report":null}\nnull')[0]
        with pytest.raises(Exception, match="nobody waits"):
            await thief.peers.ask("caller", "result", {"id": id_, "part": 0, "of": 1, "data": end})
        with pytest.raises(Exception, match="says"):
            await thief.peers.ask("far", "call", {"id": json.dumps(id_)})
        with pytest.raises((MessageRefused, Unreachable)):
            await thief.peers.ask("nobody", "cancel", {"id": id_})
        await thief.peers.ask("far", "cancel", {"id": id_})  # which is no call of its own
        assert not spinning.done()
        spinning.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await spinning
