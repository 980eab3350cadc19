"""The door for users of NATS that are no nodes: a web page or a program asks exposed agents in plain JSON.

Such a user has no keys and seals nothing. Who it is the NATS server vouches for, which lets each
publish below its own name only (``subjects.user``); what it may ask is what that server lets through, and
agents that no person exposed have no door at all. It chooses nothing but the payload: kind,
priority, sender and time are ours, and an answer goes nowhere but to the asker's own inbox.

A question is JSON text; the answer is ``{"ok": VALUE}`` or ``{"err": TEXT, "code": CODE}``, with a code of
``door_form.CODES``. What asks for no answer is a message without one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from mcp_wasm.agents.address import check_part
from mcp_wasm.agents.events import Event
from mcp_wasm.agents.node import Node
from mcp_wasm.capability.messaging import is_subject
from mcp_wasm.errors import (
    CallerError,
    McpWasmError,
    MessageRefused,
    Unreachable,
)
from mcp_wasm.mesh import door_form as form
from mcp_wasm.mesh import subjects
from mcp_wasm.mesh.bridge import Bridge
from mcp_wasm.mesh.connection import Subscription
from mcp_wasm.mesh.envelope import EnvelopeRefused, read_json
from mcp_wasm.mesh.subscriptions import Callback
from mcp_wasm.mesh.traffic import Received

_log = logging.getLogger(__name__)

_TOLD = 100
_GROUP = "door"
"""Of several nodes with one agent, one answers."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the door takes.

    A question has ``size`` bytes at most; ``each`` questions of one user and ``all`` of all are open at
    once; an answer is waited for ``seconds``. Of what asks for no answer ``waiting`` messages of one user
    wait in mailboxes, and ``queue`` for an agent to be read here; what comes beyond is dropped.
    """

    size: int = 64 * 1024
    each: int = 16
    all: int = 256
    seconds: float = 30.0
    waiting: int = 256
    queue: int = 1024


class Doors:
    """The doors of the exposed agents of ``node``, in the mesh that ``bus`` is the way to."""

    def __init__(self, bus: Bridge, node: Node, bounds: Bounds | None = None) -> None:
        self._bus, self._mesh, self._node, self._bounds = bus, bus.mesh, node, bounds or Bounds()
        self._open: dict[str, Subscription] = {}
        self._asking, self._waiting = Counter[str](), Counter[str]()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._published: Subscription | None = None
        self._end: Callable[[], None] | None = None
        self.refused = 0
        """Messages that were not taken, whether or not anybody was told."""

    async def start(self) -> None:
        """Open a door for each exposed agent, and for those that come."""
        self._end = self._node.events.observe(self._seen)
        pattern = subjects.of(self._mesh.joined.options.mesh, subjects.WEB, "*", subjects.PUBLISHED, ">")
        self._published = await self._subscribe(pattern, self._publish)
        await self._reconcile()
        self._spawn(self._keeping())

    async def close(self) -> None:
        """Close them; what is asked is answered no more."""
        if self._end is not None:
            self._end()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in (self._published, *self._open.values()):
            if each is not None:
                await each.stop()
        self._open.clear()

    # -- which doors there are

    def _seen(self, event: Event) -> None:
        if event.what in {"started", "forgotten"}:
            self._changed.set()

    async def _keeping(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._reconcile()
            except McpWasmError as error:
                _log.warning("the doors of agents could not be changed: %s", error)

    async def _reconcile(self) -> None:
        wanted = {path for path, slot in self._node.slots.items() if slot.spec.exposed}
        for path in self._open.keys() - wanted:
            await self._open.pop(path).stop()
        for path in wanted - self._open.keys():
            subject = subjects.of(
                self._mesh.joined.options.mesh, subjects.WEB, "*", "to", path.replace("/", ".")
            )
            self._open[path] = await self._subscribe(subject, self._asked)

    async def _subscribe(self, subject: str, take: Callback) -> Subscription:
        size = self._bounds.queue * 4096
        return await self._mesh.connection.subscribe(
            subject, take, queue=_GROUP, messages=self._bounds.queue, size=size
        )

    # -- what comes

    async def _asked(self, received: Received) -> None:
        """A question or a message, for the agent that the subject names."""
        found = self._sender(received)
        if found is None or found.agent is None or found.agent not in self._open:
            return
        user, reply = found.user, received.reply
        busy = self._asking.total() >= self._bounds.all or self._asking[user] >= self._bounds.each
        if busy:
            self._refuse(user, "too many of its questions are open")
            await self._say(reply, form.failure("busy", form.CODES["busy"]))
            return
        try:
            value = form.value(received.payload, self._bounds.size)
        except CallerError as error:
            self._refuse(user, str(error))
            await self._say(reply, form.failure("refused", str(error)))
            return
        if reply:
            self._asking[user] += 1
            self._spawn(self._answer(user, found.agent, value, reply))
        else:
            self._send(user, found.agent, value)

    async def _publish(self, received: Received) -> None:
        """What a user publishes, to all agents that hear it."""
        found = self._sender(received)
        if found is None or found.subject is None or not is_subject(found.subject):
            return
        try:
            value = form.value(received.payload, self._bounds.size)
            self._spread(found.user, found.subject, value)
            message = form.message(found.user, found.subject, value)
            # A client of this node: others answer it here.
            await self._bus.publish(
                found.subject, replace(message, sender=f"{message.sender}@{self._node.name}")
            )
        except McpWasmError as error:
            self._refuse(found.user, str(error))

    def _spread(self, user: str, subject: str, value: Any) -> None:
        """To those of this node that subscribe, as far as their mailboxes have room.

        Those in a group get it over the mesh, which gives it to one of them.
        """
        slots = self._node.slots
        for path in list(slots.subscribers(subject)):
            if not slots[path].spec.group:
                self._send(user, path, value)

    def _sender(self, received: Received) -> subjects.FromUser | None:
        """Who sent it, if it is one who can, and asks for an answer where it may have one.

        The NATS server does not look at the reply subject: it is where *we* would write, with
        our own rights.
        """
        found = subjects.from_user(self._mesh.joined.options.mesh, received.subject)
        if found is None:
            self._refuse("somebody", f"{received.subject[:80]!r} is no subject of a user")
            return None
        try:
            check_part(found.user, "user")
        except CallerError as error:
            self._refuse("somebody", str(error))
            return None
        if received.reply and not subjects.answers_to(found.user, received.reply):
            self._refuse(found.user, f"it wants its answer at {received.reply[:80]!r}, which is not its own")
            return None
        return found

    # -- what becomes of it

    async def _answer(self, user: str, path: str, value: Any, reply: str) -> None:
        try:
            text = await self._answer_of(user, path, value)
        finally:
            _less(self._asking, user)
        try:
            await self._say(reply, text)
        except MessageRefused as error:
            await self._say(reply, form.failure("away", str(error)))

    async def _answer_of(self, user: str, path: str, value: Any) -> str:
        client = form.client(user).removeprefix("client:")
        try:
            found = await self._node.ask(path, value, seconds=self._bounds.seconds, client=client)
        except McpWasmError as error:
            return form.failure(*form.told(error))
        try:
            read_json(found.payload)
        except EnvelopeRefused as error:
            return form.failure("failed", f"its answer cannot be passed on: {error.reason}")
        return f'{{"ok":{found.payload}}}'

    def _send(self, user: str, path: str, value: Any) -> None:
        """Into the mailbox of an agent of this node, where it counts as waiting until it is handled."""
        if self._waiting[user] >= self._bounds.waiting:
            self._refuse(user, "too many of its messages wait")
            return
        self._waiting[user] += 1

        def settle(_how: str, _reason: str) -> None:
            _less(self._waiting, user)

        try:
            self._node.deliver(form.message(user, path, value), settle=settle)
        except McpWasmError as error:
            _less(self._waiting, user)
            self._refuse(user, str(error))

    async def _say(self, reply: str, text: str) -> None:
        if reply:
            try:
                await self._mesh.connection.publish(reply, text.encode())
            except Unreachable as error:
                _log.debug("an answer is lost: %s", error)  # core NATS promises no more

    def _refuse(self, user: str, why: str) -> None:
        self.refused += 1
        if self.refused <= _TOLD:
            _log.warning("a message of the user %s was not taken: %s", user[:80], why)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="mesh: door")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a door failed", exc_info=error)


def _less(counts: Counter[str], user: str) -> None:
    counts[user] -= 1
    if not counts[user]:
        del counts[user]
