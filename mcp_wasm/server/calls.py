"""``tools/call``: from a request to the runtime and back.

Here a request's name, arguments, limits and progress token are told apart; the
runtime does the work; ``content``, ``failures`` and ``denials`` put what came of
it in words. Where a person can allow what was denied, ``approvals`` asks, and a
yes runs the tool once more. Cancelling the handler cancels the awaited call,
which stops the guest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
from mcp.types import CallToolRequestParams
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from mcp_wasm.errors import Busy, CallerError, CapabilityDenied
from mcp_wasm.server.admission import Admission, capped
from mcp_wasm.server.agent_tools import AGENT_TOOLS
from mcp_wasm.server.approvals import Approvals, Reply, reply_of
from mcp_wasm.server.catalog import Catalog
from mcp_wasm.server.code_tools import KEEP, OWN
from mcp_wasm.server.content import Presenter, Wire
from mcp_wasm.server.denials import attach
from mcp_wasm.server.failures import protocol_error, told
from mcp_wasm.server.forms import Choice, Question
from mcp_wasm.server.jobs import Jobs, Request, report_of
from mcp_wasm.server.keeping import Asked
from mcp_wasm.server.operator import ANSWER_BYTES, OPERATOR, Operator
from mcp_wasm.server.peer import Context, peer_of
from mcp_wasm.server.proposals import Denied
from mcp_wasm.server.search import PAIR, SEARCH_TOOLS
from mcp_wasm.server.wanted import (
    Arguments,
    call_arguments,
    search_arguments,
    wanted_grants,
    wanted_limits,
    wants_progress,
)

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime
    from mcp_wasm.server.agents import AgentDoor
    from mcp_wasm.server.code import Code
    from mcp_wasm.server.making import Making

CALLS_AT_ONCE = 256
"""Calls of all clients together: each may hold a large answer until it is read."""

_LONGEST = 16 * 1024 * 1024
"""No answer of the tools for code is larger, so that none has to be cut."""

_ENDING = "The server is ending and has stopped this call."
_NO_QUESTION = (
    "This reply belongs to no open question: it was answered before, it came too late, or the call is "
    "another. Nothing was allowed and nothing was run. Call the tool again without the reply."
)
_CHANGED = (
    "The component {component} was replaced while a person was asked about it. "
    "Nothing was run again; call the tool again."
)


class Calls:
    """Serves ``tools/call`` for ``runtime``."""

    def __init__(
        self,
        runtime: Runtime,
        catalog: Catalog,
        presenter: Presenter,
        approvals: Approvals | None = None,
        *,
        operator: Operator | None = None,
        code: Code | None = None,
        agents: AgentDoor | None = None,
    ) -> None:
        self._runtime, self._catalog, self._presenter = runtime, catalog, presenter
        self._operator, self._code, self._agents = operator, code, agents
        self._approvals = approvals or Approvals(runtime, enabled=False)
        self._admission = Admission(runtime)
        self._jobs = Jobs(runtime, catalog, presenter, self._admission, code)
        self._running: set[anyio.CancelScope] = set()

    async def __call__(self, ctx: Context, params: CallToolRequestParams) -> Wire:
        """The handler of ``tools/call``."""
        reply = reply_of(ctx, params.request_state, params.input_responses)
        return await self.answer(ctx, params.name, params.arguments, params.meta, reply)

    async def answer(
        self,
        ctx: Context,
        name: str,
        arguments: Arguments | None,
        meta: Mapping[str, Any] | None,
        reply: Reply | None = None,
    ) -> Wire:
        """The wire form of the ``CallToolResult``, or of the question whether a person allows it.

        Raises:
            MCPError: INVALID_PARAMS for an unknown tool or a limit that is none.
        """
        if len(self._running) >= CALLS_AT_ONCE:
            return self._said(str(Busy("This server", len(self._running))))
        peer = peer_of(ctx)
        admitted = self._admission.enter(peer, name)
        if isinstance(admitted, str):
            return self._said(admitted)
        with anyio.CancelScope() as running:
            self._running.add(running)
            try:
                request = Request(ctx, peer, admitted, name, arguments or {}, {}, wants_progress(meta))
                return await self._answer(request, meta, reply)
            finally:
                self._running.discard(running)
                admitted.leave()
        return self._said(_ENDING)

    def end(self) -> None:
        """Stop the guests of all calls in flight; each is answered with an error."""
        for running in tuple(self._running):
            running.cancel()

    async def _answer(self, request: Request, meta: Mapping[str, Any] | None, reply: Reply | None) -> Wire:
        ctx, peer, name, arguments = request.ctx, request.peer, request.name, request.arguments
        limits = self._runtime.limits
        try:
            wanted = capped(peer, wanted_limits(meta))
            if self._catalog.has_pair and name in PAIR:
                if name == SEARCH_TOOLS:
                    limits = limits.narrow(wanted)
                    found = self._catalog.search(*search_arguments(arguments), peer.may)
                    return self._presenter.value(found, limit=limits.text, owner=peer.owner)
                name, arguments = call_arguments(arguments)
                request = replace(request, name=name, arguments=arguments)
            if self._operator is not None and name in OPERATOR and peer.may(name):
                value = await self._operator.call(name, arguments)
                return self._presenter.value(value, limit=ANSWER_BYTES, owner=peer.owner)
            if self._agents is not None and name in AGENT_TOOLS and peer.may(name):
                value = await self._agents.call(name, arguments, peer.client)
                return self._presenter.value(value, limit=limits.text, owner=peer.owner)
            if self._code is not None and name in OWN and peer.may(name):
                request = replace(request, limits=wanted)
                if name == KEEP:
                    return await self._keep(request, self._code.making, reply)
                value = await self._code.call(request)
                return self._presenter.value(value, limit=_LONGEST, owner=peer.owner)
            kinds = wanted_grants(meta)
            request = replace(request, limits=wanted, kinds=kinds)
            if reply is not None:
                return await self._replied(request, reply)
            ran = await self._run(request)
            question = self._approvals.question(ctx, peer, ran) if ran.denials else None
            return ran.result if question is None else await self._put(request, question, ran.result)
        except Exception as error:  # noqa: BLE001 - the top-level handler of a call: nothing of ours may reach the client
            if (refused := protocol_error(error)) is not None:
                raise refused from None
            return self._presenter.error(told(error), None, limit=limits.text, owner=peer.owner)

    async def _run(self, request: Request, allowed: Question | None = None) -> Denied:
        """Run what is called; ``allowed`` is what a person said yes to.

        Raises:
            MCPError: for what cannot be served at all.
        """
        job = self._jobs.job(request)
        component, owner = job.component, request.peer.owner
        digest = component.digest if allowed is None else allowed.digest
        approved = self._approvals.held(request.peer, component.name, digest)
        heartbeat = _Heartbeat(request.ctx) if request.progress else None
        try:
            wire, report = await job.run(
                approved if allowed is None else (*allowed.grants, *approved),
                digest,
                heartbeat.beat if heartbeat is not None else None,
            )
        except Exception as error:  # noqa: BLE001 - the top-level handler of a run: nothing of ours may reach the client
            if (refused := protocol_error(error)) is not None:
                raise refused from None
            spent = report_of(error)
            request.admitted.spent(spent)
            wire = self._presenter.error(told(error), spent, limit=job.limits.text, owner=owner)
            denials = spent.denials if spent is not None else ()
            ran = not isinstance(error, CapabilityDenied)
            return Denied(request.name, component, denials, attach(wire, denials), ran)
        finally:
            if heartbeat is not None:
                await heartbeat.stop()
        request.admitted.spent(report)
        return Denied(request.name, component, report.denials, attach(wire, report.denials))

    async def _keep(self, request: Request, making: Making, reply: Reply | None) -> Wire:
        """Ask a person whether a tool that a model made is kept."""
        if reply is not None:
            return await self._replied(request, reply)
        question, result = await making.question(request)
        if question is None or not self._approvals.can_ask(request.ctx, request.peer):
            return result
        return await self._put(request, question, result)

    async def _put(self, request: Request, question: Asked, result: Wire) -> Wire:
        """What the answer to ``question`` makes of ``result``, or the question itself."""
        if request.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
            asker = request.asker
            return self._approvals.put_off(asker, question, result) if asker else result
        return await self._settle(request, question, await self._ask(request, question), result)

    async def _ask(self, request: Request, question: Asked) -> Choice:
        """What a person answers while the call waits."""
        heartbeat = _Heartbeat(request.ctx) if request.progress else None
        try:
            beat = heartbeat.beat if heartbeat is not None else None
            return await self._approvals.ask(request.ctx, request.peer, question, beat)
        finally:
            if heartbeat is not None:
                await heartbeat.stop()

    async def _replied(self, request: Request, reply: Reply) -> Wire:
        """The answer to a call that was sent again with a reply: it runs only if that says so."""
        asker = request.asker
        found = self._approvals.replied(asker, reply) if asker is not None else None
        return self._said(_NO_QUESTION) if found is None else await self._settle(request, *found)

    async def _settle(self, request: Request, question: Asked, choice: Choice, result: Wire) -> Wire:
        """What follows from an answer: ``result`` as it is, or that of another run."""
        if not isinstance(question, Question):
            assert self._code is not None
            return await self._code.making.answered(request, question, choice, result)
        note = await self._approvals.record(request.peer, question, choice)
        if choice is Choice.DENY:
            return result
        if not self._is_there(request, question):
            return self._said(_CHANGED.format(component=question.component))
        wire = (await self._run(request, question)).result
        return {**wire, "content": [*wire["content"], {"type": "text", "text": note}]} if note else wire

    def _is_there(self, request: Request, question: Question) -> bool:
        """Whether what is called is still one of the bytes that a person was asked about."""
        try:
            component = self._jobs.job(request).component
        except CallerError:
            return False
        return (component.name, component.digest) == (question.component, question.digest)

    def _said(self, text: str) -> Wire:
        return self._presenter.error(text, None, limit=len(text), owner="")


class _Heartbeat:
    """Tells a client that asked for progress what its call is waiting for."""

    def __init__(self, ctx: Context) -> None:
        self._session = ctx.session
        self._beats = 0
        self._sending: asyncio.Task[None] | None = None

    def beat(self, text: str) -> None:
        """Send ``text``, unless the client has not even read the last one."""
        self._beats += 1
        if self._sending is None or self._sending.done():
            sending = self._session.report_progress(self._beats, None, text)
            self._sending = asyncio.create_task(sending)

    async def stop(self) -> None:
        """Nothing is sent after the answer."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
