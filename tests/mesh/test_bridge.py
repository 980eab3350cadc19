from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_wasm.agents.ports import Bus
from mcp_wasm.errors import MailboxFull, MessageRefused, UnknownAgent, Unreachable
from mcp_wasm.mesh import envelope as envelopes
from mcp_wasm.mesh.bridge import Bridge
from mcp_wasm.mesh.envelope import Envelope
from mcp_wasm.mesh.server import Embedded
from tests.mesh.nodes import Inbox, bridges, message, met, node, spec, when

Until = Callable[[Callable[[], object]], Awaitable[None]]

pytestmark = pytest.mark.anyio


def has(bridge: Bridge, path: str, name: str) -> Callable[[], bool]:
    return lambda: any(each.up and each.node == name for each in bridge.mesh.directory.places(path))


async def test_an_agent_of_another_node_gets_messages_by_one_address_and_says_whether_it_took_them(
    tmp_path: Path, server: Embedded
) -> None:
    async with bridges(tmp_path, server, "one", "two") as (one, two):
        bus: Bus = two
        inbox = Inbox(room=3)
        end = await bus.open("tree/b", spec(), inbox)
        await when(one.mesh, has(one, "tree/b", "two"))
        await one.send(message("tree/b"), durable=False)
        await one.send(message("tree/b@two", sender="client:7@one"), durable=False)
        await one.send(message("tree/b@two", sender="boss@three"), durable=False)
        assert [(each.sender, each.to) for each in inbox.messages] == [
            ("tree/a@one", "tree/b"),
            ("client:7@one", "tree/b"),
            ("boss@one", "tree/b"),  # nobody speaks for another node
        ]
        with pytest.raises(MailboxFull) as full:
            await one.send(message("tree/b"), durable=False)
        assert full.value.capacity == 3
        for nobody in ("tree/c", "tree/c@two"):
            with pytest.raises(UnknownAgent):
                await one.send(message(nobody), durable=False)
        with pytest.raises(Unreachable):
            await one.send(message("tree/b@three"), durable=False)
        await end()
        await when(one.mesh, lambda: one.mesh.directory.locate("tree/b") is None)
        with pytest.raises(UnknownAgent):
            await one.send(message("tree/b@two"), durable=False)


async def test_an_answer_finds_the_client_that_waits_for_it(tmp_path: Path, server: Embedded) -> None:
    async with bridges(tmp_path, server, "one", "two") as (one, two):
        waits = Inbox()
        await one.start(waits)
        asked = message("tree/b@two", sender="client:7@one", kind="request")
        reply = message("client:7@one", '"done"', sender="tree/b", kind="reply", re=asked.id)
        await two.send(reply, durable=False)
        (found,) = await waits.until(1)
        assert (found.sender, found.kind, found.re, found.value) == ("tree/b@two", "reply", asked.id, "done")


async def test_a_question_is_said_to_have_come_by_its_answer_or_soon_without_one(
    tmp_path: Path, server: Embedded
) -> None:
    async with bridges(tmp_path, server, "one", "two") as (one, two):
        waits, inbox = Inbox(), Inbox()
        await one.start(waits)
        await two.open("agent", spec(), inbox)
        slow, quick = (message("agent@two", sender="client:7@one", kind="request") for _ in range(2))
        await one.send(slow, durable=False)  # that it came is said, though nobody answers it
        sending = asyncio.create_task(one.send(quick, durable=False))
        (_, found) = await inbox.until(2)
        reply = message("client:7@one", '"done"', sender="agent", kind="reply", re=found.id)
        await two.send(reply, durable=False)
        await waits.until(1)
        assert not two.mesh.peers._later
        sending.cancel()


async def test_publications_reach_subscribers_of_other_nodes_and_one_of_a_group(
    tmp_path: Path, server: Embedded
) -> None:
    async with bridges(tmp_path, server, "one", "two", "three") as (one, two, three):
        each, both = Inbox(), Inbox()
        for bridge in (two, three):
            await bridge.open("all", spec(subscribes=("news.*",)), each)
            await bridge.open("pool", spec(subscribes=("news.>",), group="pool"), both)
        own = Inbox()
        await one.open("all", spec(subscribes=("news.*",)), own)
        for number in range(20):
            await one.publish("news.sport", message("x", str(number)))
        await each.until(40)
        await both.until(20)
        assert sorted(int(m.payload) for m in both.messages) == list(range(20))
        assert {(m.sender, m.to) for m in each.messages} == {("tree/a@one", "all")}
        assert not own.messages  # its node has given it those itself
        for wrong in ("news.*", ">", "a..b", "$SYS.x", "a b", ""):
            with pytest.raises(MessageRefused):
                await one.publish(wrong, message("x"))


async def test_while_nats_is_away_messages_wait_bounded_and_go_on_in_order_when_it_is_back(
    tmp_path: Path, server: Embedded, until: Until
) -> None:
    async with bridges(tmp_path, server, "one", "two") as (one, two):
        inbox, lost = Inbox(), list[str]()
        await two.open("tree/b", spec(), inbox)
        await when(one.mesh, has(one, "tree/b", "two"))
        one._waiting.most, one._undelivered = 50, lambda sent, _error: lost.append(sent.to)
        assert server._process is not None
        server._process.kill()
        await until(lambda: not one.mesh.connection.connected)
        sent = 40
        for number in range(sent):
            await one.send(message("tree/b", str(number)), durable=False)
        await one.send(message("tree/nobody"), durable=False)
        assert await inbox.until(sent)
        assert [int(m.payload) for m in inbox.messages] == list(range(sent))
        await until(lambda: not one._waiting)
        assert lost == ["tree/nobody"]
        await one.send(message("tree/b", "-1"), durable=False)
        assert inbox.messages[-1].payload == "-1"


