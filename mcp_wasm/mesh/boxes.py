"""Durable mailboxes in JetStream: where they are, what is put into them, what lies in them.

One stream for all mailboxes of a mesh, in which a message stays until it was handled, and one for
dead letters. What is kept is signed by the node that sent it, and bound to its mailbox, to its id
(``Nats-Msg-Id``, by which JetStream drops what is sent twice) and to the time at which it was stored:
an old envelope put there again is refused by whoever takes it out.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StreamConfig

from mcp_wasm.agents.message import Message
from mcp_wasm.errors import CallerError, NoReply, Unreachable
from mcp_wasm.mesh.envelope import EnvelopeRefused, message_in, message_out, read_json
from mcp_wasm.mesh.mesh import Mesh
from mcp_wasm.mesh.seals import SKEW_MS

MIB = 1024 * 1024
DUPLICATES_S = 2 * SKEW_MS / 1000
"""Seconds for which JetStream knows an id: whatever is younger by its seal cannot come in twice."""

_BYTES, _DEAD_BYTES, _DEAD_DAYS = 512 * MIB, 128 * MIB, 30
_STORE_S, _TRIES = 5.0, 3
MESSAGE_ID = "Nats-Msg-Id"


@dataclass(frozen=True, slots=True)
class Box:
    """A durable mailbox: that of an agent of one node, or of a group of agents of any."""

    words: tuple[str, ...]

    @property
    def context(self) -> str:
        """What envelopes in it are sealed for."""
        return f"box {'.'.join(self.words)}"

    @property
    def consumer(self) -> str:
        """The name of its consumer in JetStream."""
        return f"box-{hashlib.sha256('.'.join(self.words).encode()).hexdigest()[:32]}"


def box_of(path: str, node: str, group: str) -> Box:
    """The mailbox of the agent ``path`` of ``node``, or of its ``group`` where it has one."""
    return Box(("group", group) if group else ("at", node, *path.split("/")))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that nobody could handle; ``number`` is its place among the dead letters."""

    number: int
    message: Message
    box: Box
    reason: str
    attempts: int
    at: int
    frame: bytes


