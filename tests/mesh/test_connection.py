"""The connection on a real server: what it promises, and what is known to go wrong in the client below."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from mcp_wasm.errors import MessageRefused, NoReply, Unreachable
from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.mesh.server import Embedded
from mcp_wasm.mesh.traffic import Received, Status
from tests.mesh.servers import Connect, Heard, until

pytestmark = pytest.mark.anyio


async def test_what_is_published_is_heard_with_its_headers(server: Embedded, connect: Connect) -> None:
    one, other = await connect(server), await connect(server)
    heard = Heard()
    await other.subscribe("a.*", heard)
    await one.publish("a.b", b"\0\xff", headers={"Id": "7 ü"})
    await until(lambda: heard.messages)
    assert heard.messages == [Received("a.b", b"\0\xff", {"Id": "7 ü"}, "")]
    assert (one.statistics.sent, other.statistics.received) == (1, 1)


async def test_a_subscription_is_in_force_when_subscribe_returns(server: Embedded, connect: Connect) -> None:
    """One flush is not enough: its PING overtakes the SUB that is queued."""
    hearing, saying = await connect(server), await connect(server)
    heard = Heard()
    for number in range(40):
        await hearing.subscribe(f"s.{number}", heard)
        await saying.publish(f"s.{number}", b"")
    await until(lambda: len(heard.messages) == 40)


async def test_one_of_a_queue_group_gets_a_message(server: Embedded, connect: Connect) -> None:
    workers, saying = [await connect(server) for _ in range(2)], await connect(server)
    heard = [Heard(), Heard()]
    for worker, each in zip(workers, heard, strict=True):
        await worker.subscribe("work", each, queue="workers")
    for _ in range(64):
        await saying.publish("work", b"")
    await until(lambda: sum(len(each.messages) for each in heard) >= 64)
    assert sum(len(each.messages) for each in heard) == 64
    assert all(each.messages for each in heard)


async def test_a_request_is_answered_or_says_what_is_known(server: Embedded, connect: Connect) -> None:
    asking, answering = await connect(server), await connect(server)

    async def answer(message: Received) -> None:
        await answering.publish(message.reply, message.payload.upper())

    await answering.subscribe("ask", answer)
    await answering.subscribe("silent", Heard())
    assert (await asking.request("ask", b"abc", 5)).payload == b"ABC"
    with pytest.raises(Unreachable, match="nobody takes"):
        await asking.request("nobody", b"", 5)
    with pytest.raises(NoReply):
        await asking.request("silent", b"", 0.02)


async def test_a_request_whose_server_dies_does_not_wait_for_its_time_to_end(
    server: Embedded, connect: Connect
) -> None:
    asking = await connect(server)
    heard = Heard()
    await asking.subscribe("silent", heard)
    task = asyncio.create_task(asking.request("silent", b"", 3600))
    await until(lambda: heard.messages)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    with pytest.raises(NoReply):
        await task


async def test_after_a_kill_of_the_server_everything_goes_on_in_order(
    server: Embedded, connect: Connect
) -> None:
    one, other = await connect(server), await connect(server)
    heard, told = Heard(), list[Status]()
    await other.subscribe("s", heard)
    one.observe(told.append)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await until(lambda: not one.connected and not other.connected)
    for number in range(5):
        await one.publish("s", b"%d" % number)  # waits
    assert one.statistics.waiting == 5
    await other.ready(10)
    await one.ready(10)
    await one.publish("s", b"5")
    # What had waited was sent when `one` was back: before `other` was, it is lost, as core NATS does.
    await until(lambda: b"5" in heard.payloads)
    assert heard.payloads == sorted(heard.payloads)
    assert one.statistics.waiting == one.statistics.waiting_bytes == 0
    assert [each.what for each in told] == ["disconnected", "connected"]
    assert one.statistics.reconnects == 1


async def test_while_nats_is_away_a_bounded_part_waits_and_the_rest_is_refused(connect: Connect) -> None:
    one = await connect(urls=("nats://127.0.0.1:9",), wait=False, buffer=3200)
    for _ in range(2):
        await one.publish("s", bytes(1200))
    with pytest.raises(Unreachable, match="no more than 3,200 bytes wait"):
        await one.publish("s", bytes(1200))
    await one.publish("s", b"")  # what is small still fits
    assert (one.statistics.waiting, one.statistics.refused) == (3, 1)


async def test_what_waited_is_sent_in_order_when_nats_comes(server: Embedded, connect: Connect) -> None:
    there = [False]
    late = Connection(MeshOptions(retry_first=0.01), lambda: server.access() if there[0] else ())
    await late.open(wait=False)
    heard = Heard()
    await late.subscribe("s", heard)
    for number in range(100):
        await late.publish("s", b"%03d" % number)
    there[0] = True
    await until(lambda: len(heard.messages) == 100)
    assert heard.payloads == sorted(heard.payloads)
    await late.close()


async def test_a_server_that_is_not_there_is_named(connect: Connect) -> None:
    with pytest.raises(Unreachable, match=r"nats://127.0.0.1:9 cannot be reached"):
        await connect(urls=("nats://127.0.0.1:9",))


async def test_of_several_servers_one_that_is_there_is_taken(server: Embedded, connect: Connect) -> None:
    auth = server.running.access.auth
    one = await connect(urls=("nats://127.0.0.1:9", server.running.url), auth=auth)
    assert one.statistics.url == server.running.url


async def test_a_server_that_stops_answering_is_noticed_and_nothing_hangs(
    server: Embedded, connect: Connect
) -> None:
    """A flush that gave up would end nats-py's reading when its answer comes after all."""
    one = await connect(server, ping=0.05, connect=0.2)
    heard = Heard()
    await one.subscribe("s", heard)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        for _ in range(64):
            await asyncio.wait_for(one.publish("s", bytes(100_000)), 5)
            if not one.connected:
                break
        await until(lambda: not one.connected)
        with pytest.raises(Unreachable, match="has not answered"):
            await one.ready(0.01)
        busy = await connect(server, ping=3600, connect=0.2, wait=False)
        await asyncio.wait_for(busy.close(0.2), 5)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await one.ready(10)
    heard.messages.clear()
    await one.publish("s", b"again")
    await until(lambda: b"again" in heard.payloads)


