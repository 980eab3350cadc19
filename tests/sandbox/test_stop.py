"""The watchdog: who is due is stopped, whoever came first, and nobody is missed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mcp_wasm.errors import Cancelled
from mcp_wasm.sandbox.stop import Stop, Watchdog

PATIENCE = 15.0
"""Seconds after which a test gives up; nothing is ever asserted about time."""


@contextmanager
def watching() -> Iterator[tuple[Watchdog, threading.Event]]:
    advanced = threading.Event()
    watchdog = Watchdog(advanced.set)
    try:
        yield watchdog, advanced
    finally:
        watchdog.close()


def stop_in(seconds: float) -> Stop:
    stop = Stop()
    stop.deadline = time.monotonic() + seconds
    return stop


def asleep(watchdog: Watchdog, seconds: float) -> None:
    """Return when the watchdog has seen that its nearest deadline is so many seconds away."""
    while seconds != float("inf") and watchdog._until == float("inf"):
        pass


@pytest.mark.parametrize("later", [1e3, 1e12, 1e300, float("inf")])
def test_the_nearest_deadline_counts_however_far_the_others_are(later: float) -> None:
    with watching() as (watchdog, advanced):
        watchdog.begin(stop_in(later))
        asleep(watchdog, later)
        watchdog.begin(stop_in(0.01))
        assert advanced.wait(PATIENCE)


def test_a_call_cancelled_while_it_runs_is_stopped() -> None:
    with watching() as (watchdog, advanced):
        stop = stop_in(1e6)
        watchdog.begin(stop)
        watchdog.cancel(stop)
        assert advanced.wait(PATIENCE)
        assert stop.due()


def test_a_call_cancelled_before_it_begins_is_stopped_when_it_does() -> None:
    with watching() as (watchdog, advanced):
        stop = stop_in(1e6)
        watchdog.cancel(stop)
        watchdog.begin(stop_in(1e3))
        asleep(watchdog, 1e3)
        watchdog.begin(stop)
        assert advanced.wait(PATIENCE)


def test_an_overdue_guest_is_told_again_until_it_ends() -> None:
    times: list[None] = []
    thrice = threading.Event()

    def advance() -> None:
        times.append(None)
        if len(times) >= 3:
            thrice.set()

    watchdog = Watchdog(advance)
    stop = stop_in(0)
    watchdog.begin(stop)
    assert thrice.wait(PATIENCE)
    watchdog.end(stop)
    watchdog.close()


def test_a_watchdog_that_closes_lets_nothing_begin() -> None:
    with watching() as (watchdog, advanced):
        stop = stop_in(1e6)
        watchdog.begin(stop)
        watchdog.cancel_all(closing=True)
        assert advanced.wait(PATIENCE)
        with pytest.raises(Cancelled):
            watchdog.begin(stop_in(1e6))
    with pytest.raises(Cancelled):
        watchdog.begin(stop_in(1e6))


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    with watching() as (watchdog, _):
        watchdog.begin(stop_in(1e6))
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
