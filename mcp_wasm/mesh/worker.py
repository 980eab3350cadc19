"""Serving calls of this node's tools to other nodes. ``mcp-wasm worker`` and ``serve --mesh`` run it.

A caller asks the queue group of a component who takes a call; one node offers, and gets the call if it
is still there. So a call that was offered and never sent has not begun anywhere. What a call may do is
what *this* node's policy grants, as for a client of its own: the caller can only narrow it.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mcp_wasm.errors import Busy, CallerError, HostFault, McpWasmError, NoReply, Unreachable
from mcp_wasm.mesh.call_form import FROM_MESH, Asked, Parts, asked_in, error_out, outcome_out, parts_of
from mcp_wasm.mesh.connection import Subscription
from mcp_wasm.mesh.envelope import EnvelopeRefused, read_json
from mcp_wasm.mesh.mesh import Mesh
from mcp_wasm.mesh.seals import Fresh
from mcp_wasm.mesh.tool_news import Told, exported, told
from mcp_wasm.mesh.traffic import Received
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.account import Caller

_log = logging.getLogger(__name__)

QUEUE = "workers"
_ARGUMENTS = 8 * 1024 * 1024
"""Bytes of JSON of the arguments of one call."""

_TRIES, _PATIENCE_S = 5, 0.2
_MOST_ARRIVING = 16


@dataclass(slots=True)
class _Arriving:
    """Arguments of a call that come in parts, before it does."""

    node: str
    parts: Parts


class Worker:
    """Serves the tools of ``runtime`` to the other nodes of ``mesh``; ``room`` calls at once."""

    def __init__(self, mesh: Mesh, runtime: Runtime, room: int) -> None:
        self._mesh, self._runtime, self._room = mesh, runtime, room
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._arriving: dict[tuple[str, str], _Arriving] = {}
        self._told: dict[str, Told] = {}
        self._offers: dict[str, Subscription] = {}
        self._changing: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._ends: list[Callable[[], None]] = []
        self.served = 0

    async def start(self) -> None:
        """Tell of the tools, and take calls."""
        mesh, loop = self._mesh, asyncio.get_running_loop()
        for what, handle in {
            "call": self._call,
            "argument": self._argument,
            "cancel": self._cancel,
            "alive": self._alive,
            "component": self._component,
        }.items():
            mesh.peers.on(what, handle)
        mesh.discovery.load = lambda: (len(self._running), self._left)
        self._ends.append(mesh.observe(self._node_changed))

        def changed() -> None:  # on whatever thread
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._changed.set)

        self._ends.append(self._runtime.subscribe(changed))
        await self._tell()
        self._changing = asyncio.create_task(self._follow(), name="mesh: tools")

    async def close(self) -> None:
        """Take no more calls, and stop those that run."""
        for end in self._ends:
            end()
        if self._changing is not None:
            self._changing.cancel()
        for offer in self._offers.values():
            await offer.stop()
        tasks = tuple(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def _left(self) -> int:
        return max(0, self._room - len(self._running))

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._tell()

    async def _tell(self) -> None:
        """Tell of the components that are here now, and offer to call them."""
        own = [each for each in self._runtime.components if each.remote is None]
        shown = self._runtime.tools
        found = {each.name: news for each in own if (news := told(each, shown)) is not None}
        self._told = found
        digests = {each.news.digest for each in found.values()}
        for digest in digests - self._offers.keys():
            subject = self._mesh.subject("offer", digest)
            self._offers[digest] = await self._mesh.connection.subscribe(
                subject, self._offer_of(digest), queue=QUEUE
            )
        for digest in self._offers.keys() - digests:
            await self._offers.pop(digest).stop()
        interfaces = exported(each for each in own if each.name in found)
        self._mesh.tell_components({name: each.news for name, each in found.items()}, interfaces)

    def _offer_of(self, digest: str) -> Callable[[Received], Any]:
        fresh = Fresh(timed=True)

        async def offer(received: Received) -> None:
            seals = self._mesh.seals
            try:
                node, envelope = seals.open_all(received.payload, f"offer {digest}")
                fresh.check(node, envelope)
            except EnvelopeRefused as error:
                self._mesh.peers.refuse(error)
                return
            answer = seals.for_all(f"offered {node} {envelope.number}", "offer", {"room": self._left})
            with suppress(Unreachable):
                await self._mesh.connection.publish(received.reply, answer)

        return offer

    # -- what callers say

    def _component(self, _node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        found = next((each for each in self._told.values() if each.news.shown == body.get("shown")), None)
        if found is None:
            raise CallerError("this node has no such component any more")
        return {"packed": base64.b64encode(found.packed).decode("ascii")}

    def _argument(self, node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        match body:
            case {"id": str() as id_, "part": part, "of": int() as count, "data": data} if 1 <= count <= 128:
                key = node, id_[:100]
                arriving = self._arriving.get(key)
                if arriving is None:
                    if len(self._arriving) >= _MOST_ARRIVING:
                        # The oldest may be of a caller that gave up; one that did not tries again.
                        del self._arriving[next(iter(self._arriving))]
                    arriving = self._arriving[key] = _Arriving(node, Parts(count, _ARGUMENTS))
                arriving.parts.add(part, data)
                return {}
        raise EnvelopeRefused("a part of a call has not the form of one")

    def _call(self, node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        arguments = body.get("arguments")
        asked = asked_in({name: value for name, value in body.items() if name != "arguments"})
        key = node, asked.id
        if key in self._running:
            return {}
        arriving = self._arriving.pop(key, None)
        parts = arriving.parts if arriving is not None else Parts(1, _ARGUMENTS)
        if not parts.add(asked.parts - 1, arguments):
            raise EnvelopeRefused("a part of the arguments of a call is missing")
        if not self._left:
            raise Busy(f"the node {self._mesh.node}", len(self._running))
        self._check(asked)
        task = asyncio.create_task(self._run(node, asked, parts.whole), name=f"mesh: {asked.tool}")
        self._running[key] = task
        task.add_done_callback(lambda _task: self._running.pop(key, None))
        return {}

    def _check(self, asked: Asked) -> None:
        """The very bytes that the caller was told of, or it is told that they have changed."""
        tool = self._runtime.tool(self._name(asked))
        if tool.digest != asked.digest:
            raise CallerError(f"the component {asked.component} has changed on the node {self._mesh.node}")

    def _name(self, asked: Asked) -> str:
        """What the tool is called here: its export's path is what the caller knows."""
        for tool in self._runtime.tools:
            if (tool.component, tool.function.path) == (asked.component, asked.tool):
                return tool.name
        raise CallerError(
            f"the node {self._mesh.node} has no tool {asked.tool!r} of {asked.component!r} any more"
        )

    def _cancel(self, node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        task = self._running.get((node, str(body.get("id"))))
        if task is not None:
            task.cancel()
        return {}

    def _alive(self, node: str, _body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Which of its calls run here."""
        return {"ids": [id_ for at, id_ in self._running if at == node]}

    def _node_changed(self, node: str, what: str) -> None:
        if what != "node_down":
            return
        for (at, _), task in tuple(self._running.items()):
            if at == node:
                task.cancel()  # nobody waits for it any more
        for key in [key for key in self._arriving if key[0] == node]:
            del self._arriving[key]

    async def _run(self, node: str, asked: Asked, arguments: bytes) -> None:
        """Call, and bring the caller the end of it."""
        try:
            end = outcome_out(
                await self._runtime.call(
                    self._name(asked),
                    _object(arguments),
                    limits=asked.limits,
                    client=f"{FROM_MESH}{node}",
                    allow=asked.allowed,
                    by=Caller(f"{asked.client}@{node}"[:200], "mesh"),
                )
            )
        except McpWasmError as error:
            end = error_out(error)
        except Exception:  # noqa: BLE001 - a call's top: a fault of ours stays with us, and the caller is told so
            fault = HostFault("an unexpected exception")
            _log.exception("fault %s: a call of %s from %s", fault.id, asked.tool, node)
            end = error_out(fault)
        self.served += 1
        await self._bring(node, asked.id, end)

    async def _bring(self, node: str, id_: str, end: bytes) -> None:
        parts = parts_of(end)
        for number, data in enumerate(parts):
            body = {"id": id_, "part": number, "of": len(parts), "data": data}
            for turn in range(_TRIES):
                try:
                    await self._mesh.peers.ask(node, "result", body)
                except (Unreachable, NoReply) as error:
                    _log.debug("%s did not take the end of a call: %s", node, error)
                    await asyncio.sleep(_PATIENCE_S * 2**turn)
                except McpWasmError as error:
                    _log.debug("%s does not want the end of a call: %s", node, error)
                    return
                else:
                    break
            else:
                return


def _object(arguments: bytes) -> Mapping[str, Any]:
    found = read_json(arguments)
    if not isinstance(found, dict):
        raise CallerError("the arguments of a call are no object")
    return found
