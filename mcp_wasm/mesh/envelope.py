"""Envelopes: what goes between nodes, as bytes and back. Pure: no network, no keys.

A frame is ``MWE``, a version, the kind of its seal, the sending node's name, the seal and a JSON
body. The seal stands before the body, so that who reads it can refuse a frame without looking into
what a stranger wrote. Reading is strict and bounded: whatever is not what ``encode`` writes is an
``EnvelopeRefused``, which costs its one message and nothing else. Keys and the check of seals are
in ``seals``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mcp_wasm.agents import address
from mcp_wasm.agents.message import KINDS, MOST_BYTES, PRIORITIES, Message, fields
from mcp_wasm.errors import CallerError

MAGIC = b"MWE"
VERSION = 1

Seal = Literal["pair", "all"]
"""``pair``: a MAC by a key that two nodes share; ``all``: the sender's card and its signature, which every
node can check."""

SEAL_BYTES: Mapping[Seal, int] = {"pair": 32, "all": 128}
_CODES: Mapping[Seal, int] = {"pair": 1, "all": 2}
_SEALS = {code: seal for seal, code in _CODES.items()}

LARGEST = 2 * MOST_BYTES + 64 * 1024
"""Bytes of a frame: escaped in JSON, most payloads stay below twice their size."""

CLIENT = re.compile(r"client:[A-Za-z0-9_.:/-]{1,128}")
"""A sender that is no agent but waits for a reply in its node."""

SENT_KINDS = KINDS | {"reply", "failure"}
"""Kinds of messages that another node may send; what else the runtime says is for its own agents."""

_ID = re.compile(r"[!-~]{1,200}")
_WHAT = re.compile(r"[a-z_]{1,32}")
_LATEST = 2**53
_MESSAGE = ("id", "from", "to", "payload", "timestamp", "priority", "kind", "re")


class EnvelopeRefused(CallerError):
    """Bytes from the mesh are no envelope of this version, or are not believed; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"An envelope from the mesh was refused: {reason}")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one node says to another, or to all.

    ``boot`` names the life of the sending node (milliseconds since 1970 at which it began),
    ``number`` rises by one with each envelope of that life, ``at`` is when it was sent
    (milliseconds since 1970), ``what`` is what ``body`` is.
    """

    boot: int
    number: int
    at: int
    what: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was taken apart and not yet believed: ``sealed`` is what ``mark`` seals."""

    sender: str
    seal: Seal
    mark: bytes
    sealed: bytes
    body: bytes


def body_of(envelope: Envelope) -> bytes:
    """The JSON of an envelope, which goes into a frame."""
    fields = [envelope.boot, envelope.number, envelope.at, envelope.what, envelope.body]
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sealed(sender: str, seal: Seal, context: str, body: bytes) -> bytes:
    """What a seal is made over: all of a frame but the seal, and the ``context`` it is meant for."""
    return b"\0".join((_head(sender, seal), context.encode(), body))


def frame(sender: str, seal: Seal, mark: bytes, body: bytes) -> bytes:
    """The bytes of a frame with the seal ``mark``."""
    return _head(sender, seal) + mark + body


def split(data: bytes, context: str, *, most: int = LARGEST) -> Frame:
    """``data`` taken apart, for a frame that was meant for ``context``.

    Raises:
        EnvelopeRefused: it is no frame.
    """
    if len(data) > most:
        raise EnvelopeRefused(f"it has {len(data):,} bytes, at most {most:,} are read")
    if len(data) < 6 or data[:3] != MAGIC:
        raise EnvelopeRefused("it does not begin as one")
    if data[3] != VERSION:
        raise EnvelopeRefused(f"it is of version {data[3]}, this node reads version {VERSION}")
    seal, end = _SEALS.get(data[4]), 6 + data[5]
    if seal is None:
        raise EnvelopeRefused(f"its seal is of no known kind ({data[4]})")
    body = end + SEAL_BYTES[seal]
    if len(data) <= body:
        raise EnvelopeRefused("it is cut off")
    try:
        sender = address.check_part(data[6:end].decode("ascii"), "a node")
    except (UnicodeDecodeError, CallerError):
        raise EnvelopeRefused("the name of its node is none") from None
    text = data[body:]
    return Frame(sender, seal, data[end:body], sealed(sender, seal, context, text), text)