async def test_more_than_may_wait_for_nats_is_refused(tmp_path: Path, server: Embedded) -> None:
    async with bridges(tmp_path, server, "one") as (one,):
        one._waiting.most = 3
        connection = one.mesh.connection
        connection._link.up.clear()  # as while it is away
        for _ in range(3):
            await one.send(message("tree/b"), durable=False)
        with pytest.raises(Unreachable, match="3 messages wait"):
            await one.send(message("tree/b"), durable=False)
        connection._link.up.set()


async def test_a_stranger_with_access_to_nats_cannot_speak_or_listen_as_a_node(
    tmp_path: Path, server: Embedded, until: Until
) -> None:
    async with bridges(tmp_path, server, "one") as (one,), node(tmp_path, server, "spy", bytes(32)) as spy:
        inbox = Inbox()
        await one.open("tree/b", spec(subscribes=("news",)), inbox)
        before = one.mesh.peers.refused
        body = envelopes.message_out(message("tree/b"))
        pretended = envelopes.body_of(Envelope(spy.seals.boot, 1, 1, "tell", body))
        wire = spy.connection
        frames = {
            "mw.test.node.one": [
                b"hello",
                envelopes.frame("two", "pair", bytes(32), pretended),
                envelopes.frame("one", "pair", bytes(32), pretended),
                envelopes.frame("two", "all", bytes(128), pretended),
            ],
            "mw.test.pub.news": [
                spy.seals.for_all("pub news", "publication", {"subject": "news", "message": body})
            ],
            "mw.test.beat": [spy.seals.for_all("beat", "beat", {})],
        }
        for subject, each in frames.items():
            for data in each:
                await wire.publish(subject, data)
        await wire.flush()
        await until(lambda: one.mesh.peers.refused >= before + 6)
        assert not inbox.messages
        assert not one.mesh.directory.peers
        assert not spy.directory.peers


async def test_what_was_said_once_is_not_heard_again_when_it_is_replayed(
    tmp_path: Path, server: Embedded, until: Until
) -> None:
    async with bridges(tmp_path, server, "one", "two") as (one, two):
        inbox, caught = Inbox(), list[tuple[str, bytes]]()
        await two.open("tree/b", spec(subscribes=("news",)), inbox)
        await when(one.mesh, has(one, "tree/b", "two"))

        async def keep(received: object) -> None:
            caught.append((received.subject, received.payload))  # type: ignore[attr-defined]

        wire = one.mesh.connection
        listening = [
            await wire.subscribe(subject, keep)
            for subject in ("mw.test.node.two", "mw.test.pub.>", "mw.test.beat")
        ]
        await one.send(message("tree/b"), durable=False)
        await one.publish("news", message("x"))
        await until(
            lambda: {"mw.test.node.two", "mw.test.pub.news", "mw.test.beat"} <= {each[0] for each in caught}
        )
        for each in listening:
            await each.stop()
        await inbox.until(2)
        before = two.mesh.peers.refused
        said = [each for each in caught if each[0] != "mw.test.beat" or b"two" not in each[1][:9]]
        for subject, data in said:
            await wire.publish(subject, data)
        await wire.publish("mw.test.pub.other", next(data for at, data in caught if at == "mw.test.pub.news"))
        await wire.flush()
        await until(lambda: two.mesh.peers.refused >= before + len(said))
        assert len(inbox.messages) == 2


async def test_a_node_that_starts_anew_is_met_again_at_once_and_one_that_died_is_missed(
    tmp_path: Path, server: Embedded
) -> None:
    async with node(tmp_path, server, "one") as one:
        seen = list[str]()
        one.observe(lambda who, what: seen.append(f"{who} {what}"))
        for _ in range(2):
            async with node(tmp_path, server, "two") as two:
                await met(one, "two")
                await met(two, "one")
        await when(one, lambda: not one.directory.peers)
        assert [each for each in seen if "changed" not in each] == ["two node_up", "two node_down"] * 2


async def test_a_member_that_says_what_no_member_says_costs_one_envelope(
    tmp_path: Path, server: Embedded
) -> None:
    async with bridges(tmp_path, server, "one", "two") as (one, two):
        inbox = Inbox()
        await two.open("tree/b", spec(), inbox)
        good = envelopes.message_out(message("tree/b"))
        for what, body in [
            ("tell", {}),
            ("tell", good | {"kind": "exit"}),
            ("tell", good | {"to": "$JS.API.STREAM.DELETE.x"}),
            ("tell", good | {"payload": "{"}),
            ("control", {"stop": True}),
            ("describe_all", {}),
        ]:
            with pytest.raises(Exception, match="two says") as refused:
                await one.mesh.peers.ask("two", what, body)
            assert "RefusedThere" in type(refused.value).__name__
        with pytest.raises(UnknownAgent):
            await one.mesh.peers.ask("two", "tell", good | {"to": "tree/b@three"})
        with pytest.raises(MessageRefused):  # it would not fit into NATS
            await one.mesh.peers.ask("two", "tell", good | {"payload": " " * 5_000_000})
        await one.mesh.peers.ask("two", "tell", good)
        assert len(inbox.messages) == 1


async def test_a_thousand_asks_at_once_all_come_through(tmp_path: Path, server: Embedded) -> None:
    async with bridges(tmp_path, server, "one", "two") as (one, two):
        inbox = Inbox()
        await two.open("tree/b", spec(), inbox)
        await when(one.mesh, has(one, "tree/b", "two"))
        sent = [replace(message("tree/b"), payload=str(number)) for number in range(1000)]
        await asyncio.gather(*(one.send(each, durable=False) for each in sent))
        assert [int(m.payload) for m in inbox.messages] == list(range(1000))
