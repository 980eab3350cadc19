"""A node's part in one shared replica: telling the other nodes that have it, hearing them, meeting them.

Changes are sent to who has the replica, sealed for each; at a meeting a node asks another for what it does
not know yet, by a version, and tells it what that one lacks. Only nodes of the mesh, and of them those that
were allowed, are heard; an update that cannot be taken costs its sender a minute's hearing.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from mcp_wasm.errors import CallerError, McpWasmError, MessageRefused, NoReply, StateRefused, Unreachable
from mcp_wasm.memory import replica
from mcp_wasm.memory.replica import Replica
from mcp_wasm.mesh.envelope import EnvelopeRefused
from mcp_wasm.mesh.mesh import REPLICA_MEET, Mesh
from mcp_wasm.mesh.replica_kept import Kept

_log = logging.getLogger(__name__)

UPDATE = "replica_update"

QUIET_S = 60.0
"""Seconds for which a node is not heard that sent what cannot be taken."""

_AGAIN_S = 0.5
_TOGETHER_S = 0.05
"""Seconds in which changes are gathered before they are sent."""

_A_SECOND, _AT_ONCE = 25.0, 100.0
"""Envelopes of one node about one replica: one each ``_TOGETHER_S`` fits, with a meeting beside."""

_WAITING = 64
"""Updates of other nodes that wait to be taken in; what comes beyond is left to the next meeting."""

_ABREAST = 16


@dataclass(slots=True)
class _Heard:
    """What a node may still say: ``left`` envelopes at ``at``, nothing before ``quiet``."""

    left: float
    at: float
    quiet: float = 0.0

    def may(self, now: float) -> bool:
        """Whether it may say one more now, which is taken off."""
        self.left = min(_AT_ONCE, self.left + (now - self.at) * _A_SECOND)
        self.at = now
        if now < self.quiet or self.left < 1:
            return False
        self.left -= 1
        return True


class Shared:
    """This node's copy of a replica, and its part in keeping the copies of all nodes the same.

    ``nodes`` are those that are heard and told; None for all of the mesh. ``refused`` counts the updates
    that were not taken.
    """

    def __init__(self, mesh: Mesh, kept: Kept, nodes: Collection[str] | None, every: float) -> None:
        self.name, self.refused = kept.name, 0
        self.nodes = None if nodes is None else frozenset(nodes)
        self._mesh, self._kept, self._every = mesh, kept, every
        kept.told = self._own
        self._sharers: set[str] = set()
        self._heard: dict[str, _Heard] = {}
        self._unsent: list[bytes] = []
        self._came: deque[tuple[str, bytes]] = deque()
        self._due: set[str] = set()
        self._send, self._merge, self._look = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def value(self) -> dict[str, Any]:
        """All of it as plain values: ``map``, ``list`` and ``text``."""
        return self._kept.value

    @property
    def sharers(self) -> frozenset[str]:
        """Other nodes that are up and have it."""
        return frozenset(self._sharers & self._mesh.directory.peers.keys())

    def edit(self) -> AbstractAsyncContextManager[Replica]:
        """See ``Kept.edit``; other nodes are told soon, or when they are met."""
        return self._kept.edit()

    def observe(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Have ``observer`` called, on the loop, after each change made anywhere; the result ends that."""
        self._kept.observers.append(observer)
        return lambda: self._kept.observers.remove(observer)

    async def start(self) -> None:
        """Take up what is kept, and meet the others."""
        await self._kept.open()
        for work in (self._sending(), self._merging(), self._meeting()):
            self._spawn(work)
        self.meet_all()

    async def close(self) -> None:
        """Speak of it no more; what is not sent is kept, and told at the next meeting."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def meet(self, node: str) -> None:
        """Meet ``node`` soon, if it is allowed."""
        if self.nodes is None or node in self.nodes:
            self._due.add(node)
            self._look.set()

    def meet_all(self) -> None:
        """Meet every node that is up."""
        for node in self._mesh.directory.peers:
            self.meet(node)

    def gone(self, node: str) -> None:
        """``node`` left; what it may say is not counted anew should it come back at once."""
        self._sharers.discard(node)
        if len(self._heard) > 2 * len(self._mesh.directory.peers) + _WAITING:
            self._heard = {name: each for name, each in self._heard.items() if self._quiet(each)}

    # -- what others say

    def met(self, node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What ``node`` does not know yet, and the version of this copy.

        Raises:
            McpWasmError: it may not ask, or has not asked in the form.
        """
        self._allowed(node)
        answer = self._kept.since(_bytes(body, "version"))
        self._sharers.add(node)
        return {"version": _text(self._kept.version), "update": _text(answer)}

    def told(self, node: str, body: Mapping[str, Any]) -> None:
        """``node`` changed something.

        Raises:
            McpWasmError: as ``met``.
        """
        self._allowed(node)
        update = _bytes(body, "update")
        self._sharers.add(node)
        if len(update) > self._kept.most:
            at_most = f"at most {self._kept.most:,} bytes"
            self._refuse(node, StateRefused("an update of a replica", at_most, f"{len(update):,}"))
        else:
            self._take(node, update)

    def _allowed(self, node: str) -> None:
        if self.nodes is not None and node not in self.nodes:
            raise CallerError(f"The replica {self.name} is not for {node}")
        now = asyncio.get_running_loop().time()
        if not self._heard.setdefault(node, _Heard(_AT_ONCE, now)).may(now):
            self.refused += 1
            raise CallerError(f"The replica {self.name}: {node} has said too much, or what cannot be taken")

    def _quiet(self, heard: _Heard) -> bool:
        return heard.quiet > asyncio.get_running_loop().time()

    def _take(self, node: str, update: bytes) -> None:
        if len(self._came) >= _WAITING:
            self._later(node)
            return
        self._came.append((node, update))
        self._merge.set()

    async def _merging(self) -> None:
        while True:
            await self._merge.wait()
            self._merge.clear()
            while self._came:
                node, update = self._came.popleft()
                try:
                    await self._kept.merge(update)
                except StateRefused as error:
                    self._refuse(node, error)
                except McpWasmError as error:
                    _log.warning("what %s changed of %s is not kept: %s", node, self.name, error)
                    self._later(node)

    def _refuse(self, node: str, error: StateRefused) -> None:
        self.refused += 1
        now = asyncio.get_running_loop().time()
        self._heard.setdefault(node, _Heard(0, now)).quiet = now + QUIET_S
        _log.warning(
            "an update of %s by %s was refused, and it is not heard for a minute: %s", self.name, node, error
        )

    # -- what this node says

    def _own(self, update: bytes) -> None:
        self._unsent.append(update)
        self._send.set()

    async def _sending(self) -> None:
        while True:
            await self._send.wait()
            await asyncio.sleep(_TOGETHER_S)
            self._send.clear()
            updates, self._unsent = self._unsent, []
            # While NATS is away nothing waits: who comes back meets everybody.
            if not updates or not self._mesh.connection.connected:
                continue
            together = replica.merged(updates)
            for node in self.sharers:
                await self._post(node, together)

    async def _post(self, node: str, update: bytes) -> None:
        try:
            await self._mesh.peers.post(node, UPDATE, {"name": self.name, "update": _text(update)})
        except MessageRefused as error:
            _log.warning("%s cannot be told of %s: %s", node, self.name, error)
        except McpWasmError as error:
            _log.debug("%s was not told of %s: %s", node, self.name, error)
            self._later(node)

    def _later(self, node: str) -> None:
        asyncio.get_running_loop().call_later(_AGAIN_S, self.meet, node)

    async def _meeting(self) -> None:
        room = asyncio.Semaphore(_ABREAST)
        while True:
            try:
                async with asyncio.timeout(self._every):
                    await self._look.wait()
            except TimeoutError:
                self._due |= self.sharers
            self._look.clear()
            due, self._due = self._due & self._mesh.directory.peers.keys(), set()
            if self._mesh.connection.connected:
                await asyncio.gather(*(self._meet(node, room) for node in due))

    async def _meet(self, node: str, room: asyncio.Semaphore) -> None:
        async with room:
            heard = self._heard.get(node)
            if heard is not None and self._quiet(heard):
                return
            asked = {"name": self.name, "version": _text(self._kept.version)}
            try:
                answer = await self._mesh.peers.ask(node, REPLICA_MEET, asked)
                if answer.get("shared") is False:
                    self._sharers.discard(node)
                    return
                update, version = _bytes(answer, "update"), _bytes(answer, "version")
                missing = self._kept.since(version)
            except (EnvelopeRefused, StateRefused) as error:
                self._refuse(node, StateRefused("a meeting", "its form", str(error)))
                return
            except (Unreachable, NoReply):
                self._later(node)
                return
            except McpWasmError as error:
                _log.warning("%s does not meet about %s: %s", node, self.name, error)
                return
            self._sharers.add(node)
            self._take(node, update)
            if missing != replica.EMPTY:
                await self._post(node, missing)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"mesh: replica {self.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(body: Mapping[str, Any], name: str) -> bytes:
    text = body.get(name)
    try:
        return base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except (ValueError, binascii.Error):
        raise EnvelopeRefused(f"the {name} of its replica has not its form") from None