class Boxes:
    """The durable mailboxes of a mesh, as ``mesh`` sees them."""

    def __init__(self, mesh: Mesh, most_bytes: int = _BYTES) -> None:
        self.mesh, self._most_bytes = mesh, most_bytes
        name = f"mcp-wasm-{mesh.joined.options.mesh}"
        self.stream, self.dead_stream = f"{name}-boxes", f"{name}-dead"
        self._made = False

    async def prepare(self) -> None:
        """Make the streams where they are not.

        Raises:
            Unreachable: there is no JetStream, or NATS is away.
        """
        if self._made:
            return
        boxes = StreamConfig(
            name=self.stream,
            subjects=[self.mesh.subject("box", ">")],
            retention=RetentionPolicy.WORK_QUEUE,
            discard=DiscardPolicy.NEW,
            max_bytes=self._most_bytes,
            duplicate_window=DUPLICATES_S,
        )
        dead = StreamConfig(
            name=self.dead_stream,
            subjects=[self.mesh.subject("dead", ">")],
            discard=DiscardPolicy.OLD,
            max_bytes=_DEAD_BYTES,
            max_age=_DEAD_DAYS * 86_400,
            duplicate_window=DUPLICATES_S,
        )
        js = await self.mesh.connection.jetstream()
        for config in (boxes, dead):
            await self._make(js, config)
        self._made = True

    async def store(self, box: Box, message: Message) -> None:
        """Put a message into a mailbox; returns when it is on the disk of NATS.

        Raises:
            Unreachable: it is not known to be there. Sending it again, with the same id, is safe.
        """
        body = message_out(message)
        await self._put(self.mesh.subject("box", *box.words), message.id, box.context, "message", body)

    async def bury(self, box: Box, frame: bytes, attempts: int, reason: str, name: str) -> None:
        """Make a dead letter of what lies in a mailbox; ``name`` is its id there.

        Raises:
            Unreachable: it is not known to be one.
        """
        body = {
            "frame": base64.b64encode(frame).decode("ascii"),
            "box": list(box.words),
            "reason": reason[:2000],
            "attempts": attempts,
        }
        await self._put(self.mesh.subject("dead", *box.words), f"dead.{name}", "dead", "dead", body)

    async def dead(self, most: int = 100) -> list[DeadLetter]:
        """The latest dead letters, the oldest of them first; what is none is left out.

        Raises:
            Unreachable: NATS cannot be asked.
        """
        await self.prepare()
        js = await self.mesh.connection.jetstream()
        found: list[DeadLetter] = []
        try:
            state = (await js.stream_info(self.dead_stream)).state
            number = state.last_seq
            while number >= max(1, state.first_seq) and len(found) < most:
                letter = await self._letter(js, number)
                if letter is not None:
                    found.append(letter)
                number -= 1
        except (nats.js.errors.Error, nats.errors.Error) as error:
            raise Unreachable("the dead letters", str(error)) from None
        return found[::-1]

    async def again(self, number: int) -> DeadLetter:
        """Put a dead letter into its mailbox again.

        Raises:
            CallerError: there is none of that number.
            Unreachable: NATS cannot be asked.
        """
        await self.prepare()
        js = await self.mesh.connection.jetstream()
        try:
            letter = await self._letter(js, number)
            if letter is None:
                raise CallerError(f"There is no dead letter {number}: `mcp-wasm mesh dead` lists them.")
            body = {"frame": base64.b64encode(letter.frame).decode("ascii")}
            subject, name = self.mesh.subject("box", *letter.box.words), f"{letter.message.id}.again-{number}"
            await self._put(subject, name, letter.box.context, "again", {**body, "id": name})
            await js.delete_msg(self.dead_stream, number)
        except (nats.js.errors.Error, nats.errors.Error) as error:
            raise Unreachable("the dead letters", str(error)) from None
        return letter

    def opened(self, box: Box, frame: bytes, name: str, stored_ms: int) -> Message:
        """The message that was stored in ``box`` at ``stored_ms`` as ``frame``, under the id ``name``.

        Raises:
            EnvelopeRefused: it is not believed.
        """
        node, envelope = self.mesh.seals.open_all(frame, box.context)
        if abs(stored_ms - envelope.at) > SKEW_MS:
            raise EnvelopeRefused(
                f"it was stored {abs(stored_ms - envelope.at) // 1000:,} s from when it was sent"
            )
        match envelope.what, envelope.body:
            case "message", body:
                message = message_in(body, node)
                own = message.id
            case "again", {"frame": str() as inner, "id": str() as own}:
                message = self._first(box, _bytes(inner))
            case _:
                raise EnvelopeRefused(f"what lies in a mailbox is no {envelope.what}")
        if own != name:
            raise EnvelopeRefused("it is stored under another id than its own: it is a replay")
        return message

    def _first(self, box: Box, frame: bytes) -> Message:
        """A message that lay in ``box`` once; who puts it there again is believed as to when."""
        node, envelope = self.mesh.seals.open_all(frame, box.context)
        if envelope.what == "again":
            return self._first(box, _bytes(envelope.body.get("frame")))
        return message_in(envelope.body, node)

    async def _letter(self, js: JetStreamContext, number: int) -> DeadLetter | None:
        try:
            kept = await js.get_msg(self.dead_stream, number)
        except nats.js.errors.NotFoundError:
            return None
        try:
            _, envelope = self.mesh.seals.open_all(kept.data or b"", "dead")
            match envelope.body:
                case {
                    "frame": str() as frame,
                    "box": [*words],
                    "reason": str() as reason,
                    "attempts": int() as tries,
                }:
                    box, data = Box(tuple(map(str, words))), _bytes(frame)
                    return DeadLetter(number, self._first(box, data), box, reason, tries, envelope.at, data)
        except EnvelopeRefused as error:
            self.mesh.peers.refuse(error)
        return None

    async def _put(self, subject: str, name: str, context: str, what: str, body: Mapping[str, Any]) -> None:
        """Publish into a stream until it is acknowledged; the id makes trying again harmless."""
        reason = ""
        for turn in range(_TRIES):
            try:
                await self.prepare()
                data = self.mesh.seals.for_all(context, what, body)
                wire = self.mesh.connection
                answer = await wire.request(subject, data, _STORE_S, headers={MESSAGE_ID: name})
            except NoReply:
                reason = "JetStream did not answer"
            except Unreachable as error:
                # Nobody takes the subject: JetStream begins, or the stream is gone.
                self._made, reason = False, f"JetStream has not got it: {error.reason}"
            else:
                refused = _refused(answer.payload)
                if refused:
                    raise Unreachable(subject, f"JetStream does not take it: {refused}")
                return
            await asyncio.sleep(0.05 * 4**turn)
        raise Unreachable(subject, reason)

    async def _make(self, js: JetStreamContext, config: StreamConfig) -> None:
        try:
            await js.add_stream(config)
        except nats.js.errors.BadRequestError:
            try:  # it is there with other bounds: these hold from now on
                await js.update_stream(replace(config))
            except (nats.js.errors.Error, nats.errors.Error) as error:
                raise Unreachable("JetStream", f"the stream {config.name}: {error}") from None
        except nats.js.errors.ServiceUnavailableError:
            raise Unreachable(
                "JetStream", "this NATS server has none, so no mailbox can be durable"
            ) from None
        except (nats.js.errors.Error, nats.errors.Error, TimeoutError) as error:
            raise Unreachable("JetStream", f"the stream {config.name}: {error}") from None


def _refused(answer: bytes) -> str:
    """Why JetStream did not keep what was published, ``""`` where it did.

    Source: ADR-22 of NATS, the acknowledgement of a publication.
    """
    match read_json(answer):
        case {"error": {"description": str() as description}}:
            return description
        case {"stream": str(), "seq": int()}:
            return ""
    return "what it answers is no acknowledgement"


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except (ValueError, binascii.Error):
        raise EnvelopeRefused("what it holds is no base64") from None
