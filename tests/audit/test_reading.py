from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.audit.file import CURRENT
from mcp_wasm.audit.reading import Damage, Wanted, last, moment, read, summary
from mcp_wasm.audit.record import Denied, Record
from mcp_wasm.audit.sink import append


def call(at: float, outcome: str = "ok", **rest: object) -> Record:
    fields: dict[str, object] = {"tool": "demo_add", "component": "demo", "client": "token ci"} | rest
    return Record(at=at, id=f"{at}", event="call", outcome=outcome, **fields)  # type: ignore[arg-type]


DENIED = call(4, denials=(Denied("network", "GET x", "no grant", "demo", 3),))
RECORDS = [
    call(1, fuel=5, ms=1.5),
    call(2, "limit:fuel", fuel=7),
    call(3, "fault:0a1b2c3d", tool="demo_div"),
    DENIED,
    call(5, "denied", client="token other", component=""),
    Record(at=6, id="6", event="grant", component="demo"),
    Record(at=7, id="7", event="lost", count=9),
]

TABLE: list[tuple[Wanted, list[float]]] = [
    (Wanted(), [1, 2, 3, 4, 5, 6, 7]),
    (Wanted(tool="demo_div"), [3]),
    (Wanted(tool="demo"), []),
    (Wanted(component="demo"), [1, 2, 3, 4, 6]),
    (Wanted(client="token other"), [5]),
    (Wanted(event="grant"), [6]),
    (Wanted(outcome="limit"), [2]),
    (Wanted(outcome="limit:fuel"), [2]),
    (Wanted(outcome="limit:memory"), []),
    (Wanted(outcome="li"), []),
    (Wanted(outcome="fault"), [3]),
    (Wanted(denied=True), [4, 5]),
    (Wanted(since=5), [5, 6, 7]),
    (Wanted(since=5, event="grant"), [6]),
]


@pytest.mark.parametrize(("wanted", "times"), TABLE)
def test_what_is_asked_for_is_found(wanted: Wanted, times: list[float]) -> None:
    assert [record.at for record in last(RECORDS, wanted, 100)] == times


def test_the_last_ones_by_time_are_shown_oldest_first() -> None:
    assert [record.at for record in last([*RECORDS[3:], *RECORDS[:3]], Wanted(), 2)] == [6, 7]
    assert last(RECORDS, Wanted(), 0) == []


def test_the_summary_counts_calls_failures_denials_and_fuel() -> None:
    found = summary(RECORDS, Wanted())
    assert (found.calls, found.failures, found.fuel, found.ms, found.lost) == (5, 3, 12, 1.5, 9)
    assert found.denials == {("demo", "network"): 3}
    assert found.outcomes == {"ok": 2, "limit:fuel": 1, "fault": 1, "denied": 1}
    assert found.clients == {"token ci": 4, "token other": 1}
    assert summary(RECORDS, Wanted(since=2, outcome="limit")).calls == 1


def test_names_without_end_are_counted_together() -> None:
    found = summary((call(1, tool=f"t{number}") for number in range(30_000)), Wanted())
    assert found.calls == 30_000
    assert len(found.tools) <= 10_001


def test_damaged_lines_are_counted_and_passed_over(tmp_path: Path) -> None:
    append(tmp_path, RECORDS)
    whole = (tmp_path / CURRENT).read_bytes()
    (tmp_path / CURRENT).write_bytes(b"\x1b[2J\n\n" + whole + b'{"torn')
    damage = Damage()
    assert list(read(tmp_path, damage)) == RECORDS
    assert damage.lines == 2


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_wasm.audit.reading._LONGEST_LINE", 1000)
    (tmp_path / CURRENT).write_bytes(b"x" * 5000 + b"\n")
    damage = Damage()
    assert list(read(tmp_path, damage)) == []
    assert damage.lines == 5


def test_where_there_is_no_log_there_is_nothing(tmp_path: Path) -> None:
    assert list(read(tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 910.0),
        ("15m", 100.0),
        ("1h", 0.0),
        ("1970-01-01T00:00:05", 5.0),
        ("1970-01-01T01:00:05+01:00", 5.0),
        ("1970-01-02", 86_400.0),
        ("", None),
        ("h", None),
        ("yesterday", None),
        ("5 h", None),
        ("٣h", None),
        ("99999999999999d", None),
    ],
)
def test_a_moment_is_a_span_or_a_date(text: str, expected: float | None) -> None:
    assert moment(text, 1000.0) == expected
