from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcp_wasm.sandbox.report import Outcome

Tool = Callable[[str], Callable[..., Outcome]]
pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(300)]
MOMENT = "2026-11-05T13:30:00+00:00"


def test_now_is_the_hosts_clock_and_not_the_builds(tool: Tool) -> None:
    before = time.time()
    found = tool("time")("now").value
    assert isinstance(found, dict)
    assert before - 1 <= found["unix"] <= time.time() + 1


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-05T14:30:00+01:00",
        "20261105T1330Z",
        "2026-W45-4T13:30Z",
        "Thu, 05 Nov 2026 14:30:00 +0100",
        "@1793885400",
        "2026-11-05 13:30",
        " 2026-11-05T13:30:00.000000000Z ",
    ],
)
def test_the_spellings_in_use_are_one_moment(tool: Tool, text: str) -> None:
    found = tool("time")("convert", **{"time": text, "show-in": "UTC"}).value
    assert isinstance(found, dict)
    assert found["iso"] == MOMENT


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "11/05/2026", "2026-13-01", "2026-02-30", "2026-366", "@999999999999", "x" * 5000, "\0"],
)
def test_what_is_no_date_is_an_error_and_no_trap(tool: Tool, text: str) -> None:
    assert tool("time")("convert", time=text).failed


@pytest.mark.parametrize(
    ("start", "amount", "unit", "wanted"),
    [
        ("2026-01-31", 1, "months", "2026-02-28T00:00:00+01:00"),
        ("2024-02-29", 1, "years", "2025-02-28T00:00:00+01:00"),
        ("2026-03-28T12:00", 1, "days", "2026-03-29T12:00:00+02:00"),
        ("2026-03-28T12:00", 24, "hours", "2026-03-29T13:00:00+02:00"),
        ("2026-11-06", 1, "business-days", "2026-11-09T00:00:00+01:00"),
        ("2026-11-07", -1, "business-days", "2026-11-06T00:00:00+01:00"),
        ("2026-10-25T02:30:00+01:00", 0, "days", "2026-10-25T02:30:00+01:00"),
    ],
)
def test_days_keep_the_clock_and_hours_keep_the_time_that_passes(
    tool: Tool, start: str, amount: int, unit: str, wanted: str
) -> None:
    found = tool("time")("add", time=start, amount=amount, unit=unit, zone="Europe/Berlin").value
    assert isinstance(found, dict)
    assert found["iso"] == wanted


@pytest.mark.parametrize("unit", ["seconds", "days", "business-days", "weeks", "months", "years"])
@pytest.mark.parametrize("amount", [2**63 - 1, -(2**63), 10**12])
def test_huge_amounts_are_refused_and_do_not_run_long(tool: Tool, unit: str, amount: int) -> None:
    found = tool("time")("add", time="2026-11-05", amount=amount, unit=unit)
    assert found.failed
    assert found.report.fuel < 100_000_000


def test_business_days_agree_with_counting_them(tool: Tool) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for length in (0, 1, 2, 5, 6, 7, 8, 30, 365):
        end = start + timedelta(days=length)
        counted = sum((start + timedelta(days=n)).weekday() < 5 for n in range(length))
        found: Any = tool("time")("between", start=start.isoformat(), end=end.isoformat()).value
        back: Any = tool("time")("between", start=end.isoformat(), end=start.isoformat()).value
        assert (found["business-days"], back["business-days"], found["days"]) == (counted, -counted, length)


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ("30 9 * * mon-fri", ["2026-03-30T09:30:00+02:00", "2026-03-31T09:30:00+02:00"]),
        ("0 2 * * *", ["2026-03-30T02:00:00+02:00", "2026-03-31T02:00:00+02:00"]),
        ("0 0 13 * 5", ["2026-04-03T00:00:00+02:00", "2026-04-10T00:00:00+02:00"]),
        ("0 0 29 2 *", ["2028-02-29T00:00:00+01:00", "2032-02-29T00:00:00+01:00"]),
        ("@daily", ["2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"]),
        ("5/30 12 * * sat-sun", ["2026-03-28T12:05:00+01:00", "2026-03-28T12:35:00+01:00"]),
    ],
)
def test_schedules_are_read_as_cron_reads_them(tool: Tool, schedule: str, wanted: list[str]) -> None:
    call = tool("time")
    found: Any = call(
        "schedule", schedule=schedule, after="2026-03-28T12:00", zone="Europe/Berlin", count=2
    ).value
    assert [moment["iso"] for moment in found] == wanted


@pytest.mark.parametrize(
    "schedule", ["* * * *", "60 * * * *", "*/0 * * * *", "5-1 * * * *", "0 0 30 2 *", "*" * 9999]
)
def test_a_schedule_that_cannot_be_is_an_error(tool: Tool, schedule: str) -> None:
    assert tool("time")("schedule", schedule=schedule, after="2026-11-05", count=1).failed


@pytest.mark.parametrize("name", ["Berlni", "../../etc/passwd", "", "+99:00", "Europe/Berlin\0", "x" * 5000])
def test_an_unknown_zone_is_an_error_that_helps(tool: Tool, name: str) -> None:
    found = tool("time")("now", zone=name)
    assert found.failed is (name != "")
    if found.failed:
        assert "not" in str(found.value)


@pytest.mark.parametrize("form", ["%Q", "%", "%ü", "%-", "\0%Y", "%Y" * 5000])
def test_a_wrong_format_is_an_error(tool: Tool, form: str) -> None:
    assert tool("time")("format", time="2026-11-05", format=form).failed
