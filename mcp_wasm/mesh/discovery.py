"""Telling other nodes of this one, and knowing of them: beats, descriptions, who is up.

Every node beats once a second and at every change; whoever is new asks all to beat at once. A beat
names what its node has by a digest, and who does not know that description yet asks the node for it.
While NATS is away nobody is taken to be gone: nobody could be heard.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from mcp_wasm.errors import McpWasmError
from mcp_wasm.mesh.announcement import EMPTY, Beat, Description, beat_in, description_in
from mcp_wasm.mesh.connection import Connection, Subscription
from mcp_wasm.mesh.directory import EVERY, Directory
from mcp_wasm.mesh.envelope import EnvelopeRefused
from mcp_wasm.mesh.peers import Peers
from mcp_wasm.mesh.seals import Fresh, Seals
from mcp_wasm.mesh.traffic import Received

_log = logging.getLogger(__name__)

_BEAT, _HELLO = "beat", "hello"
_ASKED_S = 0.1
"""Seconds between two beats at least, however often others ask for them."""

_TRIES_S = 1.0


class Discovery:
    """Announces the node of ``seals`` and keeps ``directory`` up to date.

    ``subjects`` are those of beats and of questions for them. ``load`` gives how many calls run here, and how
    many more there is room for.
    """

    def __init__(
        self, wire: Connection, seals: Seals, directory: Directory, subjects: tuple[str, str]
    ) -> None:
        self._wire, self._seals, self.directory = wire, seals, directory
        self._subjects = subjects
        self.load: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self.make: Callable[[], Description] = lambda: EMPTY
        """Gives what this node has; asked when others are to be told, and after ``changed``."""
        self._description, self._state, self._packed = EMPTY, EMPTY.digest, ""
        self._stale = True
        self._fresh = Fresh(timed=True)
        self._peers: Peers | None = None
        self._listening: list[Subscription] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: set[str] = set()
        self._told = asyncio.Event()
        self._beat_at = 0.0
        self._heard: dict[str, asyncio.Event] = {}
        self._was_away = False

    def changed(self) -> None:
        """What this node has is no longer what others were told: they are told soon."""
        self._stale = True
        self._told.set()

    def _refresh(self) -> None:
        # Not at each change: ten thousand agents that open would be described ten thousand times.
        if self._stale:
            self._stale = False
            self._description, self._packed = self.make(), ""
            self._state = self._description.digest

    async def start(self, peers: Peers) -> None:
        """Begin to tell and to listen; ``peers`` must listen already."""
        self._peers = peers
        peers.on("describe", self._describe)
        beat, hello = self._subjects
        self._listening.append(await self._wire.subscribe(beat, self._on_beat))
        self._listening.append(await self._wire.subscribe(hello, self._on_hello))
        self._spawn(self._beating(), "mesh: beats")
        await self._beat()
        await self._hello()

    async def close(self) -> None:
        """Say that this node leaves."""
        for task in tuple(self._tasks):
            task.cancel()
        for each in self._listening:
            await each.stop()
        if self._wire.connected:
            await self._beat(leaving=True)

    async def meet(self, node: str) -> None:
        """Wait for the next beat of ``node``, and have it beat."""
        heard = self._heard.setdefault(node, asyncio.Event())
        try:
            await self._hello()
            await heard.wait()
        finally:
            if self._heard.get(node) is heard:
                del self._heard[node]

    async def _beating(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(EVERY):
                    await self._told.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(max(0.0, self._beat_at + _ASKED_S - loop.time()))
            self._told.clear()
            if not self._wire.connected:
                self._was_away = True
                continue
            try:
                await self._beat()
                if self._was_away:
                    await self._came_back()
                self.directory.expire(loop.time())
            except McpWasmError as error:
                _log.warning("this node could not be announced: %s", error)

    async def _came_back(self) -> None:
        """NATS is there again: nobody could be heard, so everybody has their time anew."""
        self._was_away = False
        now = asyncio.get_running_loop().time()
        for peer in self.directory.peers.values():
            peer.heard = now
        await self._hello()

    async def _beat(self, *, leaving: bool = False) -> None:
        self._beat_at = asyncio.get_running_loop().time()
        self._refresh()
        calls, room = self.load()
        beat = Beat(self._seals.exchange, self._state, calls, room, leaving)
        await self._wire.publish(self._subjects[0], self._seals.for_all(_BEAT, _BEAT, beat.out()))

    async def _hello(self) -> None:
        await self._wire.publish(self._subjects[1], self._seals.for_all(_HELLO, _HELLO, {}))

    async def _on_hello(self, message: Received) -> None:
        try:
            node, envelope = self._seals.open_all(message.payload, _HELLO)
            if node != self._seals.node:
                self._fresh.check(node, envelope)
                self._told.set()
        except EnvelopeRefused as error:
            self._refuse(error)

    async def _on_beat(self, message: Received) -> None:
        try:
            node, envelope = self._seals.open_all(message.payload, _BEAT)
            if node == self._seals.node:
                return
            self._fresh.check(node, envelope)
            beat = beat_in(envelope.body)
            now = asyncio.get_running_loop().time()
            peer = self.directory.heard(node, envelope.boot, beat, now)
        except EnvelopeRefused as error:
            self._refuse(error)
            return
        if (heard := self._heard.get(node)) is not None:
            heard.set()
        if peer is not None and peer.known != beat.state and node not in self._asking:
            self._asking.add(node)
            self._spawn(self._fetch(node, envelope.boot), f"mesh: what {node} has")

    async def _fetch(self, node: str, boot: int) -> None:
        """Ask a node what it has until it is known, or the node is gone."""
        try:
            while (peer := self.directory.peers.get(node)) and peer.boot == boot:
                if peer.known == peer.beat.state:
                    return
                try:
                    description = await self._ask(node)
                except McpWasmError as error:
                    _log.debug("what %s has is not known: %s", node, error)
                    await asyncio.sleep(_TRIES_S)
                else:
                    self.directory.described(node, boot, description)
                    if peer.known != peer.beat.state:
                        await asyncio.sleep(_ASKED_S)  # it has changed since its last beat
        finally:
            self._asking.discard(node)

    async def _ask(self, node: str) -> Description:
        assert self._peers is not None
        answer = await self._peers.ask(node, "describe", {})
        packed = answer.get("packed")
        try:
            data = base64.b64decode(packed if isinstance(packed, str) else "", validate=True)
        except (ValueError, binascii.Error):
            raise EnvelopeRefused(f"what {node} tells of itself has not its form") from None
        return description_in(data)

    def _describe(self, _node: str, _body: Mapping[str, Any]) -> Mapping[str, Any]:
        self._refresh()
        if not self._packed:
            self._packed = base64.b64encode(self._description.packed()).decode("ascii")
        return {"packed": self._packed}

    def _refuse(self, error: EnvelopeRefused) -> None:
        if self._peers is not None:
            self._peers.refuse(error)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
