"""A call within a call: a guest's call of another tool, on the caller's own thread and budget.

Through the pool of workers two such calls could wait for each other for ever.
The called tool has a fresh instance, its own limits and its own grants; but it
has no more fuel than the caller has left, what it uses is taken from the
caller's, and it ends when the caller has to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import replace
from typing import Any

from mcp_wasm.capability.grant import Grants
from mcp_wasm.errors import FuelExhausted, McpWasmError
from mcp_wasm.invoke import Invoker
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox import fuel
from mcp_wasm.sandbox.account import Accounts, Caller, Entry
from mcp_wasm.sandbox.call import About, Call, Permit, Stopped
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.prepared import Prepared
from mcp_wasm.sandbox.report import Outcome
from mcp_wasm.sandbox.stop import Stop

CALL_FUEL = 100_000
"""Fuel that a call costs beside what the called tool uses: about as long as a fresh instance takes."""

NOTED = 64
"""Calls within one call from outside that are all written into the audit log."""

_SLICE = 0.02


class Nested:
    """What ``Services.call_tool`` is for a runtime.

    ``target`` gives the tool of a name and its component, ``granted`` the grants
    of a tool within a call that allows some kinds (None: all). ``accounts`` writes
    the calls into the audit log, where there is one.
    """

    def __init__(
        self,
        target: Callable[[str], tuple[Tool, Component]],
        granted: Callable[[Tool, Component, frozenset[str] | None], Grants],
        invoker: Invoker,
        accounts: Accounts | None = None,
    ) -> None:
        self._target, self._granted, self._invoker = target, granted, invoker
        self._accounts = accounts

    def __call__(self, call: Call, name: str, arguments: Mapping[str, Any], /) -> Outcome:
        """Call the tool ``name`` on this thread, on the budget of ``call``.

        Raises:
            UnknownTool, InvalidArguments: nothing was run.
            Stopped: the caller is due.
            McpWasmError: whatever went wrong in the called tool.
        """
        tool, component = self._target(name)
        begun = time.monotonic()
        prepared = _within(call, self._invoker.prepare(component)) if component.remote is None else None
        waited = time.monotonic() - begun
        depth, chain = call.about.depth + 1, call.about.chain
        about = About(name, component.name, component.digest, call.about.client, depth, chain)
        grants = self._granted(tool, component, call.grants.allowed)
        fuel.charge(call, CALL_FUEL)
        limits = _limits(call, component.limits)
        permit, report = Permit(about, limits, call.services, grants), None
        try:
            outcome = self._noted(
                permit,
                arguments,
                lambda: (
                    self._invoker.call_away(
                        tool, component, arguments, limits, call.about.client, grants, call.stop.due
                    )
                    if prepared is None
                    else self._invoker.call_here(
                        permit, component, prepared, tool, arguments, Stop(call.stop), waited
                    )
                ),
            )
            report = outcome.report
        except McpWasmError as error:
            report = error.report
            raise
        finally:
            if report is not None:
                fuel.charge(call, report.fuel)
                call.pass_on(report.denials)
                chain.logged += sum(len(line.context) + len(line.message) for line in report.log)
        return outcome

    def _noted(self, permit: Permit, arguments: Mapping[str, Any], run: Callable[[], Outcome]) -> Outcome:
        """The outcome of ``run``, written down unless it is one of very many."""
        about = permit.about
        about.chain.calls += 1
        if self._accounts is None or not _is_noted(about.chain.calls):
            return run()
        caller = Caller(about.client, "tool")
        entry = Entry(caller, about.tool, about.component, about.digest, permit.grants, about.depth)
        return self._accounts.run_sync(entry, arguments, run)


def _is_noted(number: int) -> bool:
    """Whether the call of that number within one call from outside is written down.

    A guest must not be able to fill the log, and so to have older records thrown
    away: after the first ones it is each whose number is a power of two.
    """
    return number <= NOTED or number & (number - 1) == 0


def _limits(call: Call, own: Limits) -> Limits:
    """The called tool's limits, within what the caller has left and can take."""
    left = fuel.left(call)
    if left < 1:
        raise FuelExhausted(call.limits.fuel, call.limits.fuel, "The caller has none left for the call.")
    result = min(own.result, call.limits.result, call.limits.memory // 2)
    # One tool that is called again and again writes no more to the server's log than if called once.
    log = max(0, own.log - call.about.chain.logged)
    return replace(own, fuel=min(own.fuel, left), result=result, log=log)


def _within(call: Call, preparing: Future[Prepared]) -> Prepared:
    """What is being prepared, waited for as long as the caller may."""
    while not preparing.done():
        if call.stop.due():
            raise Stopped
        wait([preparing], _SLICE)
    return preparing.result()
