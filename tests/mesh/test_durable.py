from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mcp_wasm.agents.child_spec import Retries
from mcp_wasm.errors import CallerError, Unreachable
from mcp_wasm.mesh import durable
from mcp_wasm.mesh.boxes import MESSAGE_ID, Boxes, DeadLetter, box_of
from mcp_wasm.mesh.server import Embedded
from tests.mesh.nodes import Inbox, bridges, message, node, spec, when

Until = Callable[[Callable[[], object]], Awaitable[None]]

pytestmark = pytest.mark.anyio

QUICK = Retries(most=3, backoff=(0.01, 0.02))


async def empty(boxes: Boxes) -> None:
    """Until nothing lies in the mailboxes of a mesh."""
    while await kept(boxes):  # noqa: ASYNC110 - the server does it
        await asyncio.sleep(0.01)


async def kept(boxes: Boxes) -> int:
    """Messages that lie in the mailboxes of a mesh."""
    js = await boxes.mesh.connection.jetstream()
    return (await js.stream_info(boxes.stream)).state.messages


async def dead(boxes: Boxes, count: int) -> list[DeadLetter]:
    """The dead letters, when there are so many."""
    while len(found := await boxes.dead()) < count:  # noqa: ASYNC110 - the server keeps them
        await asyncio.sleep(0.01)
    return found


async def test_a_durable_message_lies_there_until_it_is_handled_and_once_for_an_id(
    tmp_path: Path, server: Embedded, until: Until
) -> None:
    async with bridges(tmp_path, server, "one", "two") as (one, two):
        inbox = Inbox(settle="")
        await two.open("keeper", spec(durable=True), inbox)
        await when(one.mesh, lambda: one.mesh.directory.locate("keeper") is not None)
        sent = [message("keeper", str(number)) for number in range(10)]
        for each in (*sent, *sent[:5]):
            await one.send(each, durable=False)  # its mailbox is durable, whatever the sender thinks of it
        found = await inbox.until(10)
        assert [(m.id, m.sender, m.to, m.attempt) for m in found] == [
            (m.id, "tree/a@one", "keeper", 1) for m in sent
        ]
        boxes = Boxes(one.mesh)
        assert await kept(boxes) == 10
        for delivery in inbox.deliveries:
            assert delivery.settle is not None
            delivery.settle("handled", "")
        await empty(boxes)
        assert len(inbox.deliveries) == 10


async def test_messages_wait_for_a_node_that_is_away_and_for_a_server_that_died(
    tmp_path: Path, server: Embedded, until: Until
) -> None:
    async with bridges(tmp_path, server, "one") as (one,):
        async with bridges(tmp_path, server, "two") as (two,):
            await two.open("keeper", spec(durable=True), Inbox(settle=""))
            await when(one.mesh, lambda: one.mesh.directory.locate("keeper") is not None)
        await when(one.mesh, lambda: not one.mesh.directory.peers)
        ids = []
        for number in range(5):
            ids.append((sent := message("keeper", str(number))).id)
            await one.send(sent, durable=False)
        assert server._process is not None
        server._process.kill()
        await until(lambda: not one.mesh.connection.connected)
        await until(lambda: one.mesh.connection.connected)
        async with bridges(tmp_path, server, "two") as (two,):
            inbox = Inbox()
            await two.open("keeper", spec(durable=True), inbox)
            assert [each.id for each in await inbox.until(5)] == ids


async def test_what_failed_is_given_again_and_is_a_dead_letter_in_the_end(
    tmp_path: Path, server: Embedded
) -> None:
    async with bridges(tmp_path, server, "one") as (one,):
        inbox, noted = Inbox(settle="failed"), list[tuple[str, str, str]]()
        one.observe(lambda *what: noted.append(what))
        await one.open("keeper", spec(durable=True, retries=QUICK), inbox)
        sent = message("keeper", '{"n": 1}')
        await one.send(sent, durable=True)
        assert [each.attempt for each in await inbox.until(3)] == [1, 2, 3]
        boxes = Boxes(one.mesh)
        (letter,) = await dead(boxes, 1)
        assert (letter.message.id, letter.attempts, letter.reason) == (sent.id, 3, "so the test wants it")
        assert noted == [("keeper", "dead_letter", "so the test wants it")]
        inbox.settle = "dropped"
        await one.send(message("keeper", "2"), durable=True)
        await inbox.until(4)
        await dead(boxes, 2)
        inbox.settle = "handled"
        await boxes.again(letter.number)
        again = (await inbox.until(5))[-1]
        assert (again.id, again.payload, again.sender) == (sent.id, '{"n": 1}', "tree/a@one")
        assert len(await boxes.dead()) == 1
        with pytest.raises(CallerError, match="no dead letter"):
            await boxes.again(letter.number)