def envelope_in(body: bytes) -> Envelope:
    """The envelope in the body of a frame whose seal was found right.

    Raises:
        EnvelopeRefused: it is none.
    """
    match read_json(body):
        case [int() as boot, int() as number, int() as at, str() as what, dict() as fields] if all(
            _is_number(each) for each in (boot, number, at)
        ) and _WHAT.fullmatch(what):
            return Envelope(boot, number, at, what, fields)
    raise EnvelopeRefused("its body has not the form of one")


def read_json(data: bytes | str) -> Any:
    """``data`` as JSON, without what JSON does not have.

    Raises:
        EnvelopeRefused: it is none, or nests too deep.
    """
    try:
        return _JSON.decode(data if isinstance(data, str) else data.decode())
    except (ValueError, RecursionError) as error:
        raise EnvelopeRefused(f"it is no JSON ({type(error).__name__})") from None


def message_out(message: Message) -> dict[str, Any]:
    """A message as the body of an envelope; its sender without a node, which the receiver adds."""
    return fields(message)


def message_in(body: Mapping[str, Any], node: str) -> Message:
    """The message in the body of an envelope that ``node`` sent.

    Its sender gets that node's name whatever the body says: nobody speaks for another node's agents.

    Raises:
        EnvelopeRefused: it is no message, or one that no other node may send.
    """
    if body.keys() != set(_MESSAGE):
        raise EnvelopeRefused("its message has other fields than a message has")
    texts = {name: body[name] for name in _MESSAGE if name != "timestamp"}
    if not all(isinstance(text, str) for text in texts.values()) or not _is_number(body["timestamp"]):
        raise EnvelopeRefused("a field of its message is of another type")
    if not _ID.fullmatch(texts["id"]) or (texts["re"] and not _ID.fullmatch(texts["re"])):
        raise EnvelopeRefused("the id of its message is none")
    if texts["kind"] not in SENT_KINDS:
        raise EnvelopeRefused(f"other nodes send no messages of the kind {texts['kind'][:40]!r}")
    if texts["priority"] not in PRIORITIES:
        raise EnvelopeRefused(f"there is no priority {texts['priority'][:40]!r}")
    _check_payload(texts["payload"])
    return Message(
        texts["id"],
        _sender(texts["from"], node),
        check_to(texts["to"]),
        texts["payload"],
        body["timestamp"],
        PRIORITIES[texts["priority"]],
        texts["kind"],
        texts["re"],
    )


def check_to(to: str) -> str:
    """``to`` if it is an address, or one who waits for a reply.

    Raises:
        EnvelopeRefused: it is neither.
    """
    name, at, node = to.partition("@")
    try:
        if CLIENT.fullmatch(name):
            if at:
                address.check_part(node, "a node")
        else:
            address.parse(to)
    except CallerError:
        raise EnvelopeRefused(f"its message is for {to[:80]!r}, which is no address") from None
    return to


def _sender(given: str, node: str) -> str:
    name, _, _ = given.partition("@")
    if not CLIENT.fullmatch(name):
        try:
            address.parse(name)
        except CallerError:
            raise EnvelopeRefused(f"its sender {given[:80]!r} is no agent and no client") from None
    return f"{name}@{node}"


def _check_payload(payload: str) -> None:
    try:
        size = len(payload.encode())
    except UnicodeEncodeError:
        raise EnvelopeRefused("its payload has half characters") from None
    if size > MOST_BYTES:
        raise EnvelopeRefused(f"its payload has {size:,} bytes, at most {MOST_BYTES:,} are taken")
    read_json(payload)


def _head(sender: str, seal: Seal) -> bytes:
    name = sender.encode("ascii")
    return MAGIC + bytes((VERSION, _CODES[seal], len(name))) + name


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < _LATEST


def _no_constant(name: str) -> None:
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_constant=_no_constant)


class Window:
    """Numbers that were seen, so that none counts twice: the highest, and which of those just below it.

    Source: the anti-replay window of IPsec (RFC 4303, 3.4.3).
    """

    SIZE = 1024

    def __init__(self) -> None:
        self._highest, self._seen = -1, 0

    def take(self, number: int) -> bool:
        """Whether ``number`` is new; it no longer is after that."""
        if number > self._highest:
            shift = number - self._highest
            self._seen = 1 if shift >= self.SIZE else (self._seen << shift | 1) & (1 << self.SIZE) - 1
            self._highest = number
            return True
        back = self._highest - number
        if back >= self.SIZE or self._seen >> back & 1:
            return False
        self._seen |= 1 << back
        return True
