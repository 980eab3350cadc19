from __future__ import annotations

import pytest

from mcp_wasm.server.access import Budget, Identity, fits, narrowed, over
from mcp_wasm.server.rates import Allowance, Bucket, Client, Rates, seconds


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_bucket_gives_what_is_in_it_and_fills_evenly() -> None:
    bucket = Bucket(60, 0.0)
    for _ in range(60):
        assert bucket.wait(1, 0.0) == 0.0
        bucket.take(1, 0.0)
    assert bucket.wait(1, 0.0) == 1.0
    assert bucket.wait(1, 0.5) == 0.5
    assert bucket.wait(1, 1.0) == 0.0
    assert bucket.level(30.0) == 30.0
    assert bucket.level(1e9) == 60.0
    assert bucket.is_full(60.0)


def test_a_debt_is_waited_for() -> None:
    bucket = Bucket(100, 0.0)
    bucket.take(300, 0.0)
    assert bucket.wait(1, 0.0) == pytest.approx(120.6)
    assert bucket.wait(1, 120.6) == pytest.approx(0.0)


def test_what_was_used_stays_used_when_the_allowance_changes() -> None:
    bucket = Bucket(60, 0.0)
    bucket.take(60, 0.0)
    for per_minute in (59, 60, 61, 6000):
        bucket.become(per_minute, 0.0)
        assert bucket.wait(1, 0.0) > 0


def test_more_at_once_than_a_bucket_holds_waits_only_until_it_is_full() -> None:
    assert Bucket(10, 0.0).wait(1000, 0.0) == 0.0


def test_a_refused_request_takes_nothing(clock: Clock) -> None:
    allowance = Allowance(2, clock)
    assert [allowance.take("a") for _ in range(2)] == [0.0, 0.0]
    for _ in range(100):
        assert allowance.take("a") == 30.0
    assert allowance.take("b") == 0.0
    assert allowance.wait("a") == 30.0
    clock.at += 30
    assert allowance.take("a") == 0.0


def test_addresses_without_end_take_no_memory_and_win_nothing(clock: Clock) -> None:
    allowance = Allowance(10, clock, most=100)
    given = sum(allowance.take(f"address {number}") == 0.0 for number in range(10_000))
    assert len(allowance._buckets) <= 101
    assert given <= 110
    assert allowance.wait("address 99999") > 0
    clock.at += 3600
    assert allowance.take("address 99999") == 0.0
    assert len(allowance._buckets) <= 2


def enter(rates: Rates, key: str, budget: Budget) -> Client:
    found = rates.enter(key, budget)
    assert isinstance(found, Client), found
    return found


def test_calls_a_minute_hold_for_each_client(clock: Clock) -> None:
    rates, budget = Rates(clock), Budget(calls_per_minute=3)
    for _ in range(3):
        enter(rates, "a", budget).leave(0)
    refused = rates.enter("a", budget)
    assert refused == "This client may use 3 calls a minute. Call again in 20 s."
    enter(rates, "b", budget).leave(0)
    clock.at += 20
    enter(rates, "a", budget).leave(0)
    assert isinstance(rates.enter("a", budget), str)


def test_so_many_calls_run_at_once_and_no_more(clock: Clock) -> None:
    rates, budget = Rates(clock), Budget(concurrent=2)
    first, second = enter(rates, "a", budget), enter(rates, "a", budget)
    assert "2 may run at once" in str(rates.enter("a", budget))
    enter(rates, "b", budget)
    first.leave(0)
    third = enter(rates, "a", budget)
    second.leave(0)
    third.leave(0)
    assert third.running == 0


def test_a_call_refused_for_one_reason_costs_nothing_of_another(clock: Clock) -> None:
    rates = Rates(clock)
    budget = Budget(calls_per_minute=2, concurrent=1)
    running = enter(rates, "a", budget)
    for _ in range(50):
        assert isinstance(rates.enter("a", budget), str)
    running.leave(0)
    enter(rates, "a", budget).leave(0)


def test_fuel_is_paid_after_a_call_and_holds_on_average(clock: Clock) -> None:
    rates, budget = Rates(clock), Budget(fuel_per_minute=1000)
    enter(rates, "a", budget).leave(2500)
    refused = str(rates.enter("a", budget))
    assert "1,000 units of fuel a minute" in refused
    clock.at += 89
    assert isinstance(rates.enter("a", budget), str)
    clock.at += 2
    enter(rates, "a", budget).leave(0)


def test_clients_without_end_take_no_memory_and_win_nothing(clock: Clock) -> None:
    rates, budget = Rates(clock, most=50), Budget(calls_per_minute=2)
    begun = 0
    for number in range(5000):
        found = rates.enter(f"client {number}", budget)
        if isinstance(found, Client):
            begun += 1
            found.leave(0)
    assert len(rates._clients) <= 51
    assert begun <= 2 * 51
    clock.at += 3600
    enter(rates, "new", budget)
    assert len(rates._clients) <= 2


def test_a_client_whose_call_runs_is_not_forgotten(clock: Clock) -> None:
    rates, budget = Rates(clock, most=2), Budget(concurrent=1)
    running = enter(rates, "a", budget)
    enter(rates, "b", budget).leave(0)
    clock.at += 3600
    enter(rates, "c", budget).leave(0)
    assert isinstance(rates.enter("a", budget), str)
    running.leave(0)


def test_nothing_set_bounds_nothing(clock: Clock) -> None:
    rates = Rates(clock)
    for _ in range(10_000):
        enter(rates, "a", Budget())


@pytest.mark.parametrize(("wait", "whole"), [(0.001, 1), (1.0, 1), (1.01, 2), (60, 60)])
def test_seconds_to_wait_are_whole(wait: float, whole: int) -> None:
    assert seconds(wait) == whole


@pytest.mark.parametrize(
    ("pattern", "name", "fit"),
    [
        ("calc_add", "calc_add", True),
        ("calc_add", "calc_add2", False),
        ("calc_*", "calc_add", True),
        ("calc_*", "calc_", True),
        ("calc_*", "calc", False),
        ("*", "anything", True),
        ("", "calc_add", False),
        ("c*c_add", "calc_add", False),
        ("CALC_ADD", "calc_add", False),
    ],
)
def test_which_tools_a_pattern_names(pattern: str, name: str, fit: bool) -> None:
    assert fits(pattern, name) is fit


def test_a_tool_must_fit_one_pattern_of_every_group() -> None:
    one = Identity("a", "a", (("calc_*", "text_diff"), ("calc_add", "hash_*")))
    assert [one.may(name) for name in ("calc_add", "calc_mul", "text_diff", "hash_md5")] == [
        True,
        False,
        False,
        False,
    ]
    assert not Identity("a", "a", ((),)).may("calc_add")
    assert Identity("a", "a").may("calc_add")
    assert [Identity("a", "a", groups).sees_all for groups in ((), (("*",),), (("*",), ("a",)), ((),))] == [
        True,
        True,
        False,
        False,
    ]


def test_a_budget_of_its_own_goes_over_everybodys_and_a_narrowing_one_only_lowers() -> None:
    base = Budget(calls_per_minute=10, concurrent=5, limits={"fuel": 100})
    own = Budget(calls_per_minute=50, fuel_per_minute=7, limits={"fuel": 200, "deadline": 1})
    assert over(own, base) == Budget(50, 5, 7, {"fuel": 100, "deadline": 1})
    assert narrowed(base, own) == Budget(10, 5, 7, {"fuel": 100, "deadline": 1})