async def test_what_a_dead_node_had_taken_is_given_to_another_of_its_group(
    tmp_path: Path, server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "ACK_WAIT_S", 0.5)
    async with bridges(tmp_path, server, "one", "two") as (one, two):
        first, second = Inbox(settle=""), Inbox()
        shared = spec(durable=True, group="pool")
        await one.open("worker", shared, first)
        sent = [message("worker", str(number)) for number in range(20)]
        for each in sent:
            await one.send(each, durable=True)
        await first.until(20)
        (taker,) = one._open["worker"].takers
        assert taker._subscription is not None
        await taker._subscription.stop()  # as if the process had ended: nothing is heard or told any more
        for task in taker._tasks:
            task.cancel()
        await two.open("worker", shared, second)
        found = await second.until(20)
        assert {each.id for each in found} == {each.id for each in sent}
        assert {each.attempt for each in found} == {2}


async def test_what_is_handled_for_long_is_given_to_nobody_else(
    tmp_path: Path, server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "ACK_WAIT_S", 0.15)
    async with bridges(tmp_path, server, "one") as (one,):
        slow, marker = Inbox(settle=""), Inbox()
        await one.open("slow", spec(durable=True), slow)
        await one.open("clock", spec(durable=True), marker)
        await one.send(message("slow"), durable=True)
        await slow.until(1)
        for number in range(8):  # each takes a moment of its own: together longer than it may be silent
            await one.send(message("clock"), durable=True)
            await marker.until(number + 1)
            await asyncio.sleep(0.05)
        assert len(slow.deliveries) == 1
        settle = slow.deliveries[0].settle
        assert settle is not None
        settle("handled", "")


async def test_a_full_mailbox_holds_messages_back_and_loses_none(tmp_path: Path, server: Embedded) -> None:
    async with bridges(tmp_path, server, "one") as (one,):
        inbox = Inbox(room=2)
        await one.open("small", spec(durable=True), inbox)
        for number in range(6):
            await one.send(message("small", str(number)), durable=True)
        await inbox.until(2)
        inbox.room = 10
        assert len({each.id for each in await inbox.until(6)}) == 6


async def test_an_envelope_put_into_a_mailbox_by_others_or_again_is_dropped(
    tmp_path: Path, server: Embedded, until: Until
) -> None:
    async with (
        bridges(tmp_path, server, "one", "two") as (one, two),
        node(tmp_path, server, "spy", bytes(32)) as spy,
    ):
        inbox, caught = Inbox(), list[tuple[bytes, dict[str, str]]]()
        await one.open("keeper", spec(durable=True), inbox)
        await when(two.mesh, lambda: two.mesh.directory.locate("keeper") is not None)

        async def keep(received: object) -> None:
            caught.append((received.payload, dict(received.headers)))  # type: ignore[attr-defined]

        subject = "mw.test.box.at.one.keeper"
        await spy.connection.subscribe(subject, keep)
        await two.send(message("keeper"), durable=True)
        await inbox.until(1)
        await until(lambda: caught)
        (frame, headers) = caught[0]
        before = one.mesh.peers.refused
        again = {"frame": base64.b64encode(frame).decode(), "id": "x-1"}
        context = box_of("keeper", "one", "").context
        hostile = {
            "r-1": frame,  # under another id, or JetStream itself would drop it
            "r-2": b"no envelope",
            "r-3": spy.seals.for_all(context, "message", {}),
            "r-4": two.mesh.seals.for_all("box at.one.other", "message", {}),
            "r-5": two.mesh.seals.for_all(context, "control", {}),
            "x-2": two.mesh.seals.for_all(context, "again", again),
        }
        js = await spy.connection.jetstream()
        for name, data in hostile.items():
            await js.publish(subject, data, headers={MESSAGE_ID: name})
        await js.publish(subject, frame, headers={MESSAGE_ID: headers[MESSAGE_ID]})
        old = two.mesh.seals
        old._clock = lambda: 1_000_000
        await js.publish(subject, old.for_all(context, "message", {}), headers={MESSAGE_ID: "r-6"})
        await until(lambda: one.mesh.peers.refused >= before + len(hostile) + 1)
        assert len(inbox.deliveries) == 1
        boxes = Boxes(one.mesh)
        await empty(boxes)


async def test_what_cannot_be_stored_is_not_said_to_be(tmp_path: Path, server: Embedded) -> None:
    async with node(tmp_path, server, "one") as one:
        boxes = Boxes(one, most_bytes=4096)
        box = box_of("keeper", "one", "")
        await boxes.store(box, message("keeper"))
        with pytest.raises(Unreachable, match="maximum bytes"):
            await boxes.store(box, message("keeper", '"' + "x" * 5000 + '"'))
