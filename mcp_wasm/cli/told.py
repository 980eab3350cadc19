"""What a call gave and cost, for people on stderr and for programs as JSON."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from mcp_wasm.cli import terminal
from mcp_wasm.sandbox import services
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Printed, Report


@contextlib.contextmanager
def denials_here() -> Iterator[None]:
    """What is denied is told beside the result, so the log need not say it as well."""
    log = logging.getLogger(services.__name__)
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def tell_what_cannot_rise(
    wanted: Mapping[str, float], limits: Limits, flags: Mapping[str, str] | None = None
) -> None:
    """Say of each limit ``wanted`` that is above what holds; ``flags`` names those with another flag."""
    for name, value in wanted.items():
        highest, flag = getattr(limits, name), (flags or {}).get(name, name)
        if value > highest:
            terminal.note(f"--{flag} only lowers: it stays {highest:,} ([limits] in mcp-wasm.toml raises it)")


def shown(value: object) -> str:
    """A value as a person reads it: a text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    import json  # only values that are no text need it

    return json.dumps(value, ensure_ascii=False, indent=2)


def tell(report: Report, *, failed: bool) -> None:
    """What a guest printed, logs, denials and costs, on stderr."""
    sys.stdout.flush()
    for name, printed in (("stdout", report.stdout), ("stderr", report.stderr)):
        if printed.text:
            terminal.note(f"the guest's {name}:\n{printed.text.rstrip()}")
        if printed.dropped:
            terminal.note(f"({printed.dropped:,} more bytes of its {name} were dropped)")
    tell_cost(report, failed=failed)


def tell_cost(report: Report, *, failed: bool) -> None:
    """Logs, denials and costs, on stderr."""
    if report.log:
        lines = (f"{each.level} {each.context}: {each.message}" for each in report.log)
        terminal.note("\n".join(("the guest's log:", *lines)))
    if report.log_dropped:
        terminal.note(f"({report.log_dropped:,} more messages of its log were dropped)")
    if report.denials:
        from mcp_wasm.server import denials  # only a call that was denied something needs it

        told = denials.loud(report.denials, failed=failed)
        if told:
            terminal.note(denials.in_words(told))
    times = {
        "waiting": report.queue_ms,
        "compiling": report.compile_ms,
        "instantiating": report.instantiate_ms,
        "running": report.run_ms,
    }
    spent = ", ".join(f"{ms:.2f} ms {name}" for name, ms in times.items() if ms >= 0.005)
    least = "at least " if report.fuel_is_least else ""
    terminal.note(f"cost: {least}{report.fuel:,} fuel" + (f", {spent}" if spent else ""))


def costs(report: Report) -> Mapping[str, Any]:
    """What a call cost and printed, as JSON."""
    cost = {
        "fuel": report.fuel,
        "queueMs": report.queue_ms,
        "compileMs": report.compile_ms,
        "instantiateMs": report.instantiate_ms,
        "runMs": report.run_ms,
        "digest": report.digest,
    }
    if report.fuel_is_least:
        cost["fuelIsLeast"] = True
    printed = {"stdout": _printed(report.stdout), "stderr": _printed(report.stderr)}
    log = {
        "lines": [
            {"level": each.level, "context": each.context, "message": each.message} for each in report.log
        ],
        "dropped": report.log_dropped,
    }
    return {"cost": cost, **printed, "log": log, "denials": _denials(report)}


def _denials(report: Report) -> list[dict[str, Any]]:
    if not report.denials:
        return []
    from mcp_wasm.server import denials  # see above

    return denials.listed(report.denials)


def _printed(printed: Printed) -> dict[str, Any]:
    return {"text": printed.text, "dropped": printed.dropped}
