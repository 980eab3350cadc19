"""The tools by which a model makes tools of code, looks at them and takes them away again.

What is made is marked, holds no grants, and goes with its client unless a person
keeps it: ``keep_tool`` only asks one. What the work is, ``code.made`` knows.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread

from mcp_wasm.audit.sink import event
from mcp_wasm.code.made_contract import Terms
from mcp_wasm.server.code_tools import CREATE, KEEP, LIST, REMOVE, SHOW
from mcp_wasm.server.code_wanted import name_wanted, nothing_wanted, tool_wanted
from mcp_wasm.server.content import Wire
from mcp_wasm.server.forms import Choice
from mcp_wasm.server.jobs import Request
from mcp_wasm.server.keeping import NO, YES, KeepQuestion
from mcp_wasm.server.peer import Peer
from mcp_wasm.server.text import coded, visible

if TYPE_CHECKING:
    from mcp_wasm.code.made_contract import Made
    from mcp_wasm.runtime import Runtime

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Tools that are made at once, of all clients, and never two of one: each may start a toolchain."""

_DECLINED = 3
"""Noes after which a client's wishes to keep something are not shown to a person any more."""

_LISTED, _BY = 200, 80
_TOLD, _FUNCTIONS = 1_000, 8
"""Characters of what a tool says of itself, and functions, that a person is shown before they decide."""


class Making:
    """Makes tools of code on ``runtime`` for models."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._one_of = anyio.CapacityLimiter(AT_ONCE)
        self._each: WeakValueDictionary[str, anyio.CapacityLimiter] = WeakValueDictionary()
        self._declined: Counter[str] = Counter()

    async def call(self, request: Request) -> Any:
        """The value of a call of one of the tools but ``keep_tool``.

        Raises:
            McpWasmError: for what cannot be done.
        """
        match request.name:
            case _ if request.name == CREATE:
                return await self._create(request)
            case _ if request.name == LIST:
                nothing_wanted(LIST, request.arguments)
                return await anyio.to_thread.run_sync(self._list, request.peer)
        name = name_wanted(request.name, request.arguments)
        made, client = self._runtime.made, request.peer.client
        if request.name == SHOW:
            return shown(await anyio.to_thread.run_sync(partial(made.show, name, client=client)))
        assert request.name == REMOVE
        gone = await anyio.to_thread.run_sync(partial(made.remove, name, by=_by(request), client=client))
        return {"name": gone.name, "tools": list(gone.tools)}

    async def _create(self, request: Request) -> dict[str, Any]:
        wanted = tool_wanted(request.arguments)
        peer, given_up = request.peer, threading.Event()
        self._runtime.limits.narrow(request.limits)  # what is no limit is refused, and no test made to fail
        terms = Terms(peer.may, request.limits, request.admitted.spent, given_up.is_set)
        create = partial(self._runtime.made.create, wanted, by=_by(request), client=peer.client, terms=terms)
        try:
            made = await self._alone(create, request)
        except asyncio.CancelledError:
            given_up.set()
            raise
        return about(made) | {
            "wit": visible(made.wit, _TEXT),
            "note": _note(made),
        }

    async def _alone(self, create: Callable[[], Made], request: Request) -> Made:
        """``create`` on a thread. Given up at once with its call; its place is free when it has ended.

        Else whoever cancels calls would have any number of toolchains at work. What it
        costs is its client's to the end.
        """
        place, client = object(), request.peer.client
        own = self._each.setdefault(client, anyio.CapacityLimiter(1))
        await own.acquire_on_behalf_of(place)
        try:
            await self._one_of.acquire_on_behalf_of(place)
        except BaseException:
            own.release_on_behalf_of(place)
            raise
        request.admitted.stay()

        def ended(work: asyncio.Task[Made]) -> None:
            self._one_of.release_on_behalf_of(place)
            own.release_on_behalf_of(place)
            request.admitted.leave()
            if not work.cancelled() and work.exception() is not None:
                log.info("what was to be made was not: %s", work.exception())

        thread = anyio.to_thread.run_sync(create, limiter=anyio.CapacityLimiter(1), abandon_on_cancel=True)
        work = asyncio.create_task(thread)
        work.add_done_callback(ended)
        return await asyncio.shield(work)

    def _list(self, peer: Peer) -> list[dict[str, Any]]:
        there = (
            made for made in self._runtime.made.list(peer.client) if made.kept or made.client == peer.client
        )
        seen = [made for made in there if not made.tools or any(map(peer.may, made.tools))]
        return [about(made) for made in seen[:_LISTED]]

    async def question(self, request: Request) -> tuple[KeepQuestion | None, Wire]:
        """What to ask a person about ``keep_tool``, or None; and the answer where nobody is asked.

        Raises:
            McpWasmError: there is no such tool of this client.
        """
        name = name_wanted(KEEP, request.arguments)
        client = request.peer.client
        made = await anyio.to_thread.run_sync(partial(self._runtime.made.show, name, client=client))
        if made.kept:
            return None, _said(f"{made.name} is kept already.", failed=False)
        told = _said(_COMMAND.format(name=made.name, digest=made.digest[:12]), failed=True)
        if self._declined[request.peer.owner] >= _DECLINED:
            return None, told
        return KeepQuestion(made.name, made.digest, _about(made), made.description), told

    async def answered(self, request: Request, question: KeepQuestion, choice: Choice, no: Wire) -> Wire:
        """What follows from a person's answer; ``no`` where that is no."""
        peer = request.peer
        self._runtime.note(
            event(
                "approval",
                client=peer.name,
                transport=peer.transport,
                tool=KEEP,
                component=question.component,
                digest=question.digest,
                outcome=YES if choice is Choice.ALWAYS else NO,
            )
        )
        if choice is not Choice.ALWAYS:
            self._declined[peer.owner] += 1
            return no
        keep = partial(
            self._runtime.made.keep,
            question.component,
            by=f"a person, asked through {_client(request)}",
            digest=question.digest,
            description=question.description,
        )
        kept = await asyncio.to_thread(keep)
        return _said(f"A person kept {kept.name}: it stays, as version {kept.version}.", failed=False)


