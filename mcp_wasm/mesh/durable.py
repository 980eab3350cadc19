"""Taking durable messages out of their mailbox: at least once, in turns, until they are handled.

A message is acknowledged when its delivery is settled as handled, that is after its handler's effects
were carried out. While it waits or is handled JetStream is told so every few seconds; when this node
dies that stops, and another life or another node of the group is given the message. So a handler may
see a message twice, under the same id: what it does must bear that.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import nats.errors
import nats.js.errors
from nats.js.api import AckPolicy, ConsumerConfig

from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.agents.ports import Deliver, Delivery, Settled
from mcp_wasm.errors import MailboxFull, McpWasmError, Unreachable
from mcp_wasm.mesh.boxes import MESSAGE_ID, Box, Boxes
from mcp_wasm.mesh.connection import Subscription
from mcp_wasm.mesh.envelope import EnvelopeRefused
from mcp_wasm.mesh.traffic import Received, Status

_log = logging.getLogger(__name__)

ACK_WAIT_S = 5.0
"""Seconds after which a message of a node that is silent is given to another."""

MOST = 1000
"""Messages of one mailbox that a node holds at once."""

_PULL_S = 30.0
_HANDLED = 10_000
_FULL_S, _LONGEST_FULL_S = 0.02, 0.5


@dataclass(slots=True)
class _Held:
    """A message that was taken and not settled; ``reply`` is where what becomes of it is said."""

    reply: str
    name: str
    frame: bytes
    delivered: int


class Taker:
    """Takes from one mailbox for one agent of this node."""

    def __init__(self, boxes: Boxes, box: Box, path: str, spec: AgentSpec, deliver: Deliver) -> None:
        self._boxes, self.box, self._path, self._spec, self._deliver = boxes, box, path, spec, deliver
        self._wire = boxes.mesh.connection
        self._most = max(1, min(spec.mailbox.capacity, MOST))
        self._held: dict[int, _Held] = {}
        self._handled: OrderedDict[int, None] = OrderedDict()
        self._asked = 0
        self._more = asyncio.Event()
        self._inbox = f"_INBOX.{boxes.mesh.node}.{boxes.mesh.seals.boot}.{box.consumer}"
        self._subscription: Subscription | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._end_status = self._wire.observe(self._status)
        self._ready = False
        self.buried: Callable[[str], None] = lambda _reason: None
        """Told the reason of each dead letter."""

    async def start(self) -> None:
        """Begin; where NATS is away, once it is there."""
        self._subscription = await self._wire.subscribe(self._inbox, self._received)
        self._spawn(self._pulling(), f"mesh: mailbox of {self._path}")
        self._spawn(self._working(), f"mesh: work of {self._path}")

    async def close(self) -> None:
        """Take no more; what is held is given to others at once."""
        self._end_status()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._subscription is not None:
            await self._subscription.stop()
        for held in self._held.values():
            await self._say(held, b"-NAK")
        self._held.clear()

    def _status(self, status: Status) -> None:
        if status.what == "connected":
            self._asked = 0  # what was asked of a connection that is lost comes no more
            self._more.set()

    async def _pulling(self) -> None:
        """Keep as many messages asked for as there is room."""
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._boxes.stream}.{self.box.consumer}"
        while True:
            self._more.clear()
            room = self._most - len(self._held) - self._asked
            if self._wire.connected and (room > self._most // 4 or (room > 0 and self._asked == 0)):
                try:
                    await self._consumer()
                    asked = {"batch": room, "expires": int(_PULL_S * 1e9)}
                    self._asked += room
                    await self._wire.publish(subject, json.dumps(asked).encode(), reply=self._inbox)
                except McpWasmError as error:
                    self._asked = 0
                    _log.warning("the durable messages of %s cannot be had: %s", self._path, error)
                    await asyncio.sleep(1.0)
                    continue
            try:
                async with asyncio.timeout(_PULL_S + 5):
                    await self._more.wait()
            except TimeoutError:
                self._asked, self._ready = 0, False  # nothing came, not even the end of what was asked for

    async def _consumer(self) -> None:
        """Make the consumer where it is not."""
        if self._ready:
            return
        await self._boxes.prepare()
        js = await self._wire.jetstream()
        config = ConsumerConfig(
            durable_name=self.box.consumer,
            description=self._path[:200],
            filter_subject=self._boxes.mesh.subject("box", *self.box.words),
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_deliver=-1,
            max_ack_pending=max(self._most, MOST),
        )
        try:
            await js.add_consumer(self._boxes.stream, config)
        except (nats.js.errors.Error, nats.errors.Error, TimeoutError) as error:
            raise Unreachable(self._path, f"JetStream gives it no mailbox: {error}") from None
        self._ready = True

    async def _working(self) -> None:
        """Tell JetStream that what is held is worked on."""
        while True:
            await asyncio.sleep(ACK_WAIT_S / 3)
            if self._wire.connected:
                for held in tuple(self._held.values()):
                    await self._say(held, b"+WPI")

    async def _received(self, message: Received) -> None:
        if "Status" in message.headers:
            left = message.headers.get("Nats-Pending-Messages", "")
            self._asked = max(0, self._asked - (int(left) if left.isdecimal() else self._asked))
            self._ready = self._ready and message.headers["Status"] in {"404", "408"}
            self._more.set()
            return
        told = _told(message.reply, self._boxes.stream, self.box.consumer)
        if told is None:
            self._boxes.mesh.peers.refuse(EnvelopeRefused("it did not come from JetStream"))
            return
        self._asked = max(0, self._asked - 1)
        number, delivered, stored_ms = told
        held = _Held(message.reply, message.headers.get(MESSAGE_ID, ""), message.payload, delivered)
        if number in self._held:
            self._held[number].reply = message.reply  # it is being handled here, and took longer than told
        elif number in self._handled:
            await self._say(held, b"+ACK")  # the first acknowledgement was lost
        else:
            self._held[number] = held
            self._take(number, held, stored_ms)
        self._more.set()

    def _take(self, number: int, held: _Held, stored_ms: int) -> None:
        try:
            message = self._boxes.opened(self.box, held.frame, held.name, stored_ms)
        except EnvelopeRefused as error:
            self._boxes.mesh.peers.refuse(error)
            self._spawn(self._drop(number, held), "mesh: refused")
            return
        if held.delivered > self._spec.retries.most:
            reason = (
                f"it was given out {held.delivered - 1} times and never settled: its node ended each time"
            )
            self._settle(number, held, "dropped", reason)
            return
        message = replace(message, to=self._path, attempt=held.delivered)
        delivery = Delivery(message, lambda how, why: self._settle(number, held, how, why), kept=True)
        if not self._given(number, held, delivery):
            self._spawn(self._give(number, held, delivery), f"mesh: to {self._path}")

    def _given(self, number: int, held: _Held, delivery: Delivery) -> bool:
        """Into the agent's mailbox; whether there was room."""
        try:
            self._deliver(delivery)
        except MailboxFull:
            return False
        except McpWasmError as error:
            self._settle(number, held, "failed", str(error))
        return True

    async def _give(self, number: int, held: _Held, delivery: Delivery) -> None:
        """The same when there is room."""
        patience = _FULL_S
        while not self._given(number, held, delivery):
            await asyncio.sleep(patience)
            patience = min(2 * patience, _LONGEST_FULL_S)

    def _settle(self, number: int, held: _Held, how: Settled, reason: str) -> None:
        if self._held.get(number) is not held:
            return
        if how == "handled":
            del self._held[number]
            self._handled[number] = None
            if len(self._handled) > _HANDLED:
                self._handled.popitem(last=False)
            self._spawn(self._say(held, b"+ACK"), "mesh: acknowledge")
        elif how == "failed" and held.delivered < self._spec.retries.most:
            del self._held[number]
            backoff = self._spec.retries.backoff or (0.0,)
            delay = backoff[min(held.delivered, len(backoff)) - 1]
            again = json.dumps({"delay": int(delay * 1e9)}).encode()
            self._spawn(self._say(held, b"-NAK " + again), "mesh: again")
        else:
            self._spawn(self._bury(number, held, reason), "mesh: dead letter")
        self._more.set()

    async def _bury(self, number: int, held: _Held, reason: str) -> None:
        try:
            await self._boxes.bury(self.box, held.frame, held.delivered, reason, f"{number}.{held.name}")
        except McpWasmError as error:
            _log.warning("a message of %s could not be made a dead letter: %s", self._path, error)
            self._held.pop(number, None)
            await self._say(held, b"-NAK " + json.dumps({"delay": int(ACK_WAIT_S * 1e9)}).encode())
        else:
            self.buried(reason)
            await self._drop(number, held)

    async def _drop(self, number: int, held: _Held) -> None:
        self._held.pop(number, None)
        await self._say(held, b"+TERM")
        self._more.set()

    async def _say(self, held: _Held, what: bytes) -> None:
        try:
            await self._wire.publish(held.reply, what)
        except Unreachable as error:
            # Not told, it is given out again: that is what at-least-once means.
            _log.debug("JetStream was not told %s: %s", what, error)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _told(reply: str, stream: str, consumer: str) -> tuple[int, int, int] | None:
    """Its number, how often it was given out, when it was stored (ms): of where it is acknowledged.

    Source: ADR-15 of NATS, both forms of ``$JS.ACK``.
    """
    words = reply.split(".")
    if words[:2] != ["$JS", "ACK"]:
        return None
    rest = words[2:] if len(words) == 9 else words[4:]
    if len(rest) < 7 or rest[:2] != [stream, consumer] or not all(each.isdecimal() for each in rest[2:7]):
        return None
    return int(rest[3]), int(rest[2]), int(rest[5]) // 1_000_000
