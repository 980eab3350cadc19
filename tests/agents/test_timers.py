from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.agents import timers
from mcp_wasm.agents.message import Message
from mcp_wasm.agents.timers import Timers
from mcp_wasm.errors import MessageRefused


class Handle:
    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """A loop whose time goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self._calls: list[tuple[float, int, Handle, Callable[[], object]]] = []
        self._serials = itertools.count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> Handle:
        handle = Handle()
        heapq.heappush(self._calls, (when, next(self._serials), handle, callback))
        return handle

    def go(self, seconds: float) -> None:
        end = self.now + seconds
        while self._calls and self._calls[0][0] <= end:
            when, _, handle, callback = heapq.heappop(self._calls)
            self.now = max(self.now, when)
            if not handle.cancelled:
                callback()
        self.now = end

    @property
    def waiting(self) -> int:
        return sum(not handle.cancelled for _, _, handle, _ in self._calls)


class Sent(list[tuple[str, str]]):
    def __call__(self, path: str, message: Message) -> None:
        self.append((path, message.id))


def message(name: str, payload: str = "null") -> Message:
    return Message(name, "a", "b", payload, 0)


def made() -> tuple[Timers, Clock, Sent]:
    clock, sent = Clock(), Sent()
    return Timers(sent, clock), clock, sent


def test_a_message_is_sent_when_it_is_due_and_not_before() -> None:
    all_of, clock, sent = made()
    all_of.add("a", 5.0, message("late"))
    all_of.add("a", 2.0, message("early"))
    clock.go(1.9)
    assert sent == []
    clock.go(0.2)
    assert sent == [("a", "early")]
    assert (len(all_of), clock.waiting) == (1, 1)
    clock.go(2.9)
    assert sent == [("a", "early"), ("a", "late")]
    assert (len(all_of), clock.waiting) == (0, 0)


@given(delays=st.lists(st.integers(0, 20), max_size=60))
def test_they_are_sent_in_the_order_of_their_times_and_equal_ones_as_they_were_added(
    delays: list[int],
) -> None:
    all_of, clock, sent = made()
    for number, delay in enumerate(delays):
        all_of.add("a", float(delay), message(f"{number}"))
    assert clock.waiting == (1 if delays else 0)
    clock.go(21)
    assert [int(name) for _, name in sent] == sorted(range(len(delays)), key=lambda n: (delays[n], n))


def test_the_timers_of_an_agent_that_ended_are_not_sent() -> None:
    all_of, clock, sent = made()
    for path in ("a", "b"):
        all_of.add(path, 1.0, message(path))
    all_of.forget("a")
    all_of.add("a", 2.0, message("new"))
    assert (all_of.waiting("a"), all_of.waiting("b"), all_of.waiting("c")) == (1, 1, 0)
    clock.go(3)
    assert sent == [("b", "b"), ("a", "new")]


def test_closed_it_sends_nothing_and_leaves_no_timer() -> None:
    all_of, clock, sent = made()
    all_of.add("a", 1.0, message("a"))
    all_of.close()
    assert clock.waiting == 0
    clock.go(3)
    assert sent == []


def test_an_agent_has_so_many_timers_and_not_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "MOST", 3)
    all_of, clock, _ = made()
    for _ in range(3):
        all_of.add("a", 1.0, message("a"))
    with pytest.raises(MessageRefused, match="the timers of a: expected 3 at most"):
        all_of.add("a", 1.0, message("a"))
    all_of.add("b", 1.0, message("b"))
    clock.go(1)
    all_of.add("a", 1.0, message("a"))


def test_an_agent_has_so_many_characters_in_timers_and_not_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "MOST_CHARACTERS", 10)
    all_of, clock, _ = made()
    all_of.add("a", 1.0, message("a", "x" * 10))
    with pytest.raises(MessageRefused, match="characters at most"):
        all_of.add("a", 1.0, message("a", "x"))
    clock.go(1)
    all_of.add("a", 1.0, message("a", "x" * 10))


@pytest.mark.parametrize("seconds", [-0.1, timers.LONGEST + 1, float("nan"), float("inf")])
def test_a_time_out_of_range_is_refused(seconds: float) -> None:
    with pytest.raises(MessageRefused, match="a timer: expected 0 to"):
        made()[0].add("a", seconds, message("a"))


@pytest.mark.parametrize("seconds", [0.0, timers.LONGEST])
def test_a_time_at_the_ends_of_the_range_is_taken(seconds: float) -> None:
    made()[0].add("a", seconds, message("a"))


def test_agents_that_come_and_go_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "MOST", 4)
    all_of, _, _ = made()
    for _ in range(1000):
        all_of.add("a", 1000.0, message("a"))
        all_of.forget("a")
    assert len(all_of._heap) <= 8


def test_it_runs_on_the_loop_that_runs() -> None:
    async def run() -> Sent:
        sent, done = Sent(), asyncio.Event()

        def send(path: str, due: Message) -> None:
            sent(path, due)
            done.set()

        all_of = Timers(send)
        all_of.add("a", 0.0, message("now"))
        await asyncio.wait_for(done.wait(), 5)
        return sent

    assert asyncio.run(run()) == [("a", "now")]
