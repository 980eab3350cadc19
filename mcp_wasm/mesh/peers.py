"""Nodes that speak with each other: a subject for each, requests and answers, nothing from strangers.

Every envelope between two nodes goes over here, so that there is one place where a sender is told
from who says to be it. What an envelope asks for is done by handlers that others add; they are
plain functions, and what takes its time they begin and answer later with an envelope of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_wasm.errors import McpWasmError, MessageRefused, NoReply, Unreachable
from mcp_wasm.mesh import answers
from mcp_wasm.mesh.connection import Connection, Subscription
from mcp_wasm.mesh.directory import Directory
from mcp_wasm.mesh.envelope import Envelope, EnvelopeRefused
from mcp_wasm.mesh.seals import Fresh, Life, Seals, StrangerRefused
from mcp_wasm.mesh.traffic import Received

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Later:
    """Done; no answer need say so where something else soon does: see ``Peers.answered``."""

    key: str


Handle = Callable[[str, Mapping[str, Any]], Mapping[str, Any] | Later]
"""Does what a node asks for, given the node's name and the body; the answer's body.

Raises:
    McpWasmError: it does not; the asking node gets that.
"""

ASK_S = 5.0
"""Seconds that an answer between nodes may take; whatever takes longer is answered later."""

_WAITING, _PATIENCE_S = 256, 2.0
_TOLD = 100
_SOON_S = 0.02
"""Seconds that an answer waits for something else that says the same."""

_OVERHEAD = 512
"""Bytes of a message in NATS beside what it says."""


class Peers:
    """Speaks for one node with the others that ``directory`` knows.

    ``place`` makes the subject of a node of its name; ``meet`` waits for the next that a node tells of
    itself, and has it do so.
    """

    def __init__(
        self,
        wire: Connection,
        seals: Seals,
        directory: Directory,
        place: Callable[[str], str],
        meet: Callable[[str], Awaitable[None]],
    ) -> None:
        self._wire, self._seals, self.directory = wire, seals, directory
        self._place, self._meet = place, meet
        self._handlers: dict[str, Handle] = {}
        self._fresh = Fresh(timed=False)
        self._waiting: set[asyncio.Task[None]] = set()
        self._later: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._listening: Subscription | None = None
        self.refused = 0
        """Envelopes that were not believed."""

    def on(self, what: str, handle: Handle) -> None:
        """Have ``handle`` do what envelopes of the kind ``what`` ask for."""
        self._handlers[what] = handle

    async def start(self) -> None:
        """Listen."""
        self._listening = await self._wire.subscribe(self._place(self._seals.node), self._received)

    async def close(self) -> None:
        """Listen no more."""
        for task in tuple(self._waiting):
            task.cancel()
        for timer in self._later.values():
            timer.cancel()
        if self._listening is not None:
            await self._listening.stop()

    async def ask(
        self, node: str, what: str, body: Mapping[str, Any], seconds: float = ASK_S
    ) -> Mapping[str, Any]:
        """What ``node`` answers.

        Raises:
            Unreachable: it is not there, or NATS is away: it has not got it.
            NoReply: it did not answer within ``seconds``.
            McpWasmError: what it says that went wrong there.
        """
        life = self._life_of(node)
        envelope = self._seals.envelope(what, body)
        data = self._sealed(life, _to(node), envelope)
        try:
            answer = await self._wire.request(self._place(node), data, seconds)
        except Unreachable as error:
            raise Unreachable(node, error.reason) from None
        except NoReply:
            raise NoReply(node, seconds) from None
        _, found = self._seals.open_from(answer.payload, _re(envelope, self._seals.node), {node: life}.get)
        return answers.checked(node, found.body)

    async def post(self, node: str, what: str, body: Mapping[str, Any]) -> None:
        """Send to ``node`` without waiting for an answer.

        Raises:
            Unreachable: it is not known.
            MessageRefused: it is larger than NATS takes.
        """
        life = self._life_of(node)
        await self._wire.publish(
            self._place(node), self._sealed(life, _to(node), self._seals.envelope(what, body))
        )

    def answered(self, node: str, key: str) -> None:
        """What is said to ``node`` now tells it of ``Later(key)`` too."""
        timer = self._later.pop((node, key), None)
        if timer is not None:
            timer.cancel()

    def _sealed(self, life: Life, context: str, envelope: Envelope) -> bytes:
        data = self._seals.for_node(life, context, envelope)
        if len(data) + _OVERHEAD > self._wire.most_bytes:
            expected = f"at most {self._wire.most_bytes - _OVERHEAD:,} bytes (max_payload of the NATS server)"
            raise MessageRefused(f"what is for {life.node}", expected, f"{len(data):,}")
        return data

    def _life_of(self, node: str) -> Life:
        life = self._life(node)
        if life is None:
            raise Unreachable(node, "there is no such node in the mesh now")
        return life

    def _life(self, node: str) -> Life | None:
        peer = self.directory.peers.get(node)
        return None if peer is None else Life(node, peer.boot, peer.beat.exchange)

    async def _received(self, message: Received) -> None:
        try:
            node, envelope = self._opened(message.payload)
        except StrangerRefused as stranger:
            self._meet_first(stranger, message)
        except EnvelopeRefused as error:
            self.refuse(error)
        else:
            await self._answer(node, envelope, message.reply)

    def _opened(self, data: bytes) -> tuple[str, Envelope]:
        node, envelope = self._seals.open_from(data, _to(self._seals.node), self._life)
        self._fresh.check(node, envelope)
        return node, envelope

    def refuse(self, error: EnvelopeRefused) -> None:
        """Count what was not believed; the first ones are logged."""
        self.refused += 1
        if self.refused <= _TOLD:
            _log.warning("%s", error)

    def _meet_first(self, stranger: StrangerRefused, message: Received) -> None:
        """A node that began a moment ago may speak before its first beat came: wait for that a little."""
        if len(self._waiting) >= _WAITING:
            self.refuse(stranger)
            return
        self._spawn(self._again(stranger, message), "mesh: a stranger")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _again(self, stranger: StrangerRefused, message: Received) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._meet(stranger.node)
            found = self._opened(message.payload)
        except (TimeoutError, EnvelopeRefused):
            self.refuse(stranger)
        else:
            await self._answer(*found, message.reply)

    async def _answer(self, node: str, envelope: Envelope, reply: str) -> None:
        handle = self._handlers.get(envelope.what)
        try:
            if handle is None:
                raise EnvelopeRefused(f"this node does not know what {envelope.what} is")
            body = handle(node, envelope.body)
        except McpWasmError as error:
            if isinstance(error, EnvelopeRefused):
                self.refuse(error)
            body = answers.failure(error)
        except Exception:  # noqa: BLE001 - the loop's top: a fault of ours costs one envelope, and stays with us
            _log.exception("an envelope (%s) of %s could not be handled", envelope.what, node)
            body = {"error": "refused", "reason": "a fault of that node, which its log has"}
        if isinstance(body, Later):
            if reply:
                loop, key = asyncio.get_running_loop(), (node, body.key)
                self._later[key] = loop.call_later(_SOON_S, self._say_late, key, envelope, reply)
            return
        await self._say(node, envelope, body, reply)

    def _say_late(self, key: tuple[str, str], envelope: Envelope, reply: str) -> None:
        self._later.pop(key, None)
        self._spawn(self._say(key[0], envelope, {}, reply), "mesh: an answer")

    async def _say(self, node: str, envelope: Envelope, body: Mapping[str, Any], reply: str) -> None:
        life = self._life(node)
        if not reply or life is None:
            return
        context = _re(envelope, node)
        try:
            data = self._sealed(life, context, self._seals.envelope("answer", body))
        except MessageRefused as error:
            data = self._sealed(life, context, self._seals.envelope("answer", answers.failure(error)))
        await self._wire.publish(reply, data)


def _to(node: str) -> str:
    return f"to {node}"


def _re(envelope: Envelope, asker: str) -> str:
    """The context of the one answer to an envelope."""
    return f"re {asker} {envelope.boot} {envelope.number}"
