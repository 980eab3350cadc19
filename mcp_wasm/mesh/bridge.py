"""The way from agents to other nodes and back: ``agents.ports.Bus`` over a mesh.

A message to an agent of another node goes to that node, which says whether the mailbox took it, so
that the sender gets ``MailboxFull`` and ``UnknownAgent`` as at home. While NATS is away messages wait
here, in order and bounded, and the node's own agents go on. What has to survive goes to a durable
mailbox (``boxes``). Nothing that comes from outside is delivered but under the name of the node that
is known to have sent it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mcp_wasm.agents import address
from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.agents.message import Message
from mcp_wasm.agents.ports import Deliver, Delivery
from mcp_wasm.capability.messaging import is_subject
from mcp_wasm.errors import (
    McpWasmError,
    MessageRefused,
    NoReply,
    UnknownAgent,
    Unreachable,
)
from mcp_wasm.mesh import publications
from mcp_wasm.mesh.announcement import AgentNews
from mcp_wasm.mesh.boxes import Boxes, box_of
from mcp_wasm.mesh.directory import SILENT
from mcp_wasm.mesh.envelope import message_in, message_out
from mcp_wasm.mesh.mesh import Mesh
from mcp_wasm.mesh.opened import Opened
from mcp_wasm.mesh.peers import Handle, Later
from mcp_wasm.mesh.traffic import Status
from mcp_wasm.mesh.waiting import Waiting

_log = logging.getLogger(__name__)

_TELL, _MOVE = "tell", "move"
_CLIENT = "client:"
_ANSWERS = frozenset({"reply", "failure"})
_TRIES = 3
_CLOSE_S, _PATIENCE_S, _MOVED_S, _KNOWN_S = 3.0, 0.05, 1.0, 5.0


class Bridge:
    """``agents.ports.Bus`` for the node of ``mesh``.

    ``most`` messages of ``most_bytes`` together wait while NATS is away. ``undelivered`` is told of those
    that nobody took when it was back.
    """

    def __init__(
        self,
        mesh: Mesh,
        *,
        most: int = 10_000,
        most_bytes: int = 16 * 1024 * 1024,
        undelivered: Callable[[Message, McpWasmError], None] | None = None,
    ) -> None:
        self.mesh, self.node = mesh, mesh.node
        self._boxes = Boxes(mesh)
        self._undelivered = undelivered or _told
        self._note: Callable[[str, str, str], None] = lambda _path, _what, _detail: None
        self._open: dict[str, Opened] = {}
        self._receive: Deliver | None = None
        self._waiting = Waiting(most, most_bytes)
        self._flushing: asyncio.Task[None] | None = None
        self._end_status: Callable[[], None] | None = None
        self._back_at = -SILENT

    async def start(self, receive: Deliver) -> None:
        """Begin; ``receive`` gets what is for this node and no agent of it."""
        self._receive = receive
        self.mesh.peers.on(_TELL, self._tell)
        self._end_status = self.mesh.connection.observe(self._status)

    def observe(self, note: Callable[[str, str, str], None]) -> None:
        """Have ``note`` (path, what, detail) told of nodes that come and go, and of what is not delivered."""
        self._note = note
        self._undelivered = lambda message, error: note(
            message.sender.partition("@")[0], "undelivered", str(error)
        )
        self.mesh.observe(lambda node, what: None if what == "node_changed" else note("", what, node))

    async def close(self) -> None:
        """End; what waits is sent first, where NATS is there."""
        if self._end_status is not None:
            self._end_status()
        for path in tuple(self._open):
            await self._shut(path)
        if self._flushing is not None:
            await asyncio.wait({self._flushing}, timeout=_CLOSE_S)
            self._flushing.cancel()
        while self._waiting:
            message, _ = self._waiting.first
            self._undelivered(message, Unreachable(message.to, "the node ended"))
            self._waiting.drop()

    async def send(self, message: Message, *, durable: bool) -> None:
        """Send to the address ``message.to``; returns when its mailbox has it, or it waits for NATS.

        Raises:
            UnknownAgent: no node has that agent.
            MailboxFull: its mailbox is.
            Unreachable: its node is away, or NATS is and the buffer is full.
            NoReply: its node does not say whether it took it.
        """
        name, _, node = message.to.partition("@")
        if not name.startswith(_CLIENT):
            found = address.parse(message.to)
            news = self._durable_news(found, durable=durable)
            if news is not None:
                at, told = news
                await self._boxes.store(box_of(found.path, at, told.group), message)
                return
        if not self.mesh.connection.connected or self._waiting:
            self._wait(message, None)
            return
        if name.startswith(_CLIENT) and message.kind in _ANSWERS and not self._just_back():
            # Who asked waits no longer than it said, so nobody tells us that it came; and it tells who asked
            # that its question did.
            self.mesh.peers.answered(node, message.re)
            await self.mesh.peers.post(node, _TELL, message_out(message))
            return
        await self._send(message, name, node)

    async def publish(self, subject: str, message: Message) -> None:
        """Publish to the agents of other nodes that subscribe to ``subject``, and to those in a group.

        Raises:
            MessageRefused: it is no subject, or the message is larger than NATS takes.
            Unreachable: NATS is away and the buffer is full.
        """
        if not is_subject(subject):
            raise MessageRefused(
                "the subject", "words of letters, digits, - and _ between dots", subject[:80]
            )
        if not self.mesh.connection.connected or self._waiting:
            self._wait(message, subject)
            return
        await publications.publish(self.mesh, subject, message)

    async def open(
        self, path: str, spec: AgentSpec, deliver: Deliver, former: Sequence[str] = ()
    ) -> Callable[[], Awaitable[None]]:
        """Make the agent at ``path`` known, and subscribe for it; the result ends that.

        Raises:
            McpWasmError: it cannot be subscribed to what its spec says.
        """
        opened = self._open[path] = Opened(path, spec, deliver)
        try:
            buried = lambda why: self._note(path, "dead_letter", why)  # noqa: E731
            await opened.begin(self.mesh, self._boxes, former, buried)
        except BaseException:
            await self._shut(path)
            raise
        self.mesh.tell_agent(path, AgentNews(spec.durable, spec.group))
        return lambda: self._shut(path)

    async def _shut(self, path: str) -> None:
        opened = self._open.pop(path, None)
        if opened is None:
            return
        self.mesh.tell_agent(path, None)
        await opened.end()

    async def ask(self, node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What ``node`` says to ``body``, which is of a move."""
        return await self.mesh.peers.ask(node, _MOVE, body)

    async def known(self, path: str, node: str) -> None:
        """Wait until it is known here that ``node`` has the agent ``path``, for some seconds at most."""
        loop, places = asyncio.get_running_loop(), self.mesh.directory.places
        until = loop.time() + _KNOWN_S
        while loop.time() < until and not any(x.up for x in places(path, node)):  # noqa: ASYNC110 - another says it
            await asyncio.sleep(_PATIENCE_S)

    def answer(self, handle: Handle) -> None:
        """Have ``handle`` answer what other nodes say of moves."""
        self.mesh.peers.on(_MOVE, handle)

    # -- out

    def _durable_news(self, to: address.Address, *, durable: bool) -> tuple[str, AgentNews] | None:
        """The node and group of a durable mailbox, if ``to`` has one."""
        own = self._open.get(to.path)
        if own is not None and to.node in {"", self.node}:
            return (self.node, AgentNews(True, own.spec.group)) if own.spec.durable or durable else None
        place = self.mesh.directory.locate(to.path, to.node)
        if place is not None and place.news.durable:
            return place.node, place.news
        return (to.node, AgentNews(True)) if durable and to.node else None

    async def _send(self, message: Message, name: str, node: str) -> None:
        """To the node that has it; where any will do, to another if that is gone."""
        body = message_out(message)
        tries, loop = _TRIES, asyncio.get_running_loop()
        until = loop.time() + _MOVED_S
        while tries:
            at = node or self._node_of(name, message.to)
            try:
                await self.mesh.peers.ask(at, _TELL, body)
            except Unreachable as error:
                if error.address != at:
                    raise  # that node's own word
                if at in self.mesh.directory.peers and self._just_back():
                    await asyncio.sleep(_PATIENCE_S)  # NATS was away for that node too
                    continue
                tries -= 1
                peer = self.mesh.directory.peers.get(at)
                if peer is not None and self.mesh.connection.connected:
                    self.mesh.directory.gone(at, peer.boot)
                if node:
                    raise Unreachable(message.to, error.reason) from None
            except UnknownAgent:
                if node or loop.time() > until:
                    raise
                await asyncio.sleep(_PATIENCE_S)  # it has moved, or ended, and that was not told yet
            except NoReply as error:
                raise NoReply(message.to, error.seconds) from None
            else:
                return
        raise Unreachable(message.to, "the nodes that have it are gone")

    def _node_of(self, path: str, to: str) -> str:
        place = self.mesh.directory.locate(path)
        if place is None:
            raise UnknownAgent(to)
        if not place.up:
            raise Unreachable(to, f"the node {place.node} is away")
        return place.node

    # -- while NATS is away

    def _wait(self, message: Message, subject: str | None) -> None:
        self._waiting.add(message, subject)
        if not self._away():
            self._flush()

    def _status(self, status: Status) -> None:
        if status.what == "connected":
            self._back_at = asyncio.get_running_loop().time()
            if self._waiting:
                self._flush()

    def _just_back(self) -> bool:
        return asyncio.get_running_loop().time() - self._back_at < SILENT

    def _flush(self) -> None:
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._send_waiting(), name="mesh: what waited")

    async def _send_waiting(self) -> None:
        """Send what waited, in order; what cannot be sent does not keep back the rest."""
        while self._waiting and self.mesh.connection.connected:
            message, subject = self._waiting.first
            try:
                if subject is not None:
                    await publications.publish(self.mesh, subject, message)
                else:
                    name, _, node = message.to.partition("@")
                    await self._send(message, name, node)
            except McpWasmError as error:
                if self._away():
                    return
                self._undelivered(message, error)
            self._waiting.drop()

    def _away(self) -> bool:
        return not self.mesh.connection.connected

    # -- in

    def _tell(self, node: str, body: Mapping[str, Any]) -> Mapping[str, Any] | Later:
        """A message that another node sends to an agent or to a client of this one."""
        message = message_in(body, node)
        name, _, at = message.to.partition("@")
        if at not in {"", self.node}:
            raise UnknownAgent(message.to)
        if name.startswith(_CLIENT):
            assert self._receive is not None
            self._receive(Delivery(message))
            return {}
        opened = self._open.get(name)
        if opened is None:
            raise UnknownAgent(message.to)
        opened.deliver(Delivery(replace(message, to=name)))
        asked = message.kind == "request" and message.sender.startswith(_CLIENT)
        return Later(message.id) if asked else {}


def _told(message: Message, error: McpWasmError) -> None:
    _log.warning("a message to %s could not be sent: %s", message.to, error)
