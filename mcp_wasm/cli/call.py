"""``mcp-wasm call``: one call by the same path as a server's, its result, its cost and what was denied."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp_wasm.cli import settings, terminal, told, wiring
from mcp_wasm.cli.given import given
from mcp_wasm.errors import CapabilityDenied, GuestError, LimitExceeded, McpWasmError, StorageExceeded
from mcp_wasm.sandbox.report import Outcome

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
        told.tell_what_cannot_rise(wanted, runtime.component(tool.component).limits)
        arguments = given(args.args, tool)
        with terminal.Progress() as progress, told.denials_here():
            calling = _call(runtime, args.name, arguments, wanted, progress)
            try:
                outcome = asyncio.run(calling)
            except GuestError as error:
                return _stopped(error, as_json=args.json)
            finally:
                calling.close()  # an interrupt may come before it was begun
    return _ended(outcome, as_json=args.json)


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
        terminal.print_json({"failed": outcome.failed, side: outcome.value, **told.costs(outcome.report)})
    else:
        told.tell(outcome.report, failed=outcome.failed)
        if outcome.failed:
            terminal.fail(f"the tool returned an error: {told.shown(outcome.value)}")
        else:
            terminal.print_text(told.shown(outcome.value))
    return 1 if outcome.failed else 0


def _stopped(error: McpWasmError, *, as_json: bool) -> int:
    """The guest trapped or reached a limit; what it cost so far is told too."""
    report = error.report
    if as_json:
        document = {"failed": True, "error": {"kind": type(error).__name__, "message": str(error)}}
        terminal.print_json({**document, **(told.costs(report) if report is not None else {})})
        return 1
    if report is not None:
        told.tell(report, failed=True)
    if isinstance(error, CapabilityDenied):
        terminal.fail("the tool could not start without what nobody has granted it")
        return 1
    if isinstance(error, LimitExceeded) and not isinstance(
        error, StorageExceeded
    ):  # a quota stands in a grant
        terminal.note(f"To raise it: {error.limit} under [limits] in mcp-wasm.toml.")
    raise error
