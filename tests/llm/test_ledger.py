"""Budgets: reserved before, settled after, from both sides of every limit, also with many at once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mcp_wasm.capability.llm import Llm as LlmGrant
from mcp_wasm.errors import LlmBudgetExceeded, LlmFaulty
from mcp_wasm.llm.ledger import Ledger, Spent
from mcp_wasm.llm.prompts import bound, conversation
from mcp_wasm.llm.protocol import Request
from mcp_wasm.llm.service import Asked
from tests.llm import wire
from tests.llm.wire import Time, granted, json_reply, options, service, status_reply, streamed
from tests.sandbox.network.server import ok, serving

GRANT = LlmGrant(("p",), call_tokens=100, tokens=150, cost=1.0, period=60, rule="R")


def refused(ledger: Ledger, *amount: Any, grant: LlmGrant = GRANT, who: str = "a") -> LlmBudgetExceeded:
    with pytest.raises(LlmBudgetExceeded) as error:
        ledger.reserve(who, grant, *amount)
    return error.value


def test_each_limit_holds_from_both_sides() -> None:
    ledger = Ledger(Time().now)
    assert refused(ledger, 50, 51, 0.0).limit == "call_tokens"
    ledger.reserve("a", GRANT, 50, 50, 0.5)
    error = refused(ledger, 50, 1, 0.0)
    assert (error.limit, error.allowed, error.used, error.wanted, error.again) == ("tokens", 150, 100, 51, 60)
    assert refused(ledger, 1, 1, 0.51).limit == "cost"
    ledger.reserve("a", GRANT, 25, 25, 0.5)


def test_what_is_settled_is_what_was_used_and_only_once() -> None:
    ledger = Ledger(Time().now)
    held = ledger.reserve("a", GRANT, 50, 50, 1.0)
    held.settle(10, 0.25)
    held.settle(100, 1.0)
    assert ledger.spent("a", GRANT) == Spent(1000.0, 60, 10, 0.25)
    ledger.reserve("a", GRANT, 50, 50, 0.75)


def test_more_than_was_reserved_counts_in_full() -> None:
    ledger = Ledger(Time().now)
    ledger.reserve("a", GRANT, 1, 1, 0.0).settle(151, 0.0)
    assert refused(ledger, 1, 0, 0.0).used == 151


def test_a_period_begins_anew_and_what_is_still_held_goes_over_into_it() -> None:
    time = Time()
    ledger = Ledger(time.now)
    ledger.reserve("a", GRANT, 50, 50, 1.0).settle(100, 1.0)
    held = ledger.reserve("a", GRANT, 25, 25, 0.0)
    time.at += 59.9
    assert refused(ledger, 1, 0, 0.0).again == pytest.approx(0.1)
    time.at += 0.1
    assert refused(ledger, 50, 50, 1.01).limit == "cost"
    held.settle(50, 0.5)
    assert ledger.spent("a", GRANT) == Spent(1060.0, 60, 50, 0.5)


def test_a_clock_that_is_put_back_makes_no_period_longer() -> None:
    time = Time()
    ledger = Ledger(time.now)
    ledger.reserve("a", GRANT, 50, 50, 0.0)
    time.at -= 1_000_000
    assert refused(ledger, 50, 1, 0.0).again == 60


def test_each_asker_and_each_grant_has_an_account_of_its_own() -> None:
    ledger = Ledger(Time().now)
    ledger.reserve("a", GRANT, 50, 50, 0.0)
    ledger.reserve("b", GRANT, 50, 50, 0.0)
    ledger.reserve("a", LlmGrant(("q",), tokens=100), 50, 50, 0.0)
    # No name can be written so that it runs into the next part.
    ledger.reserve("a", LlmGrant(("p", "*"), tokens=100), 50, 50, 0.0)
    ledger.reserve('a", ["p"', GRANT, 50, 50, 0.0)


def test_a_budget_that_is_raised_keeps_what_was_used_wherever_it_is_written() -> None:
    ledger = Ledger(Time().now)
    ledger.reserve("a", GRANT, 50, 50, 0.0).settle(100, 0.0)
    more = LlmGrant(("p",), tokens=199, rule="elsewhere")
    assert refused(ledger, 50, 50, 0.0, grant=more).used == 100


def test_a_ledger_goes_on_where_another_ended_with_what_was_held_as_used() -> None:
    time = Time()
    first, second = Ledger(time.now), Ledger(time.now)
    first.reserve("a", GRANT, 25, 25, 0.5).settle(40, 0.25)
    first.reserve("a", GRANT, 50, 10, 0.25)
    kept = first.snapshot()
    second.restore(kept)
    assert second.spent("a", GRANT) == Spent(1000.0, 60, 100, 0.5)
    assert refused(second, 50, 1, 0.0).used == 100
    assert second.snapshot() == kept


def test_accounts_of_the_past_are_forgotten_and_none_that_counts() -> None:
    time = Time()
    ledger = Ledger(time.now)
    held = ledger.reserve("held", GRANT, 1, 1, 0.0)
    for number in range(9_999):
        ledger.reserve(f"old{number}", GRANT, 1, 1, 0.0).settle(2, 0.0)
    time.at += 60
    ledger.reserve("new", GRANT, 1, 1, 0.0)
    assert len(ledger.snapshot()) == 2
    held.settle(2, 0.0)


ASK = Asked(Request(text="Hi.", max_tokens=100), fallback=False)
BOUND = bound(*conversation(ASK.request))


@pytest.mark.anyio
async def test_a_request_is_reserved_with_its_bytes_and_settled_with_its_tokens() -> None:
    with serving(lambda *_: json_reply(wire.openai_answer())) as server:
        async with service(options(server)) as llm:
            with pytest.raises(LlmBudgetExceeded):
                await llm.ask(ASK, granted(call_tokens=BOUND + 99), "a")
            assert server.connections == 0
            grants = granted(call_tokens=BOUND + 100, tokens=BOUND + 100)
            await llm.ask(ASK, grants, "a")
            assert llm.ledger.spent("a", grants.llm[0]).tokens == 29
            with pytest.raises(LlmBudgetExceeded):
                await llm.ask(ASK, grants, "a")


@pytest.mark.anyio
async def test_an_answer_has_as_many_tokens_as_there_is_room_for() -> None:
    with serving(lambda *_: json_reply(wire.openai_answer())) as server:
        async with service(options(server, max_tokens=64)) as llm:
            for room in (64, 65, 63, 1):
                await llm.ask(Asked(Request(text="Hi.")), granted(call_tokens=BOUND + room), "a")
            with pytest.raises(LlmBudgetExceeded):
                await llm.ask(Asked(Request(text="Hi.")), granted(call_tokens=BOUND), "a")
    assert [json.loads(each.body)["max_tokens"] for each in server.seen] == [64, 64, 63, 1]


RESERVED = BOUND + 100
USED: list[tuple[Any, dict[str, Any], int]] = [
    (json_reply(wire.openai_answer()), {}, 29),
    (json_reply(wire.openai_answer(usage=None)), {}, RESERVED),
    (json_reply(wire.openai_answer(choices=[])), {}, 29),
    (ok(b"no"), {}, RESERVED),
    (wire.cut(b""), {}, RESERVED),
    (wire.stalled(), {"timeout": 0.05}, RESERVED),
    (status_reply("500 Oops"), {}, 0),
    (status_reply("429 Too Many"), {}, 0),
    (status_reply("401 No"), {}, 0),
    (status_reply("400 Bad"), {}, 0),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("reply", "more", "used"), USED)
async def test_what_failed_counts_by_what_it_used_or_may_have_used(
    reply: Any, more: dict[str, Any], used: int
) -> None:
    grants = granted()
    with serving(wire.in_turn(reply)) as server:
        async with service(options(server, **more)) as llm:
            await asyncio.gather(llm.ask(ASK, grants, "a"), return_exceptions=True)
            assert llm.ledger.spent("a", grants.llm[0]).tokens == used
            assert sum(each.tokens for each in llm.ledger.snapshot().values()) == used


@pytest.mark.anyio
async def test_each_try_is_paid_for() -> None:
    grants = granted()
    with serving(wire.in_turn(wire.cut(b""), json_reply(wire.openai_answer()))) as server:
        async with service(options(server, retries=1)) as llm:
            answer = await llm.ask(ASK, grants, "a")
            assert (answer.attempts, llm.ledger.spent("a", grants.llm[0]).tokens) == (2, RESERVED + 29)


@pytest.mark.anyio
async def test_a_stream_is_paid_for_however_it_ends() -> None:
    whole, half = wire.openai_chunks("a", "b"), wire.cut(streamed(wire.openai_chunks("a")[:2], end=False))
    grants = granted()
    used = []
    with serving(wire.in_turn(streamed(whole), half, wire.stalled(streamed(whole[:2], end=False)))) as server:
        async with service(options(server)) as llm:
            for take in (9, 9, 1):
                stream = llm.stream(ASK, grants, "a")
                with pytest.MonkeyPatch.context():
                    await asyncio.gather(read(stream, take), return_exceptions=True)
                used.append(llm.ledger.spent("a", grants.llm[0]).tokens)
    assert used == [29, 29 + RESERVED, 29 + 2 * RESERVED]


async def read(stream: Any, most: int) -> None:
    """At most so many pieces of a stream; then it is given up."""
    async for _ in stream:
        most -= 1
        if not most:
            break
    await stream.aclose()


@pytest.mark.anyio
async def test_many_at_once_cannot_use_more_than_the_budget() -> None:
    """An attack: all that are asked at once would each fit; together they do not."""
    grants = granted(tokens=3 * RESERVED)
    with serving(lambda *_: json_reply(wire.openai_answer(usage=None))) as server:
        async with service(options(server)) as llm:
            answers = await asyncio.gather(
                *(llm.ask(ASK, grants, "a") for _ in range(20)), return_exceptions=True
            )
    assert sum(isinstance(each, LlmBudgetExceeded) for each in answers) == 17
    assert len(server.seen) == 3


@pytest.mark.anyio
async def test_a_bound_on_cost_holds_over_failures_and_answers() -> None:
    cost = wire.PRICE.cost(BOUND, 100)
    grants = granted(cost=cost * 1.5)
    with serving(
        wire.in_turn(status_reply("500 Oops"), json_reply(wire.openai_answer(usage=None)))
    ) as server:
        async with service(options(server, price=wire.PRICE)) as llm:
            with pytest.raises(LlmFaulty):
                await llm.ask(ASK, grants, "a")
            assert (await llm.ask(ASK, grants, "a")).cost == cost
            with pytest.raises(LlmBudgetExceeded, match="US dollars allowed"):
                await llm.ask(ASK, grants, "a")
    assert len(server.seen) == 2
