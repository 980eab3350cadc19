"""Agents that attack whoever they can reach: other agents, their node, who waits for an answer.

The handlers are ours, so that an attack is the effects that a hostile component would return.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_wasm.agents import effects as read
from mcp_wasm.agents import message as messages
from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, MailboxSpec, SupervisorSpec
from mcp_wasm.agents.effects import CallTool, Effect, Publish, Reply, Schedule, Send
from mcp_wasm.agents.events import LONGEST, Event, Events
from mcp_wasm.agents.handler import Handled, Native, Situation
from mcp_wasm.agents.mailbox import Mailbox
from mcp_wasm.agents.message import MOST_BYTES, Message, Priority
from mcp_wasm.agents.node import Node
from mcp_wasm.agents.ports import Delivery
from mcp_wasm.agents.slot import Slot
from mcp_wasm.agents.state import StoredState
from mcp_wasm.errors import MailboxFull, MessageRefused, UnknownAgent, Unreachable
from mcp_wasm.memory.in_memory import InMemory
from mcp_wasm.sandbox.services import Services
from mcp_wasm.server.agents import AgentDoor

pytestmark = pytest.mark.anyio

One = Callable[[Situation, Message], tuple[Effect, ...]]
_SMALL = MailboxSpec(capacity=20, memory=10_000)


class _Attacker(Native):
    """Does what ``one`` says; ``rounds`` batches, then nothing."""

    options: tuple[str, ...] = ()

    def __init__(self, one: One, rounds: int) -> None:
        self._one, self._rounds = one, rounds
        self.done = asyncio.Event()

    async def handle(self, situation: Situation, found: Sequence[Message], handled: list[Handled]) -> None:
        await asyncio.sleep(0)  # as a component, which runs on another thread
        self._rounds -= 1
        if self._rounds < 0:
            self.done.set()
            await asyncio.Event().wait()
        handled.extend(Handled(self._one(situation, each)) for each in found)


@asynccontextmanager
async def _node(folder: Path, *ones: tuple[str, One, AgentSpec], rounds: int = 5) -> AsyncIterator[Node]:
    """A node with these agents, in order."""
    made = {path: _Attacker(one, rounds) for path, one, _ in ones}
    node = Node("here", lambda path, _: made[path], StoredState(InMemory()), Services(folder), folder)
    await node.start(SupervisorSpec(tuple(ChildSpec(path, spec, shutdown=0) for path, _, spec in ones)))
    try:
        yield node
    finally:
        await node.stop()


def _spec(**more: object) -> AgentSpec:
    return AgentSpec("x", mailbox=_SMALL, batch=4, **more)  # type: ignore[arg-type]


def _to_itself(situation: Situation, message: Message) -> tuple[Effect, ...]:
    """Asks itself once, and answers that, and each of its answers, a thousand times."""
    if message.sender.startswith("client"):
        return (Send(situation.agent, '"x"', Priority.NORMAL, "request"),)
    return (Reply('"x"'),) * 1000


def _denied_calls(_situation: Situation, _message: Message) -> tuple[Effect, ...]:
    """Calls tools that it may not: each is answered at once."""
    return (CallTool("nothing", {}, "t"),) * 200


def _timers(situation: Situation, _message: Message) -> tuple[Effect, ...]:
    return (Schedule(0, Send(situation.agent, '"x"', Priority.NORMAL, "request")),) * 200


@pytest.mark.parametrize("attack", [_to_itself, _denied_calls, _timers])
async def test_no_agent_fills_a_mailbox_beyond_twice_what_fits(tmp_path: Path, attack: One) -> None:
    async with _node(tmp_path, ("bad", attack, _spec())) as node:
        node.tell("bad", "go", kind="request")
        for _ in range(200):
            await asyncio.sleep(0)
            assert len(node.slots["bad"].mailbox) <= 2 * _SMALL.capacity + 4


def test_answers_that_nobody_reads_do_not_take_the_memory() -> None:
    mailbox = Mailbox(_SMALL, "good")
    reply = messages.new("bad", "good", json.dumps("x" * 9_000), kind="reply")
    mailbox.put(Delivery(reply), must=True)
    mailbox.put(Delivery(reply), must=True)
    with pytest.raises(MailboxFull):
        mailbox.put(Delivery(replace(reply, payload=json.dumps("x" * MOST_BYTES))), must=True)
    for _ in range(2 * _SMALL.capacity - 2):
        mailbox.put(Delivery(replace(reply, payload="1")), must=True)
    with pytest.raises(MailboxFull):
        mailbox.put(Delivery(replace(reply, payload="1")), must=True)


async def test_what_is_published_fills_no_mailbox_over_its_capacity(tmp_path: Path) -> None:
    async with _node(tmp_path, ("quiet", lambda *_: (), _spec(subscribes=("news",))), rounds=0) as node:
        for number in range(100):
            node.publish(messages.new("client:web.ada", "news", str(number)))
        await asyncio.sleep(0)
        assert len(node.slots["quiet"].mailbox) <= _SMALL.capacity
        assert any(each.what == "undelivered" for each in node.events.recent())


async def test_nobody_publishes_or_calls_without_a_grant(tmp_path: Path) -> None:
    def attack(_situation: Situation, message: Message) -> tuple[Effect, ...]:
        if message.kind != "request":
            return ()
        return Publish("news", "1"), Send("quiet", "1", Priority.NORMAL, "request"), CallTool("t", {}, "t")

    quiet = ("quiet", lambda *_: (), _spec(subscribes=("news",)))
    async with _node(tmp_path, quiet, ("bad", attack, _spec())) as node:
        node.tell("bad", "go", kind="request")
        async with asyncio.timeout(10):
            while [each.what for each in node.events.recent()].count("denied") < 3:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert node.slots["quiet"].handled == 0


def test_what_a_guest_words_is_cut_before_it_is_kept() -> None:
    events = Events()
    events.add(Event(0, "bad", "denied", "x" * 10_000_000))
    assert len(events.recent()[0].detail) <= LONGEST + 1


@pytest.mark.parametrize(
    ("tag", "fields"),
    [
        ("send", {"to": "x" * 256, "payload": "1", "priority": "normal", "kind": ""}),
        ("reply", {"re": "x" * 256, "payload": "1", "failed": False}),
        ("publish", {"subject": "x" * 256, "payload": "1"}),
        ("call-tool", {"name": "x" * 256, "arguments": "{}", "tag": ""}),
        ("call-tool", {"name": "x", "arguments": "{}", "tag": "x" * 256}),
        ("call-tool", {"name": "x", "arguments": json.dumps({"a": "x" * MOST_BYTES}), "tag": ""}),
        ("ask-llm", {"operation": "reason", "input": "x" * (MOST_BYTES + 1), "tag": ""}),
        ("ask-llm", {"operation": "reason", "input": "x", "tag": "x" * 256}),
    ],
)
def test_no_field_of_an_effect_carries_what_a_payload_may_not(tag: str, fields: dict[str, object]) -> None:
    with pytest.raises(MessageRefused):
        read.parse([{"tag": tag, "val": fields}])


@pytest.mark.parametrize("kind", sorted(messages.RUNTIME_KINDS))
def test_no_agent_speaks_as_the_runtime(kind: str) -> None:
    sent = {"to": "a", "payload": "1", "priority": "normal", "kind": kind}
    with pytest.raises(MessageRefused, match="the kind of a message"):
        read.parse([{"tag": "send", "val": sent}])
    with pytest.raises(MessageRefused, match="the kind of a message"):
        read.parse([{"tag": "schedule", "val": {"after-ms": 0, "message": sent}}])


async def test_who_saw_one_question_does_not_know_the_id_of_the_next(tmp_path: Path) -> None:
    seen: list[Message] = []

    def listen(_situation: Situation, message: Message) -> tuple[Effect, ...]:
        seen.append(message)
        return (Reply("1"),)

    async with _node(tmp_path, ("a", listen, _spec())) as node:
        await node.ask("a", 1, client="web.ada")
        await node.ask("a", 2, client="web.ada")
        first, second = seen
        assert len({first.id[:8], second.id[:8], first.id[-8:], second.id[-8:]}) == 4
        # Nor is anything answered twice, or what nobody asked.
        with pytest.raises(Unreachable):
            node.deliver(replace(first, sender="bad", to=first.sender, re=first.id, kind="reply"))


def test_another_message_of_the_same_id_does_not_get_the_answer() -> None:
    slot = Slot("a", AgentSpec("x"), mailbox=None)  # type: ignore[arg-type]
    slot.asked("one", "client:ada@here")
    slot.asked("one", "bad@there")
    assert slot.askers["one"] == "client:ada@here"


@pytest.mark.parametrize("client", ["local", "web.ada", "x@there", "", "127.0.0.1 local"])
async def test_no_mcp_client_speaks_as_the_person_or_a_page(tmp_path: Path, client: str) -> None:
    seen: list[Message] = []

    def listen(_situation: Situation, message: Message) -> tuple[Effect, ...]:
        seen.append(message)
        return ()

    async with _node(tmp_path, ("a", listen, _spec(exposed=True)), ("b", listen, _spec())) as node:
        door = AgentDoor(node)
        await door.call("send_to_agent", {"agent": "a", "payload": 1}, client)
        with pytest.raises(UnknownAgent):
            await door.call("send_to_agent", {"agent": "b", "payload": 1}, client)
        assert await door.read("mcp-wasm://agents/b/state") is None
        async with asyncio.timeout(10):
            while not seen:  # noqa: ASYNC110 - the handler has no event of its own
                await asyncio.sleep(0)
        assert seen[0].sender.startswith("client:mcp-")
        assert "@" not in seen[0].sender
