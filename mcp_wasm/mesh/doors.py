"""The door for users of NATS that are no nodes: a web page or a program asks exposed agents in plain JSON.

Such a user has no keys and seals nothing. Who it is the NATS server vouches for, which lets each
publish below its own name only (``subjects.user``); what it may ask is what that server lets through, and
agents that no person exposed have no door at all. It chooses nothing but the payload: kind,
priority, sender and time are ours, and an answer goes nowhere but to the asker's own inbox.

A question is JSON text; the answer is ``{"ok": VALUE}`` or ``{"err": TEXT, "code": CODE}``, with a code of
``CODES``. What asks for no answer is a message without one.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from mcp_wasm.agents import message as messages
from mcp_wasm.agents.address import check_part
from mcp_wasm.agents.events import Event
from mcp_wasm.agents.node import Node
from mcp_wasm.capability.messaging import is_subject
from mcp_wasm.errors import (
    AgentFailed,
    CallerError,
    MailboxFull,
    McpWasmError,
    MessageRefused,
    NoReply,
    UnknownAgent,
    Unreachable,
)
from mcp_wasm.mesh import subjects
from mcp_wasm.mesh.connection import Subscription
from mcp_wasm.mesh.envelope import EnvelopeRefused, read_json
from mcp_wasm.mesh.mesh import Mesh
from mcp_wasm.mesh.subscriptions import Callback
from mcp_wasm.mesh.traffic import Received

_log = logging.getLogger(__name__)

Code = Literal["refused", "busy", "gone", "failed", "no_reply", "away"]
CODES: dict[Code, str] = {
    "refused": "the question is no JSON, or too large",
    "busy": "too many questions wait, of this user or of all, or the mailbox is full",
    "gone": "the agent has ended",
    "failed": "the agent says that it cannot, or failed",
    "no_reply": "it has not answered in time; whether it did something is not known",
    "away": "it cannot be reached now, or its answer is too large",
}
_REASON = 2000
_TOLD = 100
_GROUP = "door"
"""Of several nodes with one agent, one answers."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the door takes.

    A question has ``size`` bytes at most; ``each`` questions of one user and ``all`` of all are open at
    once; an answer is waited for ``seconds``. ``queue`` messages for an agent wait to be read, what
    comes beyond is dropped.
    """

    size: int = 64 * 1024
    each: int = 16
    all: int = 256
    seconds: float = 30.0
    queue: int = 1024


class Doors:
    """The doors of the exposed agents of ``node``, in the mesh that it is in."""

    def __init__(self, mesh: Mesh, node: Node, bounds: Bounds | None = None) -> None:
        self._mesh, self._node, self._bounds = mesh, node, bounds or Bounds()
        self._open: dict[str, Subscription] = {}
        self._asking = Counter[str]()
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
            await self._say(reply, _failure("busy", CODES["busy"]))
            return
        try:
            value = self._value(received.payload)
        except CallerError as error:
            self._refuse(user, str(error))
            await self._say(reply, _failure("refused", str(error)))
            return
        if reply:
            self._asking[user] += 1
            self._spawn(self._answer(user, found.agent, value, reply))
        else:
            self._tell(user, found.agent, value)

    async def _publish(self, received: Received) -> None:
        """What a user publishes, to all agents that hear it."""
        found = self._sender(received)
        if found is None or found.subject is None or not is_subject(found.subject):
            return
        try:
            payload = json.dumps(self._value(received.payload), ensure_ascii=False)
            work = self._node.publish(messages.new(_client(found.user), found.subject, payload))
            if work is not None:
                await work
        except McpWasmError as error:
            self._refuse(found.user, str(error))

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

    def _value(self, payload: bytes) -> Any:
        """The JSON value of a question.

        Raises:
            MessageRefused: it is none that an agent could be given.
        """
        most = self._bounds.size
        if len(payload) > most:
            raise MessageRefused("the question", f"at most {most:,} bytes", f"{len(payload):,}")
        try:
            value = read_json(payload.decode())
            # Lone surrogates, and numbers too large for any agent to read.
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        except (EnvelopeRefused, ValueError, RecursionError):
            raise MessageRefused("the question", "JSON in UTF-8", "another text") from None
        return value

    # -- what becomes of it

    async def _answer(self, user: str, path: str, value: Any, reply: str) -> None:
        try:
            text = await self._answer_of(user, path, value)
        finally:
            self._asking[user] -= 1
            if not self._asking[user]:
                del self._asking[user]
        try:
            await self._say(reply, text)
        except MessageRefused as error:
            await self._say(reply, _failure("away", str(error)))

    async def _answer_of(self, user: str, path: str, value: Any) -> str:
        client = _client(user).removeprefix("client:")
        try:
            found = await self._node.ask(path, value, seconds=self._bounds.seconds, client=client)
        except McpWasmError as error:
            return _failure(*_told(error))
        try:
            read_json(found.payload)
        except EnvelopeRefused as error:
            return _failure("failed", f"its answer cannot be passed on: {error.reason}")
        return f'{{"ok":{found.payload}}}'

    def _tell(self, user: str, path: str, value: Any) -> None:
        try:
            self._node.tell(path, value, sender=_client(user))
        except McpWasmError as error:
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


def _client(user: str) -> str:
    """The sender of what ``user`` sends; no other client is called so."""
    return f"client:web.{user}"


def _told(error: McpWasmError) -> tuple[Code, str]:
    """What a user is told of ``error``: what the agent says, and of us no more than the code's meaning."""
    match error:
        case AgentFailed(reason=reason):
            return "failed", reason
        case UnknownAgent():
            return "gone", CODES["gone"]
        case MailboxFull():
            return "busy", CODES["busy"]
        case NoReply():
            return "no_reply", CODES["no_reply"]
    return "away", CODES["away"]


def _failure(code: Code, text: str) -> str:
    return json.dumps({"err": text[:_REASON], "code": code})
