from __future__ import annotations

import logging

import pytest

from mcp_wasm.agents.events import Event, Events


def test_observers_are_told_in_order_until_they_end() -> None:
    events, seen = Events(), list[tuple[int, str]]()
    ends = [events.observe(lambda event, n=n: seen.append((n, event.what))) for n in range(2)]  # type: ignore[misc]
    events.add(Event(0, "a", "started"))
    ends[0]()
    events.add(Event(1, "a", "ready"))
    assert seen == [(0, "started"), (1, "started"), (1, "ready")]


def test_an_observer_that_fails_harms_nobody_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    events, seen = Events(), list[Event]()

    def fails(_event: Event) -> None:
        raise ZeroDivisionError

    events.observe(fails)
    events.observe(seen.append)
    with caplog.at_level(logging.ERROR):
        events.add(Event(0, "a", "started"))
    assert len(seen) == 1
    assert "started of 'a'" in caplog.text


def test_only_the_last_events_are_kept_and_all_are_counted() -> None:
    events = Events(kept=3)
    for n in range(5):
        events.add(Event(n, "a", "exited"))
    assert [each.at_ms for each in events.recent()] == [2, 3, 4]
    assert [each.at_ms for each in events.recent(2)] == [3, 4]
    assert events.total == 5


def test_recent_events_of_a_path_are_its_own_and_those_below_it() -> None:
    events = Events()
    for path in ("", "tier", "tier/a", "tiers"):
        events.add(Event(0, path, "ready"))
    assert [each.path for each in events.recent(path="tier")] == ["tier", "tier/a"]
    assert [each.path for each in events.recent(path="")] == ["", "tier", "tier/a", "tiers"]
