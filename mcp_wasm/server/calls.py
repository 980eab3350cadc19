"""``tools/call``: from a request to the runtime and back.

Here a request's name, arguments, limits and progress token are told apart; the
runtime does the work; ``content`` and ``failures`` put what came of it in words.
Cancelling the handler cancels the awaited call, which stops the guest.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import anyio
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, CallToolRequestParams

from mcp_wasm.component import names
from mcp_wasm.errors import Busy, InvalidArguments, InvalidSettings, Mismatch, UnknownTool
from mcp_wasm.registry.tool import Tool
from mcp_wasm.sandbox.report import Report
from mcp_wasm.server.catalog import Catalog
from mcp_wasm.server.content import Presenter, Wire
from mcp_wasm.server.failures import protocol_error, told
from mcp_wasm.server.peer import Context, peer_of
from mcp_wasm.server.search import CALL_TOOL, MOST_FOUND, PAIR, SEARCH_TOOLS, USUALLY_FOUND

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

LIMITS_KEY = "mcp-wasm/limits"
"""The key in a request's ``_meta`` whose object narrows the limits of that call."""

CALLS_AT_ONCE = 256
"""Calls of all clients together: each may hold a large answer until it is read."""

Arguments = Mapping[str, Any]

_ENDING = "The server is ending and has stopped this call."


class Calls:
    """Serves ``tools/call`` for ``runtime``."""

    def __init__(self, runtime: Runtime, catalog: Catalog, presenter: Presenter) -> None:
        self._runtime, self._catalog, self._presenter = runtime, catalog, presenter
        self._running: set[anyio.CancelScope] = set()

    async def __call__(self, ctx: Context, params: CallToolRequestParams) -> Wire:
        """The handler of ``tools/call``."""
        return await self.answer(ctx, params.name, params.arguments, params.meta)

    async def answer(
        self, ctx: Context, name: str, arguments: Arguments | None, meta: Mapping[str, Any] | None
    ) -> Wire:
        """The wire form of the ``CallToolResult``.

        Raises:
            MCPError: INVALID_PARAMS for an unknown tool or a limit that is none.
        """
        if len(self._running) >= CALLS_AT_ONCE:
            busy = str(Busy("This server", len(self._running)))
            return self._presenter.error(busy, None, limit=len(busy), owner="")
        with anyio.CancelScope() as running:
            self._running.add(running)
            try:
                return await self._answer(ctx, name, arguments or {}, meta)
            finally:
                self._running.discard(running)
        return self._presenter.error(_ENDING, None, limit=len(_ENDING), owner="")

    def end(self) -> None:
        """Stop the guests of all calls in flight; each is answered with an error."""
        for running in tuple(self._running):
            running.cancel()

    async def _answer(
        self, ctx: Context, name: str, arguments: Arguments, meta: Mapping[str, Any] | None
    ) -> Wire:
        peer = peer_of(ctx)
        limits = self._runtime.limits
        try:
            wanted = _wanted_limits(meta)
            if self._catalog.has_pair and name in PAIR:
                if name == SEARCH_TOOLS:
                    limits = limits.narrow(wanted)
                    found = self._catalog.search(*_search_arguments(arguments))
                    return self._presenter.value(found, limit=limits.text, owner=peer.owner)
                name, arguments = _call_arguments(arguments)
            tool = self._shown(name)
            limits = self._runtime.component(tool.component).limits.narrow(wanted)
            heartbeat = _Heartbeat(ctx) if _wants_progress(meta) else None
            try:
                outcome = await self._runtime.call(
                    name,
                    arguments,
                    limits=wanted or None,
                    client=peer.client,
                    on_wait=heartbeat.beat if heartbeat else None,
                )
            finally:
                if heartbeat is not None:
                    await heartbeat.stop()
        except Exception as error:  # noqa: BLE001 - the top-level handler of a call: nothing of ours may reach the client
            if (refused := protocol_error(error)) is not None:
                raise refused from None
            report = getattr(error, "report", None)
            report = report if isinstance(report, Report) else None
            return self._presenter.error(told(error), report, limit=limits.text, owner=peer.owner)
        if outcome.failed:
            return self._presenter.guest_error(outcome, limit=limits.text, owner=peer.owner)
        entry = self._catalog.entry(tool)
        return self._presenter.success(
            outcome, entry.result, structured=entry.structured, limit=limits.text, owner=peer.owner
        )

    def _shown(self, name: str) -> Tool:
        """The tool of that name. To a client a hidden one is not there, by whatever name it asks."""
        with contextlib.suppress(UnknownTool):
            tool = self._runtime.tool(name)
            if not tool.hidden:
                return tool
        raise UnknownTool(name, names.nearest(name, [tool.name for tool in self._runtime.tools]))


def _wants_progress(meta: Mapping[str, Any] | None) -> bool:
    return meta is not None and "progress_token" in meta


def _wanted_limits(meta: Mapping[str, Any] | None) -> dict[str, object]:
    """What the request's ``_meta`` asks for.

    Raises:
        MCPError: INVALID_PARAMS if that is no object of finite numbers.
    """
    wanted = meta.get(LIMITS_KEY) if meta is not None else None
    if wanted is None:
        return {}
    if not isinstance(wanted, dict):
        raise MCPError(INVALID_PARAMS, f'_meta "{LIMITS_KEY}": expected an object of limits')
    for name, value in wanted.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidSettings(f"limits.{name}", "a finite number", value)
    return wanted


def _search_arguments(arguments: Arguments) -> tuple[str, int]:
    query, limit = arguments.get("query"), arguments.get("limit", USUALLY_FOUND)
    wrong = [Mismatch(f"/{key}", "no such parameter", "it") for key in arguments.keys() - {"query", "limit"}]
    if not isinstance(query, str):
        wrong.append(Mismatch("/query", "a string", _kind(query)))
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_FOUND:
        wrong.append(Mismatch("/limit", f"an integer from 1 to {MOST_FOUND}", _kind(limit)))
    if wrong or not isinstance(query, str):
        raise InvalidArguments(SEARCH_TOOLS, wrong)
    return query, limit


def _call_arguments(arguments: Arguments) -> tuple[str, Arguments]:
    """The name and arguments of the tool that ``call_tool`` is to call."""
    name, inner = arguments.get("name"), arguments.get("arguments")
    wrong = [
        Mismatch(f"/{key}", "no such parameter", "it") for key in arguments.keys() - {"name", "arguments"}
    ]
    if not isinstance(name, str):
        wrong.append(Mismatch("/name", "the name of a tool", _kind(name)))
    elif name in PAIR:
        wrong.append(Mismatch("/name", f"the name of a tool that {SEARCH_TOOLS} finds", name))
    if inner is not None and not isinstance(inner, dict):
        wrong.append(Mismatch("/arguments", "an object", _kind(inner)))
    if wrong or not isinstance(name, str):
        raise InvalidArguments(CALL_TOOL, wrong)
    return name, inner or {}


def _kind(value: object) -> str:
    """``value`` in a few words: a model has to recognise what it sent."""
    if value is None:
        return "nothing"
    if isinstance(value, (bool, int, float)):
        return f"{value!r:.40}"
    kinds: tuple[tuple[type, str], ...] = ((str, "a string"), (dict, "an object"), (list, "an array"))
    return next(words for kind, words in kinds if isinstance(value, kind))


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