async def test_closing_while_the_server_does_not_read_ends(server: Embedded, connect: Connect) -> None:
    one = await connect(server, ping=3600)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        for _ in range(70):
            await one.publish("s", bytes(100_000))
        publishing = asyncio.create_task(_publish_for_ever(one))
        await until(lambda: one.statistics.sent > 80)
        publishing.cancel()  # a cancellation is not swallowed while it waits for room
        with pytest.raises(asyncio.CancelledError):
            await publishing
        await asyncio.wait_for(one.close(0.2), 5)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    with pytest.raises(Unreachable, match="closed"):
        await one.publish("s", b"")
    await one.close()


async def _publish_for_ever(one: Connection) -> None:
    while True:
        await one.publish("s", bytes(100_000))


async def test_what_is_published_right_before_closing_arrives(server: Embedded, connect: Connect) -> None:
    one, other = await connect(server), await connect(server)
    heard = Heard()
    await other.subscribe("s", heard)
    for _ in range(500):
        await one.publish("s", b"x" * 1000)
    await one.close()
    await until(lambda: len(heard.messages) == 500)


async def test_a_message_that_is_too_large_is_refused_and_the_connection_stays(
    server: Embedded, connect: Connect
) -> None:
    """The server would end the connection."""
    one = await connect(server)
    most = one.most_bytes
    heard = Heard()
    await one.subscribe("s", heard)
    await one.publish("s", bytes(most - 300))
    for headers in (None, {"h": "x" * 200}):
        with pytest.raises(MessageRefused, match="at most"):
            await one.publish("s", bytes(most - 300 + (200 if headers is None else 0)), headers=headers)
    with pytest.raises(MessageRefused):
        await one.request("s", bytes(most), 1)
    await until(lambda: heard.messages)
    assert one.statistics.reconnects == 0


@pytest.mark.parametrize("subject", ["", "a b", "a\r\nPUB x 1\r\ny", "a\tb"])
async def test_a_subject_cannot_carry_another_command(
    server: Embedded, connect: Connect, subject: str
) -> None:
    one = await connect(server)
    for refused in (one.publish(subject, b""), one.subscribe(subject, Heard()), one.request(subject, b"", 1)):
        with pytest.raises(MessageRefused):
            await refused
    with pytest.raises(MessageRefused):
        await one.publish("s", b"", headers={"a: b\r\nc": "d"})
    await one.publish("s", b"", headers={"a": "b\r\nc: d"})
    await one.flush()


async def test_a_callback_that_raises_or_is_slow_is_counted(server: Embedded, connect: Connect) -> None:
    one = await connect(server)
    told = list[Status]()
    one.observe(told.append)
    begun, going = asyncio.Event(), asyncio.Event()

    async def fails(message: Received) -> None:
        begun.set()
        await going.wait()
        raise ValueError("no")

    await one.subscribe("s", fails, messages=1)
    await one.publish("s", b"")
    await begun.wait()
    for _ in range(3):
        await one.publish("s", b"")
    await until(lambda: one.statistics.dropped == 2)
    going.set()
    await until(lambda: one.statistics.failures == 2)
    assert {each.what for each in told} == {"slow", "failed"}


async def test_closing_does_not_wait_for_a_callback_that_never_ends(
    server: Embedded, connect: Connect
) -> None:
    one, begun, ended = await connect(server), asyncio.Event(), asyncio.Event()

    async def waits(message: Received) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await one.subscribe("s", waits)
    await one.publish("s", b"")
    await begun.wait()
    await asyncio.wait_for(one.close(1), 10)
    await ended.wait()


async def test_a_subscription_that_was_stopped_hears_no_more(server: Embedded, connect: Connect) -> None:
    one = await connect(server)
    heard, other = Heard(), Heard()
    stopped = await one.subscribe("s", heard)
    await one.subscribe("s", other)
    await stopped.stop()
    await stopped.stop()
    await one.publish("s", b"")
    await until(lambda: other.messages)
    assert not heard.messages
