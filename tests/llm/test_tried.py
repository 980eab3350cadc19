"""Trying again, leaving alone, and streams, over real sockets and without pauses."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from mcp_wasm.capability.grant import Grants
from mcp_wasm.errors import (
    Busy,
    LlmCutOff,
    LlmRefused,
    LlmTimedOut,
)
from mcp_wasm.llm.protocol import Answer, Delta, Request
from mcp_wasm.llm.service import Asked, Llm
from tests.llm import wire
from tests.llm.wire import ALL, Time, json_reply, options, service, status_reply, streamed
from tests.sandbox.network.server import ok, serving

pytestmark = pytest.mark.anyio
HELLO = json_reply(wire.openai_answer())
ASK = Asked(Request(text="Hi."))
TEXT = "Wasm runs tools. Tools are granted what they may do. Cats purr."
SUMMARIZE = Asked(Request("summarize", TEXT), id="op")


async def streaming(llm: Llm, asked: Asked, texts: list[str], grants: Grants = ALL) -> Answer | None:
    last: Delta | None = None
    async for delta in llm.stream(asked, grants, "a"):
        last = delta
        texts += [delta.text] if delta.text else []
    return last.answer if last is not None else None


async def test_a_provider_that_keeps_failing_is_left_alone_for_a_while() -> None:
    time = Time()
    replies = [status_reply("500 Oops")] * 2 + [HELLO]
    with serving(wire.in_turn(*replies)) as server:
        async with service(options(server, breaker=2), time=time) as llm:
            for _ in range(4):
                answer = await llm.ask(ASK, ALL, "a")
            assert "left alone for 30 s more" in answer.reason
            assert len(server.seen) == 2
            time.at += 30
            assert (await llm.ask(ASK, ALL, "a")).status == "completed"


async def test_a_stalled_provider_opens_its_circuit_too() -> None:
    with serving(wire.stalled()) as server:
        async with service(options(server, breaker=1, timeout=0.05)) as llm:
            await llm.ask(ASK, ALL, "a")
            assert "left alone" in (await llm.ask(ASK, ALL, "a")).reason
    assert server.connections <= 1


AGAIN: list[tuple[list[bytes], list[float], int, str]] = [
    ([status_reply("429 Too Many", None, "Retry-After: 7"), HELLO], [7.0], 2, "completed"),
    ([status_reply("429 Too Many", None, "Retry-After: 60"), HELLO], [], 1, "completed_fallback"),
    ([status_reply("500 Oops"), status_reply("529 Busy"), HELLO], [0.5, 1.0], 3, "completed"),
    ([status_reply("500 Oops")] * 3 + [HELLO], [0.5, 1.0], 3, "completed_fallback"),
    ([status_reply("401 No"), HELLO], [], 1, "completed_fallback"),
    ([ok(b"no"), HELLO], [], 1, "completed_fallback"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("replies", "pauses", "attempts", "status"), AGAIN)
async def test_a_passing_failure_is_tried_again(
    replies: list[bytes], pauses: list[float], attempts: int, status: str, stream: bool
) -> None:
    time = Time()
    found = [streamed(wire.openai_chunks("Hello.")) if each is HELLO and stream else each for each in replies]
    with serving(wire.in_turn(*found)) as server:
        async with service(options(server, retries=2), time=time) as llm:
            answer = await (streaming(llm, ASK, []) if stream else llm.ask(ASK, ALL, "a"))
    assert answer is not None
    assert (time.pauses, answer.attempts, answer.status) == (pauses, attempts, status)
    assert len(server.seen) == attempts


async def test_a_request_that_the_provider_refuses_is_refused() -> None:
    with serving(lambda *_: status_reply("400 Bad", {"error": {"message": "too long"}})) as server:
        async with service(options(server, retries=2)) as llm:
            with pytest.raises(LlmRefused, match="status 400: too long"):
                await llm.ask(ASK, ALL, "a")
    assert len(server.seen) == 1


async def test_the_asker_can_bound_the_time() -> None:
    with serving(wire.stalled()) as server:
        async with service(options(server, "p"), options(server, "q"), time=Time()) as llm:
            answer = await llm.ask(Asked(ASK.request, seconds=0.05), ALL, "a")
    assert answer.status == "completed_fallback"
    assert "nothing came within 0.05 s" in answer.reason


async def test_no_more_requests_run_at_once_than_may() -> None:
    running, most, lock = [0], [0], threading.Lock()

    def counted(*_: Any) -> bytes:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.01)
        with lock:
            running[0] -= 1
        return HELLO

    with serving(counted) as server:
        async with service(options(server), concurrent=4) as llm:
            for who, bound in ((["a"] * 8, 2), (["a", "b", "c"] * 4, 4)):
                most[0] = 0
                answers = await asyncio.gather(*(llm.ask(ASK, ALL, each) for each in who))
                assert {each.status for each in answers} == {"completed"}
                assert most[0] <= bound


async def test_who_asks_too_much_keeps_nobody_else_waiting() -> None:
    """An attack: one agent asks a provider that never answers, as often as it may."""
    with serving(wire.stalled()) as bad, serving(lambda *_: HELLO) as good:
        async with service(options(bad, "bad"), options(good, "good"), concurrent=2) as llm:
            flood = [asyncio.create_task(llm.ask(Asked(ASK.request, "bad"), ALL, "a")) for _ in range(100)]
            await asyncio.sleep(0)
            assert (await llm.ask(Asked(ASK.request, "good"), ALL, "b")).status == "completed"
            with pytest.raises(Busy):
                await llm.ask(ASK, ALL, "a")
            for each in flood:
                each.cancel()
            await asyncio.gather(*flood, return_exceptions=True)
            assert (await llm.ask(Asked(ASK.request, "good"), ALL, "a")).status == "completed"


async def test_a_stream_gives_pieces_and_then_the_answer() -> None:
    with serving(lambda *_: streamed(wire.openai_chunks("Hel", "lo."))) as server:
        async with service(options(server, price=wire.PRICE)) as llm:
            texts: list[str] = []
            answer = await streaming(llm, SUMMARIZE, texts)
            operation = llm.operation("op", "a")
    assert texts == ["Hel", "lo."]
    assert answer == Answer("Hello.", "gpt-x-2026", "p", "stop", 19, 10, 0.000119, 1, "completed", "")
    assert operation is not None
    assert (operation.status, operation.answer) == ("completed", answer)


async def test_a_stream_is_not_tried_again_once_a_piece_was_given_on() -> None:
    """What was given on cannot be taken back, and a second answer would go on from another first half."""
    half = wire.cut(streamed(wire.openai_chunks("Hel")[:2], end=False))
    with serving(wire.in_turn(half, streamed(wire.openai_chunks("lo.")))) as server:
        async with service(options(server, "p", retries=2), options(server, "q")) as llm:
            texts: list[str] = []
            with pytest.raises(LlmCutOff):
                await streaming(llm, SUMMARIZE, texts)
            operation = llm.operation("op", "a")
    assert (texts, len(server.seen)) == (["Hel"], 1)
    assert operation is not None
    assert operation.status == "failed"


async def test_a_stream_that_broke_off_before_any_piece_is_tried_again() -> None:
    empty = wire.cut(streamed(wire.openai_chunks()[:1], end=False))
    with serving(wire.in_turn(empty, streamed(wire.openai_chunks("Hello.")))) as server:
        async with service(options(server, retries=1)) as llm:
            texts: list[str] = []
            answer = await streaming(llm, ASK, texts)
    assert answer is not None
    assert (texts, answer.attempts) == (["Hello."], 2)


async def test_a_stream_that_falls_silent_is_timed_out_even_where_it_pings() -> None:
    def pinging(_seen: Any, connection: Any) -> None:
        connection.sendall(streamed(wire.anthropic_events("Hel", end=False), end=False))
        ping = wire.chunked(wire.event_bytes({"type": "ping"}))
        while True:
            connection.sendall(ping)
            threading.Event().wait(0.005)

    with serving(pinging) as server:
        async with service(options(server, kind="anthropic", timeout=0.5)) as llm:
            texts: list[str] = []
            with pytest.raises(LlmTimedOut):
                await streaming(llm, ASK, texts)
            server.settled()
    assert texts == ["Hel"]


async def test_a_stream_takes_ten_times_the_time_of_an_answer_and_no_longer() -> None:
    time, go = Time(), threading.Event()
    first, second = wire.openai_chunks("a")[:2], wire.openai_chunks("b")[1:2]

    def slow(_seen: Any, connection: Any) -> None:
        connection.sendall(streamed(first, end=False))
        assert go.wait(10)
        connection.sendall(b"".join(map(wire.chunked, second)))
        connection.recv(1)

    with serving(slow) as server:
        async with service(options(server), time=time) as llm:
            stream = llm.stream(ASK, ALL, "a")
            assert (await anext(stream)).text == "a"
            time.at += 299
            go.set()
            assert (await anext(stream)).text == "b"
            time.at += 1
            with pytest.raises(LlmTimedOut):
                await anext(stream)


async def test_the_fallback_is_streamed_too() -> None:
    async with service() as llm:
        texts: list[str] = []
        answer = await streaming(llm, SUMMARIZE, texts)
    assert answer is not None
    assert (answer.status, answer.text) == ("completed_fallback", "".join(texts))
