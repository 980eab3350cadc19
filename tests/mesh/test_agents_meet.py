"""Agents of two nodes, with the nodes of ``agents`` over bridges of a mesh."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from mcp_wasm.agents import message as messages
from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, SupervisorSpec
from mcp_wasm.agents.effects import Effect, Reply
from mcp_wasm.agents.handler import Native, Situation
from mcp_wasm.agents.message import Message
from mcp_wasm.agents.node import Node
from mcp_wasm.agents.state import StoredState
from mcp_wasm.errors import AgentFailed, UnknownAgent
from mcp_wasm.memory.sqlite import Sqlite
from mcp_wasm.mesh.bridge import Bridge
from mcp_wasm.mesh.server import Embedded
from mcp_wasm.sandbox.services import Services
from tests.mesh.nodes import bridges, when

pytestmark = pytest.mark.anyio


class Echo(Native):
    """Answers with what it was asked."""

    def __init__(self) -> None:
        self.seen: list[Message] = []

    def one(self, situation: Situation, message: Message) -> tuple[Effect, ...]:
        self.seen.append(message)
        return (Reply(f'["{situation.agent}@{situation.node}", {message.payload}]'),)


@contextlib.asynccontextmanager
async def agents(folder: Path, bridge: Bridge, *children: ChildSpec) -> AsyncIterator[tuple[Node, Echo]]:
    home, echo = folder / f"agents-{bridge.node}", Echo()
    home.mkdir()
    store, services = Sqlite(home / "state.sqlite"), Services(home)
    node = Node(bridge.node, lambda _path, _spec: echo, StoredState(store), services, home, bus=bridge)
    await node.start(SupervisorSpec(children))
    try:
        yield node, echo
    finally:
        await node.stop()
        store.close()
        services.close()


async def test_agents_are_asked_across_nodes_by_one_address_durable_or_not(
    tmp_path: Path, server: Embedded
) -> None:
    echo = ChildSpec("echo", AgentSpec("none"))
    keeper = ChildSpec("keeper", AgentSpec("none", durable=True))
    async with (
        bridges(tmp_path, server, "one", "two") as (first, second),
        agents(tmp_path, second, echo, keeper) as (_, other),
        agents(tmp_path, first) as (node, _),
    ):
        known = first.mesh.directory
        await when(first.mesh, lambda: bool(known.places("echo") and known.places("keeper")))
        for to, found in (
            ("echo", "echo"),
            ("echo@two", "echo"),
            ("keeper", "keeper"),
            ("keeper@two", "keeper"),
        ):
            answer = await node.ask(to, {"n": 1}, seconds=10)
            assert answer.value == [f"{found}@two", {"n": 1}]
        assert {each.sender.partition("@")[2] for each in other.seen} == {"one"}
        with pytest.raises(UnknownAgent):
            await node.ask("nobody", 1)
        await asyncio.gather(*(node.ask("echo", n, seconds=10) for n in range(100)))


async def test_what_is_published_comes_once_to_a_group_and_once_to_each_other_subscriber(
    tmp_path: Path, server: Embedded, until: Callable[[Callable[[], object]], Awaitable[None]]
) -> None:
    children = (
        ChildSpec("pool", AgentSpec("none", subscribes=("jobs.*",), group="pool")),
        ChildSpec("log", AgentSpec("none", subscribes=("jobs.>",))),
    )
    async with (
        bridges(tmp_path, server, "one", "two") as (first, second),
        agents(tmp_path, second, *children) as (_, far),
        agents(tmp_path, first, *children) as (node, near),
    ):
        await when(first.mesh, lambda: len(first.mesh.directory.places("log")) == 1)
        for number in range(30):
            work = node.publish(messages.new("client:x", "jobs.new", str(number)))
            assert work is not None
            await work
        await until(lambda: len(far.seen) + len(near.seen) >= 90)
        seen = [*far.seen, *near.seen]
        assert sorted(int(m.payload) for m in seen if m.to == "pool") == list(range(30))
        assert len(seen) == 90


class Broken(Echo):
    """Says that it cannot."""

    def one(self, _situation: Situation, _message: Message) -> tuple[Effect, ...]:
        return (Reply('"no"', failed=True),)


async def test_a_handler_of_another_node_that_fails_says_so_to_who_asked(
    tmp_path: Path, server: Embedded
) -> None:
    async with (
        bridges(tmp_path, server, "one", "two") as (first, second),
        agents(tmp_path, second, ChildSpec("broken", AgentSpec("none"))) as (_, other),
        agents(tmp_path, first) as (node, _),
    ):
        other.one = Broken().one  # type: ignore[method-assign,assignment]
        await when(first.mesh, lambda: bool(first.mesh.directory.places("broken")))
        with pytest.raises(AgentFailed, match="no"):
            await node.ask("broken", 1, seconds=10)
