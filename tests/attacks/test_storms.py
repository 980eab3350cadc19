"""Corners of budgets, deadlines in every phase of a call, many guests at once, and many calls taken back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.attacked import Attacked, text_of

REFUSED: list[Any] = [0, -1, 0.5, "many", None, True, [], {}]
ACCEPTED: list[Any] = [1, 2**63, 2**64 - 1, 2**200, 1e300]


@pytest.mark.parametrize("fuel", REFUSED)
def test_fuel_that_is_none_is_refused(server: Attacked, fuel: Any) -> None:
    answer = server.wait(server.begin("tiny_add", {"a": 1, "b": 1}, {"fuel": fuel}))
    assert "error" in answer or answer["result"]["isError"]
    server.check()


@pytest.mark.parametrize("fuel", ACCEPTED)
def test_fuel_without_bound_is_no_more_than_the_servers(server: Attacked, fuel: Any) -> None:
    limits = {"fuel": fuel, "deadline": 0.05}
    result = server.call("loops_spin", {}, limits)
    assert "limit was reached" in text_of(result)
    assert result["_meta"]["mcp-wasm/cost"]["fuel"] <= 20_000_000_000
    server.check()


@pytest.mark.parametrize("deadline", [0, -1, "soon", "NaN", None])
def test_a_deadline_that_is_none_is_refused(server: Attacked, deadline: Any) -> None:
    answer = server.wait(server.begin("tiny_add", {"a": 1, "b": 1}, {"deadline": deadline}))
    assert "error" in answer or answer["result"]["isError"]
    server.check()


PHASES = [
    ("start_f", {}),
    ("loops_in_realloc", {"text": "x"}),
    ("loops_spin", {}),
    ("loops_in_post_return", {}),
    ("loops_in_destructor", {}),
    ("wasi_sleep", {"ns": 10**13}),
    ("lists_flags", {"count": 2_700_000, "pages": 100}),
]
"""Instantiation, arguments, the call, its end, a destructor, a wait, and reading the result."""


@pytest.mark.parametrize(("tool", "arguments"), PHASES)
@pytest.mark.parametrize("deadline", [1e-9, 0.02])
def test_a_deadline_holds_in_every_phase(
    server: Attacked, tool: str, arguments: dict[str, Any], deadline: float
) -> None:
    result = server.call(tool, arguments, {"deadline": deadline, "fuel": 10**18})
    assert "deadline limit was reached" in text_of(result)
    server.check()


def test_more_loops_than_there_are_workers_hold_up_nobody(server: Attacked) -> None:
    # Four workers: two for this client and component, none of them for the honest call alone.
    loops = [server.begin("loops_spin", {}, {"deadline": 3}) for _ in range(20)]
    assert server.call("tiny_add", {"a": 1, "b": 2})["structuredContent"] == {"result": 3}
    assert "tools" in server.ask("tools/list")["result"]
    for number in loops:
        server.cancel(number)
    server.check()


@pytest.mark.parametrize("tool", ["loops_spin", "wasi_nap_ever", "start_f", "loops_in_destructor"])
def test_a_storm_of_cancellations_leaves_nothing_behind(server: Attacked, tool: str) -> None:
    for _ in range(5):
        numbers = [server.begin(tool, {}) for _ in range(50)]
        for number in numbers:
            server.cancel(number)
        assert server.call("tiny_add", {"a": 1, "b": 2})["structuredContent"] == {"result": 3}
    server.check()


def test_cancelling_what_is_not_there_does_nothing(server: Attacked) -> None:
    for number in (-1, 0, 2**63, 10**6):
        server.cancel(number)
    server.check()


def test_more_calls_than_are_taken_at_once_wait_and_are_taken_back(server: Attacked) -> None:
    # 64 of them are taken; what else this client asks for waits, but for pings.
    numbers = [server.begin("loops_spin", {}, {"deadline": 20}) for _ in range(600)]
    assert server.ask("ping")["result"] == {}
    for number in numbers:
        server.cancel(number)
    server.check()