def about(made: Made) -> dict[str, Any]:
    """A made tool in short."""
    return {
        "name": made.name,
        "tools": list(made.tools),
        "language": made.language,
        "version": made.version,
        "kept": made.kept,
        "before": made.over,
        "compiled": visible(made.compiled, 300),
        "description": visible(made.description, 1000),
        "created_by": visible(made.created_by, _BY),
        "created_at": made.created_at,
        "digest": made.digest,
    }


def shown(made: Made) -> dict[str, Any]:
    """A made tool in full."""
    versions = [
        {
            "version": each.version,
            "digest": each.digest,
            "created_at": each.created_at,
            "created_by": visible(each.created_by, _BY),
        }
        for each in made.versions
    ]
    # The source as it is: a reader has to see what runs, and JSON escapes what cannot be seen.
    texts = {"source": made.source, "wit": made.wit}
    return about(made) | {**texts, "versions": versions}


def _note(made: Made) -> str:
    before = _BEFORE.format(over=made.over[:12]) if made.over else ""
    return _NOTE.format(keep=KEEP, name=made.name, digest=made.digest[:12]) + before


def _about(made: Made) -> str:
    """What a person is told of a tool before they decide; all of it is shown by the command beside it."""
    lines, size = made.source.count("\n") + 1, len(made.source.encode())
    before = f", to stand in the place of the kept {made.over[:12]}" if made.over else ""
    told = made.description
    cut = f", its first {_TOLD:,} of {len(told):,} characters" if len(told) > _TOLD else ""
    return (
        f"Its tools: {', '.join(made.tools) or 'none'}.\n"
        f"{_signature(made)}\n"
        f"Made of {lines:,} lines ({size:,} bytes) of {made.language} by {coded(made.created_by, _BY)} at "
        f"{made.created_at}, version {made.version}{before}.\n"
        f"It says of itself{cut}: {coded(told, _TOLD)}.\n"
        f"SHA-256 {made.digest}."
    )


def _signature(made: Made) -> str:
    """What it takes and gives, in WIT: one line a function."""
    shown = [f"- {coded(line, 300)}" for line in made.functions[:_FUNCTIONS]]
    more = len(made.functions) - _FUNCTIONS
    return "\n".join(
        ["What it takes and gives (WIT):", *shown, *([f"- and {more} more"] if more > 0 else [])]
    )


def _by(request: Request) -> str:
    return f"{_client(request)}, {request.peer.transport}"


def _client(request: Request) -> str:
    info = request.ctx.session.client_params
    said = info.client_info.name if info is not None else ""
    return visible(said, _BY) or request.peer.name


def _said(text: str, *, failed: bool) -> Wire:
    structured = {} if failed else {"structuredContent": {"result": text}}
    content = [{"type": "text", "text": text}]
    return {"resultType": "complete", "isError": failed, "content": content} | structured


_TEXT = 256 * 1024
_NOTE = (
    "It is there until this session ends. To have it stay, ask a person with {keep}, or: "
    "mcp-wasm keep {name} --digest {digest}"
)
_BEFORE = (
    " Until then it is called in the place of the version {over} that a person keeps, which then comes back."
)
_COMMAND = (
    "{name} was not kept: nobody said so. Only a person can keep it, by typing: mcp-wasm keep {name} "
    "--digest {digest} (while this server runs)."
)
