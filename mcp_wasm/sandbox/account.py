"""Calls as records for the audit log: by whom, under which grants, how they ended, what they cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from mcp_wasm.audit.digest import digest, is_light
from mcp_wasm.audit.record import Arguments, Denied
from mcp_wasm.audit.sink import AuditLog, event
from mcp_wasm.capability.grant import NOTHING, Denial, Grant, Grants, kind_of
from mcp_wasm.errors import (
    Busy,
    Cancelled,
    CapabilityDenied,
    ComponentRefused,
    HostFault,
    InvalidArguments,
    InvalidSettings,
    LimitExceeded,
    SessionEnded,
    Trap,
    UnknownTool,
)
from mcp_wasm.sandbox.report import Outcome, Report


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the audit log names it, and how the call came (``stdio``, ``http``, ``library``, …)."""

    name: str = "local"
    transport: str = "library"


LIBRARY = Caller()


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a call before it runs."""

    caller: Caller
    tool: str
    component: str
    digest: str
    grants: Grants = NOTHING
    depth: int = 0


class Accounts:
    """Runs calls and writes each into ``log`` when it has ended, however it did."""

    def __init__(self, log: AuditLog) -> None:
        self._log, self._keep = log, log.options.arguments

    async def run(
        self, entry: Entry, arguments: Mapping[str, Any], call: Callable[[], Awaitable[Outcome]]
    ) -> Outcome:
        """The outcome of ``call``, on an event loop, which heavy arguments must not stop."""
        light = is_light(arguments)
        with self._account(entry) as account:
            account.arguments = (
                digest(arguments, self._keep)
                if light
                else await asyncio.to_thread(digest, arguments, self._keep)
            )
            account.outcome = outcome = await call()
        return outcome

    def run_sync(self, entry: Entry, arguments: Mapping[str, Any], call: Callable[[], Outcome]) -> Outcome:
        """The outcome of ``call``."""
        with self._account(entry) as account:
            account.arguments = digest(arguments, self._keep)
            account.outcome = outcome = call()
        return outcome

    def _account(self, entry: Entry) -> _Account:
        return _Account(entry, self._log)


class _Account:
    """Writes one record when its ``with`` block ends."""

    __slots__ = ("_begun", "_entry", "_log", "arguments", "outcome")

    def __init__(self, entry: Entry, log: AuditLog) -> None:
        self._entry, self._log, self._begun = entry, log, time.monotonic()
        self.arguments: Arguments | None = None
        self.outcome: Outcome | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        entry, outcome = self._entry, self.outcome
        found = outcome.report if outcome is not None else getattr(error, "report", None)
        report = found if isinstance(found, Report) else Report(entry.digest)
        how, detail = ("tool error" if outcome is not None and outcome.failed else "ok"), ""
        if error is not None:
            how, detail = ended(error)
        self._log.write(
            event(
                "call",
                client=entry.caller.name,
                transport=entry.caller.transport,
                tool=entry.tool,
                component=entry.component,
                digest=report.digest,
                outcome=how,
                detail=detail,
                arguments=self.arguments,
                grants=_named(entry.grants),
                denials=tuple(_denied(each) for each in report.denials),
                fuel=report.fuel,
                ms=1000 * (time.monotonic() - self._begun),
                bytes=0 if outcome is None else len(outcome.text),
                depth=entry.depth,
            )
        )


def ended(error: BaseException) -> tuple[str, str]:
    """How a call that raised ``error`` ended, in the words of ``audit.record``, and a detail."""
    match error:
        case LimitExceeded():
            return f"limit:{error.limit}", ""
        case Trap():
            return "trap", error.kind
        case SessionEnded():
            return "session over", ""
        case CapabilityDenied():
            return "denied", ""
        case Cancelled() | asyncio.CancelledError() | KeyboardInterrupt():
            return "cancelled", ""
        case UnknownTool():
            return "unknown tool", ""
        case InvalidArguments() | InvalidSettings():
            return "refused arguments", ""
        case ComponentRefused():
            return "refused component", error.reason
        case Busy():
            return "busy", ""
        case HostFault():
            return f"fault:{error.id}", ""
        case _:
            return "fault", type(error).__name__


def _named(grants: Iterable[Grant]) -> tuple[str, ...]:
    return tuple(f"{kind_of(grant)}: {grant.rule}" if grant.rule else kind_of(grant) for grant in grants)


def _denied(denial: Denial) -> Denied:
    return Denied(denial.capability, denial.asked, denial.rule, denial.component, denial.count)
