"""``mcp-wasm call``: one call by the same path as a server's, its result, its cost and what was denied."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mcp_wasm.cli import settings, terminal, wiring
from mcp_wasm.cli.given import given
from mcp_wasm.errors import CapabilityDenied, GuestError, LimitExceeded, McpWasmError, StorageExceeded
from mcp_wasm.sandbox import services
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Outcome, Printed, Report

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("name", metavar="NAME", help="the tool's name, as `mcp-wasm list` shows it")
    parser.add_argument(
        "--args",
        nargs="+",
        default=[],
        metavar="ARG",
        help="a JSON object, - to read one from stdin, @FILE to read one from a file, or key=value …; "
        "a text parameter takes the value as it is, a list takes its key several times, others take JSON",
    )
    parser.add_argument("--fuel", type=int, help="lower the CPU budget of this call, in units of fuel")
    parser.add_argument("--deadline", type=float, metavar="SECONDS", help="lower the deadline of this call")
    parser.add_argument("--memory", type=settings.size, metavar="SIZE", help="lower its memory limit: 64 MiB")
    parser.add_argument("--json", action="store_true", help="print one JSON document: result, cost, logs")
    wiring.add_sources(parser)


def run(args: argparse.Namespace) -> int:
    """Call the tool; result on stdout, cost and logs on stderr, or everything as JSON on stdout."""
    limits = {name: getattr(args, name) for name in ("fuel", "deadline", "memory")}
    wanted = {name: value for name, value in limits.items() if value is not None}
    with wiring.open_runtime(wiring.read(args)) as runtime:
        tool = runtime.tool(args.name)
        _tell_what_cannot_rise(wanted, runtime.component(tool.component).limits)
        arguments = given(args.args, tool)
        with terminal.Progress() as progress, _told_here():
            calling = _call(runtime, args.name, arguments, wanted, progress)
            try:
                outcome = asyncio.run(calling)
            except GuestError as error:
                return _stopped(error, as_json=args.json)
            finally:
                calling.close()  # an interrupt may come before it was begun
    return _ended(outcome, as_json=args.json)


@contextlib.contextmanager
def _told_here() -> Iterator[None]:
    """What is denied is told beside the result, so the log need not say it as well."""
    log = logging.getLogger(services.__name__)
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _tell_what_cannot_rise(wanted: Mapping[str, float], limits: Limits) -> None:
    for name, value in wanted.items():
        highest = getattr(limits, name)
        if value > highest:
            terminal.note(f"--{name} only lowers: it stays {highest:,} ([limits] in mcp-wasm.toml raises it)")


async def _call(
    runtime: Runtime,
    name: str,
    arguments: dict[str, Any],
    limits: Mapping[str, object],
    progress: terminal.Progress,
) -> Outcome:
    return await runtime.call(name, arguments, limits=limits, on_wait=progress.wait)


def _ended(outcome: Outcome, *, as_json: bool) -> int:
    if as_json:
        side = "error" if outcome.failed else "result"
        terminal.print_json({"failed": outcome.failed, side: outcome.value, **_costs(outcome.report)})
    else:
        _tell(outcome.report, failed=outcome.failed)
        if outcome.failed:
            terminal.fail(f"the tool returned an error: {_shown(outcome.value)}")
        else:
            terminal.print_text(_shown(outcome.value))
    return 1 if outcome.failed else 0


def _stopped(error: McpWasmError, *, as_json: bool) -> int:
    """The guest trapped or reached a limit; what it cost so far is told too."""
    report = error.report
    if as_json:
        document = {"failed": True, "error": {"kind": type(error).__name__, "message": str(error)}}
        terminal.print_json({**document, **(_costs(report) if report is not None else {})})
        return 1
    if report is not None:
        _tell(report, failed=True)
    if isinstance(error, CapabilityDenied):
        terminal.fail("the tool could not start without what nobody has granted it")
        return 1
    if isinstance(error, LimitExceeded) and not isinstance(
        error, StorageExceeded
    ):  # a quota stands in a grant
        terminal.note(f"To raise it: {error.limit} under [limits] in mcp-wasm.toml.")
    raise error


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    import json  # only values that are no text need it

    return json.dumps(value, ensure_ascii=False, indent=2)


def _tell(report: Report, *, failed: bool) -> None:
    """Logs, denials and costs, on stderr."""
    sys.stdout.flush()
    for name, printed in (("stdout", report.stdout), ("stderr", report.stderr)):
        if printed.text:
            terminal.note(f"the guest's {name}:\n{printed.text.rstrip()}")
        if printed.dropped:
            terminal.note(f"({printed.dropped:,} more bytes of its {name} were dropped)")
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
    terminal.note(f"cost: {report.fuel:,} fuel" + (f", {spent}" if spent else ""))


def _costs(report: Report) -> Mapping[str, Any]:
    cost = {
        "fuel": report.fuel,
        "queueMs": report.queue_ms,
        "compileMs": report.compile_ms,
        "instantiateMs": report.instantiate_ms,
        "runMs": report.run_ms,
        "digest": report.digest,
    }
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
