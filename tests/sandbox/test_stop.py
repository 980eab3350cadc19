from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from mcp_wasm.errors import Cancelled
from mcp_wasm.sandbox.stop import Stop, Watchdog


class Epochs:
    """Counts epochs, and lets a test wait for the next one."""

    def __init__(self) -> None:
        self.advanced = threading.Event()

    def advance(self) -> None:
        self.advanced.set()


@pytest.fixture
def epochs() -> Epochs:
    return Epochs()


@pytest.fixture
def watchdog(epochs: Epochs) -> Iterator[Watchdog]:
    made = Watchdog(epochs.advance)
    yield made
    made.close()


def stop(seconds: float) -> Stop:
    made = Stop()
    made.deadline = time.monotonic() + seconds
    return made


def test_a_call_that_is_due_before_those_that_run_already_is_stopped_without_waiting_for_them(
    watchdog: Watchdog, epochs: Epochs
) -> None:
    watchdog.begin(stop(3600))
    while watchdog._until == float("inf"):  # its thread has not begun to wait
        epochs.advanced.wait(0.001)
    watchdog.begin(stop(1800))
    watchdog.begin(stop(0.05))
    assert epochs.advanced.wait(15)


def test_a_call_is_stopped_after_others_have_come_and_gone(watchdog: Watchdog, epochs: Epochs) -> None:
    for seconds in (0.01, 3600, 0.02):
        gone = stop(seconds)
        watchdog.begin(gone)
        watchdog.end(gone)
    last = stop(0.05)
    watchdog.begin(last)
    while not last.due():
        epochs.advanced.wait(0.01)
    epochs.advanced.clear()
    assert epochs.advanced.wait(15)


def test_an_overdue_call_that_has_not_stopped_sees_epoch_after_epoch(
    watchdog: Watchdog, epochs: Epochs
) -> None:
    watchdog.begin(stop(0))
    for _ in range(3):
        assert epochs.advanced.wait(15)
        epochs.advanced.clear()


def test_a_cancelled_call_is_stopped_whatever_its_deadline(watchdog: Watchdog, epochs: Epochs) -> None:
    running = stop(3600)
    watchdog.begin(running)
    watchdog.cancel(running)
    assert epochs.advanced.wait(15)
    assert running.due()


def test_a_closed_watchdog_lets_nothing_begin(watchdog: Watchdog) -> None:
    watchdog.begin(stop(3600))
    watchdog.close()
    with pytest.raises(Cancelled):
        watchdog.begin(stop(1))
