"""Calling the tools of other nodes as tools of this one; which there are is for ``remote_news``.

A call goes to whichever node takes it; if that node dies, a call that cannot have begun, or that
changes nothing, goes to another.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mcp_wasm.errors import Busy, CallLost, Cancelled, McpWasmError, NoReply, Unreachable
from mcp_wasm.mesh import call_form
from mcp_wasm.mesh.answers import RefusedThere
from mcp_wasm.mesh.call_form import Asked, Parts
from mcp_wasm.mesh.envelope import EnvelopeRefused
from mcp_wasm.mesh.mesh import Mesh
from mcp_wasm.mesh.remote_news import RemoteNews
from mcp_wasm.registry.tool import Tool
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Outcome

_log = logging.getLogger(__name__)

PULSE_S = 0.5
"""Seconds between two looks whether a node that runs our calls is there."""

_OFFER_S, _OFFERS, _TRIES, _BUSY_S, _LONGEST_BUSY_S, _SLICE_S = 2.0, 5, 8, 0.01, 0.5, 0.05


@dataclass(slots=True, eq=False)
class _Call:
    """A call that runs on ``node``."""

    node: str
    tool: Tool
    most: int
    end: asyncio.Future[bytes]
    parts: Parts | None = None
    begun: bool = False


class _NotBegun(Exception):
    """It was not begun where it was to be: another node may have it."""


class RemoteTools:
    """Keeps the components of other nodes in ``runtime``, and carries their calls."""

    def __init__(self, mesh: Mesh, runtime: Runtime) -> None:
        self._mesh, self._runtime = mesh, runtime
        self._loop = asyncio.get_running_loop()
        self._calls: dict[str, _Call] = {}
        self._news = RemoteNews(mesh, runtime, self)
        self._tasks: list[asyncio.Task[None]] = []
        self._end: Callable[[], None] | None = None

    async def start(self) -> None:
        """Begin to follow what other nodes have."""
        self._mesh.peers.on("result", self._result)
        self._end = self._mesh.observe(self._node_changed)
        self._tasks = [
            asyncio.create_task(self._news.follow(), name="mesh: tools of others"),
            asyncio.create_task(self._pulse(), name="mesh: calls elsewhere"),
        ]
        self._news.changed.set()

    async def close(self) -> None:
        """Let go of them; calls that run are lost."""
        if self._end is not None:
            self._end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for call in self._calls.values():
            self._lose(call)
        self._runtime.put_remote(())

    # -- calls (``registry.tool.Remote``)

    async def call(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        limits: Limits,
        client: str,
        allowed: frozenset[str] | None,
    ) -> Outcome:
        """Call from any event loop; cancelling the awaiting task stops the guest.

        Raises:
            RemoteFailed: it failed there.
            CallLost: its node went away, and it is no call that can be made again.
            Unreachable: no node serves it now.
        """
        work = self._called(tool, arguments, limits, client, allowed)
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def call_sync(  # noqa: PLR0917 - as ``call``
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        limits: Limits,
        client: str,
        allowed: frozenset[str] | None,
        due: Callable[[], bool],
    ) -> Outcome:
        """The same from another thread; it ends soon after ``due`` says so."""
        work = self._called(tool, arguments, limits, client, allowed)
        running: Future[Outcome] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            while True:
                try:
                    return running.result(_SLICE_S)
                except TimeoutError:
                    if running.done():
                        raise
                    if due():
                        raise Cancelled from None
        finally:
            running.cancel()

    async def _called(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        limits: Limits,
        client: str,
        allowed: frozenset[str] | None,
    ) -> Outcome:
        if client.startswith(call_form.FROM_MESH):
            # In a circle of nodes each would hold a worker and wait for the others.
            raise Unreachable(tool.name, "a call that came from another node goes to no third one")
        parts = call_form.parts_of(call_form.arguments_out(arguments))
        until = self._loop.time() + limits.deadline
        tries, patience = _TRIES, _BUSY_S
        while tries:
            asked = Asked(
                secrets.token_hex(12),
                tool.function.path,
                tool.component,
                tool.digest,
                client[:100],
                call_form.limits_out(limits),
                None if allowed is None else tuple(sorted(allowed)),
                len(parts),
            )
            try:
                return await self._on(await self._offer(tool), tool, asked, parts, limits)
            except Busy:
                if self._loop.time() > until:
                    raise
                await asyncio.sleep(patience * random.uniform(0.5, 1))  # noqa: S311 - no secret
                patience = min(2 * patience, _LONGEST_BUSY_S)
            except _NotBegun as reason:
                tries -= 1
                _log.info("a call of %s goes elsewhere: %s", tool.name, reason)
            except CallLost:
                if not tool.read_only:
                    raise
                tries -= 1
                _log.info("a call of %s, which changes nothing, is made again elsewhere", tool.name)
        raise Unreachable(tool.name, f"it could not be begun on any node, tried {_TRIES} times")

    async def _offer(self, tool: Tool) -> str:
        """A node that takes a call."""
        seals = self._mesh.seals
        for turn in range(_OFFERS):
            context = f"offer {tool.digest}"
            envelope = seals.envelope("offer", {})
            data = seals.sealed_for_all(context, envelope)
            try:
                answer = await self._mesh.connection.request(
                    self._mesh.subject("offer", tool.digest), data, _OFFER_S
                )
                own = f"offered {self._mesh.node} {envelope.number}"
                node, found = seals.open_all(answer.payload, own)
            except Unreachable:
                if turn >= 3:
                    raise Unreachable(tool.name, "no node serves it now") from None
                await asyncio.sleep(0.1)
                continue
            except (NoReply, EnvelopeRefused) as error:
                _log.debug("an offer for %s was none: %s", tool.name, error)
                continue
            if node not in self._mesh.directory.peers:
                await asyncio.sleep(0.1)  # it is told of in a moment
            elif found.body.get("room", 0):
                return node
        raise Busy(f"Every node that serves {tool.name}", 0)

    async def _on(self, node: str, tool: Tool, asked: Asked, parts: list[str], limits: Limits) -> Outcome:
        call = _Call(node, tool, limits.result + 4 * limits.log + 1024 * 1024, self._loop.create_future())
        call.end.add_done_callback(lambda end: end.cancelled() or end.exception())  # not begun, not awaited
        self._calls[asked.id] = call
        try:
            await self._begin(node, tool, asked, parts)
            call.begun = True
            end = await call.end
        except asyncio.CancelledError:
            with suppress(McpWasmError):
                await self._mesh.peers.post(node, "cancel", {"id": asked.id})
            raise
        finally:
            del self._calls[asked.id]
        if len(end) > _BESIDE:
            return await asyncio.to_thread(call_form.outcome_in, end, tool, node)
        return call_form.outcome_in(end, tool, node)

    async def _begin(self, node: str, tool: Tool, asked: Asked, parts: list[str]) -> None:
        try:
            for number, data in enumerate(parts[:-1]):
                body = {"id": asked.id, "part": number, "of": len(parts), "data": data}
                await self._mesh.peers.ask(node, "argument", body)
        except (Unreachable, NoReply, RefusedThere) as error:
            raise _NotBegun(str(error)) from None
        try:
            await self._mesh.peers.ask(node, "call", {**asked.out(), "arguments": parts[-1]})
        except (Unreachable, RefusedThere) as error:
            raise _NotBegun(str(error)) from None
        except NoReply:
            raise CallLost(tool.name, node) from None

    def _result(self, node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        match body:
            case {"id": str() as id_, "part": part, "of": int() as count, "data": data}:
                call = self._calls.get(id_)
                if call is None or call.node != node or call.end.done():
                    raise EnvelopeRefused("nobody waits for the end of that call")
                if call.parts is None:
                    if not 1 <= count <= call_form.MOST_PARTS:
                        raise EnvelopeRefused("the end of a call has too many parts")
                    call.parts = Parts(count, call.most)
                try:
                    if call.parts.add(part, data):
                        call.end.set_result(call.parts.whole)
                except McpWasmError as error:
                    call.end.set_exception(error)
                return {}
        raise EnvelopeRefused("the end of a call has not the form of one")

    # -- nodes that go

    def _node_changed(self, node: str, what: str) -> None:
        if what == "node_down":
            for call in tuple(self._calls.values()):
                if call.node == node:
                    self._lose(call)
        self._news.changed.set()

    def _lose(self, call: _Call) -> None:
        if not call.end.done():
            call.end.set_exception(CallLost(call.tool.name, call.node))

    async def _pulse(self) -> None:
        """Ask nodes that run our calls whether they do: sooner than their silence would tell."""
        while True:
            await asyncio.sleep(PULSE_S)
            before = {id_: call for id_, call in self._calls.items() if call.begun}
            if self._mesh.connection.connected:
                await asyncio.gather(
                    *(self._look(node, before) for node in {c.node for c in before.values()})
                )

    async def _look(self, node: str, before: Mapping[str, _Call]) -> None:
        peer = self._mesh.directory.peers.get(node)
        try:
            answer = await self._mesh.peers.ask(node, "alive", {}, 2.0)
        except Unreachable:
            if peer is not None and self._mesh.connection.connected:
                self._mesh.directory.gone(node, peer.boot)
            return
        except McpWasmError as error:
            _log.debug("%s does not say what it runs: %s", node, error)
            return
        ids = answer.get("ids")
        running = set(map(str, ids)) if isinstance(ids, list) else set()
        for id_, call in before.items():
            # A call runs there until its end was taken here.
            if call.node == node and id_ not in running:
                self._lose(call)


_BESIDE = 256 * 1024
"""Bytes of a result above which it is read and checked beside the loop."""
