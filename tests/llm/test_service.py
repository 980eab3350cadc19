"""Asking on somebody's behalf over real sockets: grants, the fallback, trying again, statuses, streams."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from mcp_wasm.capability.grant import NOTHING, Grants, gather
from mcp_wasm.capability.llm import Llm as LlmGrant
from mcp_wasm.errors import (
    CapabilityDenied,
    InvalidSettings,
    LlmBudgetExceeded,
    LlmFailed,
    LlmFaulty,
    LlmKeyMissing,
    LlmRefused,
)
from mcp_wasm.llm.options import LlmOptions, ProviderOptions
from mcp_wasm.llm.protocol import Answer, Request
from mcp_wasm.llm.service import NONE, Asked, Llm
from tests.llm import wire
from tests.llm.wire import ALL, json_reply, options, service, status_reply
from tests.sandbox.network.server import Server, ok, serving

pytestmark = pytest.mark.anyio

HELLO = json_reply(wire.openai_answer())
ASK = Asked(Request(text="Hi."))
TEXT = "Wasm runs tools. Tools are granted what they may do. Cats purr."
SUMMARIZE = Asked(Request("summarize", TEXT), id="op")


async def test_a_model_answers_and_the_operation_is_completed() -> None:
    with serving(lambda *_: HELLO) as server:
        async with service(options(server, price=wire.PRICE)) as llm:
            answer = await llm.ask(SUMMARIZE, ALL, "a")
            operation = llm.operation("op", "a")
    assert answer == Answer("Hello.", "gpt-x-2026", "p", "stop", 19, 10, 0.000119, 1, "completed", "")
    assert operation is not None
    assert (operation.status, operation.answer, operation.error) == ("completed", answer, "")
    assert wire.body(server.seen[0])["max_tokens"] == 1024


async def waited(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not found():  # noqa: ASYNC110 - what is waited for happens on a thread of the server
            await asyncio.sleep(0)


async def test_an_operation_is_seen_while_it_runs_and_by_nobody_else() -> None:
    go = threading.Event()

    def slow(*_: Any) -> bytes:
        assert go.wait(10)
        return HELLO

    with serving(slow) as server:
        async with service(options(server)) as llm:
            asking = asyncio.create_task(llm.ask(SUMMARIZE, ALL, "a"))
            await waited(lambda: bool(server.seen))
            running = llm.operation("op", "a")
            assert running is not None
            assert (running.status, running.ended, running.answer) == ("running", None, None)
            assert llm.operation("op", "b") is None
            with pytest.raises(LlmRefused, match="id: expected one that no operation has yet"):
                await llm.ask(Asked(Request("summarize", "Other."), id="op"), ALL, "a")
            again = asyncio.create_task(llm.ask(SUMMARIZE, ALL, "a"))
            go.set()
            assert await again is await asking
            assert len(server.seen) == 1
            assert llm.operation("op", "a") != running
            assert llm.operation("op", "b") is None


async def test_the_same_id_and_request_is_answered_again_and_costs_nothing() -> None:
    with serving(lambda *_: HELLO) as server:
        async with service(options(server)) as llm:
            first = await llm.ask(SUMMARIZE, ALL, "a")
            assert await llm.ask(SUMMARIZE, ALL, "a") is first
            with pytest.raises(LlmRefused, match="id"):
                await llm.ask(Asked(Request("summarize", "Other."), id="op"), ALL, "a")
            await llm.ask(SUMMARIZE, ALL, "b")
    assert len(server.seen) == 2


async def test_without_a_provider_the_fallback_answers_and_says_so() -> None:
    async with service() as llm:
        answer = await llm.ask(SUMMARIZE, ALL, "a")
        operation = llm.operation("op", "a")
    assert (answer.status, answer.provider, answer.reason, answer.attempts) == (
        "completed_fallback",
        "fallback",
        NONE,
        0,
    )
    assert answer.text.startswith("[Without a language model: ")
    assert operation is not None
    assert operation.status == "completed_fallback"


def missing() -> str:
    raise LlmKeyMissing("p", "there is no variable KEY")


FAILING: list[tuple[Any, dict[str, Any], str]] = [
    (status_reply("500 Oops"), {}, "it failed with status 500"),
    (status_reply("401 No"), {}, "does not accept the key"),
    (status_reply("429 Too Many"), {}, "too many requests"),
    (wire.cut(b""), {}, "the connection broke"),
    (wire.stalled(), {"timeout": 0.05}, r"nothing came within 0.05 s"),
    (ok(b"no"), {}, "its answer is no JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "more", "told"), FAILING)
async def test_where_the_provider_fails_the_fallback_answers_and_says_why(
    reply: Any, more: dict[str, Any], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(wire.in_turn(reply)) as server:
        async with service(options(server, **more)) as llm:
            answer = await llm.ask(SUMMARIZE, ALL, "a")
            assert (answer.status, answer.attempts) == ("completed_fallback", 1)
            assert told in answer.reason
            assert told in caplog.text
            with pytest.raises(LlmFailed, match=told):
                await llm.ask(Asked(SUMMARIZE.request, id="not", fallback=False), ALL, "a")
            failed = llm.operation("not", "a")
            assert failed is not None
            assert failed.status == "failed"
            assert told in failed.error
    assert wire.KEY not in caplog.text


async def test_a_missing_key_leads_to_the_fallback() -> None:
    with serving(lambda *_: HELLO) as server:
        llm = Llm(LlmOptions((options(server),)), {"p": missing})
        assert "there is no variable KEY" in (await llm.ask(ASK, ALL, "a")).reason
        await llm.aclose()
    assert server.connections == 0


async def test_without_a_provider_and_a_fallback_there_is_no_answer() -> None:
    async with service() as llm:
        with pytest.raises(LlmFailed, match=NONE):
            await llm.ask(Asked(ASK.request, fallback=False), ALL, "a")


async def test_what_failed_may_be_asked_again_under_its_id() -> None:
    with serving(wire.in_turn(status_reply("500 Oops"), HELLO)) as server:
        async with service(options(server)) as llm:
            strict = Asked(SUMMARIZE.request, id="op", fallback=False)
            with pytest.raises(LlmFaulty):
                await llm.ask(strict, ALL, "a")
            assert (await llm.ask(strict, ALL, "a")).status == "completed"


async def test_who_waits_for_an_operation_that_is_given_up_asks_itself() -> None:
    with serving(wire.in_turn(wire.stalled(), HELLO)) as server:
        async with service(options(server)) as llm:
            first = asyncio.create_task(llm.ask(SUMMARIZE, ALL, "a"))
            await waited(lambda: bool(server.seen))
            second = asyncio.create_task(llm.ask(SUMMARIZE, ALL, "a"))
            await asyncio.sleep(0)
            first.cancel()
            assert (await second).status == "completed"
    assert len(server.seen) == 2


DENIED: list[tuple[Grants, Request, str, str]] = [
    (NOTHING, Request(text="a"), "", "no grant of llm to tiny"),
    (gather([LlmGrant(("other",), rule="R")]), Request(text="a"), "", "R allows"),
    (gather([LlmGrant(("*",), ("x",), rule="R")]), Request(text="a"), "", "by models x of"),
    (gather([LlmGrant(("*",), ("m",), rule="R")]), Request(text="a", model="large"), "", "by models m of"),
    (gather([LlmGrant(("*",), operations=("reason",), rule="R")]), Request(text="a"), "", "R allows reason"),
    (gather([LlmGrant(("other",), rule="R")]), Request(text="a"), "p", "R allows"),
    (Grants(waiting="the policy waits"), Request(text="a"), "", "the policy waits"),
    (NOTHING, Request(text="a"), "fallback", "no grant of llm"),
]


@pytest.mark.parametrize(("grants", "request_", "provider", "told"), DENIED)
async def test_what_was_not_granted_is_not_asked_and_not_answered(
    grants: Grants, request_: Request, provider: str, told: str
) -> None:
    with serving(lambda *_: HELLO) as server:
        async with service(options(server)) as llm:
            with pytest.raises(CapabilityDenied) as error:
                await llm.ask(Asked(request_, provider), grants, "tiny")
            with pytest.raises(CapabilityDenied):
                await anext(llm.stream(Asked(request_, provider), grants, "tiny"))
        async with service() as llm:
            if not grants.llm:
                with pytest.raises(CapabilityDenied):
                    await llm.ask(Asked(request_), grants, "tiny")
    (denial,) = error.value.denials
    assert told in denial.rule
    assert denial.capability == "llm"
    assert server.connections == 0


async def test_a_denial_names_the_command_for_a_component_and_none_for_an_agent() -> None:
    with serving(lambda *_: HELLO) as server:
        async with service(options(server)) as llm:
            for who, command in [
                ("tiny", "mcp-wasm grants add tiny llm providers=p models=m operations=ask"),
                ("tree/agent", ""),
            ]:
                with pytest.raises(CapabilityDenied) as error:
                    await llm.ask(ASK, NOTHING, who)
                assert error.value.denials[0].command == command


async def test_the_first_granted_provider_answers_and_the_next_where_it_fails() -> None:
    with serving(lambda *_: status_reply("500 Oops")) as bad, serving(lambda *_: HELLO) as good:
        async with service(options(bad, "none"), options(bad, "bad"), options(good, "good")) as llm:
            grants = gather([LlmGrant(("bad", "good"))])
            assert (await llm.ask(ASK, grants, "a")).provider == "good"
            assert (await llm.ask(Asked(ASK.request, "bad"), grants, "a")).provider == "fallback"
            assert (await llm.ask(Asked(ASK.request, "fallback"), grants, "a")).reason == "it was asked for"
            with pytest.raises(LlmRefused, match="provider: expected one of none, bad, good, fallback"):
                await llm.ask(Asked(ASK.request, "other"), grants, "a")
    assert (len(bad.seen), len(good.seen)) == (2, 1)


async def test_what_cannot_be_asked_is_refused_before_anything_is_sent() -> None:
    with serving(lambda *_: HELLO) as server:
        async with service(options(server)) as llm:
            for asked in (
                Asked(Request(text="")),
                Asked(ASK.request, seconds=0),
                Asked(ASK.request, id="a\n"),
            ):
                with pytest.raises(LlmRefused):
                    await llm.ask(asked, ALL, "a")
    assert server.connections == 0


async def test_an_operation_that_is_given_up_has_failed() -> None:
    with serving(wire.stalled()) as server:
        async with service(options(server)) as llm:
            asking = asyncio.create_task(llm.ask(SUMMARIZE, ALL, "a"))
            await waited(lambda: bool(server.seen))
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            operation = llm.operation("op", "a")
            assert operation is not None
            assert (operation.status, operation.error) == ("failed", "it was given up")
            server.settled()


async def test_a_bound_on_cost_needs_prices() -> None:
    with serving(lambda *_: HELLO) as server:
        async with service(options(server)) as llm:
            with pytest.raises(InvalidSettings, match=r"llm\.p: expected input_price and output_price"):
                await llm.ask(ASK, wire.granted(cost=1), "a")
    assert server.connections == 0


async def test_where_a_budget_is_used_up_another_grant_is_used_and_no_fallback_hides_it() -> None:
    with serving(lambda *_: HELLO) as server:
        async with service(options(server, "p"), options(server, "q")) as llm:
            small, large = LlmGrant(("p",), tokens=10), LlmGrant(("q",))
            assert (await llm.ask(ASK, gather([small, large]), "a")).provider == "q"
            with pytest.raises(LlmBudgetExceeded):
                await llm.ask(ASK, gather([small]), "a")


def test_the_client_is_not_loaded_before_a_provider_is_asked() -> None:
    """A node that asks nobody starts without it."""
    program = "import sys, mcp_wasm.llm.service; sys.exit('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def at(server: Server, name: str) -> ProviderOptions:
    return options(server, name)


async def test_nothing_of_what_is_asked_or_answered_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(lambda *_: json_reply(wire.openai_answer("an answer of its own"))) as server:
        async with service(at(server, "p")) as llm:
            await llm.ask(Asked(Request(text="a private question")), ALL, "a")
    for secret in (wire.KEY, "private question", "answer of its own"):
        assert secret not in caplog.text
