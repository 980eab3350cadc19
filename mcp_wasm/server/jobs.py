"""What a call of ``tools/call`` runs: a published tool, or code that came with the call.

Either is a ``Job``, so that limits, approvals, progress and the words for what went
wrong are the same for both. It translates nothing of the protocol but results.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_wasm.capability.grant import Grant
from mcp_wasm.errors import McpWasmError
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox.account import Caller
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Report
from mcp_wasm.sandbox.waits import OnWait
from mcp_wasm.server.admission import Admission, Admitted
from mcp_wasm.server.catalog import Catalog
from mcp_wasm.server.content import Presenter, Wire
from mcp_wasm.server.peer import Context, Peer
from mcp_wasm.server.questions import Asker, fingerprint
from mcp_wasm.server.wanted import Arguments

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime
    from mcp_wasm.server.code import Code


@dataclass(frozen=True, slots=True)
class Request:
    """One request: who calls which tool, with what, under which limits and kinds of grants (None: all)."""

    ctx: Context
    peer: Peer
    admitted: Admitted
    name: str
    arguments: Arguments
    limits: dict[str, object]
    progress: bool
    kinds: frozenset[str] | None = None

    @property
    def asker(self) -> Asker | None:
        """Who asks for what; None where the arguments are nothing that could be sent again as they were."""
        try:
            return Asker(self.peer.owner, self.peer.client, fingerprint(self.name, self.arguments))
        except (TypeError, ValueError, RecursionError):
            return None

    @property
    def caller(self) -> Caller:
        """Who calls, for the audit log."""
        return Caller(self.peer.name, self.peer.transport)


Run = Callable[[Sequence[Grant], str, OnWait | None], Awaitable[tuple[Wire, Report]]]
"""Runs once: with what a person granted beside the policy, to the bytes of a digest."""


@dataclass(frozen=True, slots=True)
class Job:
    """A call that can run: of ``component``, whose grants are in question, within ``limits``."""

    component: Component
    limits: Limits
    run: Run


class Jobs:
    """Finds the job of a request; ``code`` runs code that came with it, where that is served."""

    def __init__(
        self,
        runtime: Runtime,
        catalog: Catalog,
        presenter: Presenter,
        admission: Admission,
        code: Code | None = None,
    ) -> None:
        self._runtime, self._catalog, self._presenter = runtime, catalog, presenter
        self._admission, self._code = admission, code

    def job(self, request: Request) -> Job:
        """What ``request`` runs.

        Raises:
            UnknownTool: no such tool exists for this client.
            McpWasmError: the request is wrong.
        """
        if self._code is not None and self._code.runs(request):
            return self._code.job(request)
        tool = self._admission.tool(request.peer, request.name)
        component = self._runtime.component(tool.component)
        limits = component.limits.narrow(request.limits)

        async def run(approved: Sequence[Grant], digest: str, on_wait: OnWait | None) -> tuple[Wire, Report]:
            return await self._call(request, tool, limits, approved, digest, on_wait)

        return Job(component, limits, run)

    async def _call(  # noqa: PLR0917 - one caller
        self,
        request: Request,
        tool: Tool,
        limits: Limits,
        approved: Sequence[Grant],
        digest: str,
        on_wait: OnWait | None,
    ) -> tuple[Wire, Report]:
        outcome = await self._runtime.call(
            request.name,
            request.arguments,
            limits=request.limits or None,
            client=request.peer.client,
            on_wait=on_wait,
            allow=request.kinds,
            approved=approved,
            approved_for=digest,
            by=request.caller,
        )
        owner = request.peer.owner
        if outcome.failed:
            return self._presenter.guest_error(outcome, limit=limits.text, owner=owner), outcome.report
        entry = self._catalog.entry(tool)
        wire = self._presenter.success(
            outcome, entry.result, structured=entry.structured, limit=limits.text, owner=owner
        )
        return wire, outcome.report


def report_of(error: Exception) -> Report | None:
    """What a call that raised ``error`` had spent, where it had begun."""
    found = error.report if isinstance(error, McpWasmError) else None
    return found if isinstance(found, Report) else None
