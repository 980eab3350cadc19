from __future__ import annotations

import threading

import pytest

from mcp_wasm.agents.events import Event
from mcp_wasm.cli import agents_events, terminal
from mcp_wasm.cli.agents_events import A_SECOND, ORDINARY, WAITING, Shown


def event(number: int, second: int = 0, what: str = "exited") -> Event:
    return Event(second * 1000, f"a{number}", what, "why")


def shown(*events: Event, quiet: bool = False) -> list[str]:
    """What is written of these."""
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr(terminal, "note", lines.append)
        with Shown(quiet=quiet) as observer:
            for each in events:
                observer(each)
        return lines


def test_events_are_written_in_order_without_those_of_an_ordinary_start() -> None:
    ordinary = [event(number, what=what) for number, what in enumerate(sorted(ORDINARY))]
    lines = shown(event(1), *ordinary, event(2))
    assert [line.partition(" ")[2] for line in lines] == ["a1 exited: why", "a2 exited: why"]
    assert shown(event(1), quiet=True) == []


def test_so_many_of_a_second_are_written_and_the_rest_is_counted() -> None:
    assert len(shown(*(event(number) for number in range(A_SECOND)), event(0, 1))) == A_SECOND + 1
    lines = shown(*(event(number) for number in range(A_SECOND + 5)), event(99, 1))
    assert len(lines) == A_SECOND + 2
    assert lines[-2] == "... 5 more events (mcp-wasm agents events)"


def test_a_reader_who_stops_reading_stops_no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, reading = threading.Event(), threading.Event()

    def blocking(_line: str) -> None:
        stuck.set()
        reading.wait()

    monkeypatch.setattr(terminal, "note", blocking)
    monkeypatch.setattr(agents_events, "_PATIENCE", 0.01)
    with Shown() as observer:
        observer(event(0))
        assert stuck.wait(10)
        for second in range(WAITING + 50):
            observer(event(second, second))
    reading.set()
    observer._thread.join(10)
    assert not observer._thread.is_alive()
