"""What nodes tell of themselves: the beat that says "I live", and the description behind it. Pure.

A beat is small and goes to all every second; it carries the digest of the node's description, which
who wants it asks that node for. Both are read strictly and bounded: an announcement is a stranger's
word until its seal is checked, and a member's word after that.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_wasm.agents import address
from mcp_wasm.errors import CallerError
from mcp_wasm.mesh.envelope import EnvelopeRefused, read_json
from mcp_wasm.mesh.identity import bytes_in, text_of

MOST_BYTES = 8 * 1024 * 1024
"""Bytes of JSON of one description."""

MOST_AGENTS, MOST_COMPONENTS, MOST_INTERFACES = 100_000, 2_000, 1_000
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Beat:
    """That a node lives.

    ``exchange`` is the public key (X25519) of this life of it, ``state`` the digest of its
    description, ``calls`` how many calls of its tools run there and ``room`` how many more it takes;
    ``leaving`` is its last word.
    """

    exchange: bytes
    state: str
    calls: int = 0
    room: int = 0
    leaving: bool = False

    def out(self) -> dict[str, Any]:
        """The beat as the body of an envelope."""
        return {
            "exchange": text_of(self.exchange),
            "state": self.state,
            "calls": self.calls,
            "room": self.room,
            "leaving": self.leaving,
        }


def beat_in(body: Mapping[str, Any]) -> Beat:
    """The beat in the body of an envelope.

    Raises:
        EnvelopeRefused: it is none.
    """
    match body:
        case {
            "exchange": str() as exchange,
            "state": str() as state,
            "calls": int() as calls,
            "room": int() as room,
            "leaving": bool() as leaving,
        } if len(body) == 5 and len(state) == 64 and min(calls, room) >= 0:
            return Beat(bytes_in(exchange, 32), state, calls, room, leaving)
    raise EnvelopeRefused("a beat has not the form of one")


@dataclass(frozen=True, slots=True)
class AgentNews:
    """An agent that a node has: whether its mailbox is durable, and the group it shares it with."""

    durable: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True)
class ComponentNews:
    """A component whose tools a node serves; ``shown`` is the digest of what it tells of them."""

    digest: str
    shown: str


@dataclass(frozen=True, slots=True)
class Description:
    """What a node has: agents by path, components by name, and who exports each WIT interface."""

    agents: Mapping[str, AgentNews] = field(default_factory=dict)
    components: Mapping[str, ComponentNews] = field(default_factory=dict)
    exports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def packed(self) -> bytes:
        """The description as it travels."""
        return zlib.compress(self._json(), 1)

    @property
    def digest(self) -> str:
        """What tells it from any other (SHA-256, hex)."""
        return hashlib.sha256(self._json()).hexdigest()

    def _json(self) -> bytes:
        value = {
            "agents": {path: [each.durable, each.group] for path, each in sorted(self.agents.items())},
            "components": {name: [each.digest, each.shown] for name, each in sorted(self.components.items())},
            "exports": {name: list(who) for name, who in sorted(self.exports.items())},
        }
        return json.dumps(value, separators=(",", ":")).encode()


EMPTY = Description()


def unpacked(data: bytes, most: int = MOST_BYTES) -> bytes:
    """What was compressed, unless it is more than ``most`` bytes.

    Raises:
        EnvelopeRefused: it is, or is damaged.
    """
    reader = zlib.decompressobj()
    try:
        found = reader.decompress(data, most + 1)
    except zlib.error:
        raise EnvelopeRefused("what was compressed in it is damaged") from None
    if len(found) > most or not reader.eof:
        raise EnvelopeRefused(f"what was compressed in it has more than {most:,} bytes, or is cut off")
    return found


def description_in(packed: bytes) -> Description:
    """The description that travelled as ``packed``.

    Raises:
        EnvelopeRefused: it is none.
    """
    match read_json(unpacked(packed)):
        case {
            "agents": dict() as agents,
            "components": dict() as components,
            "exports": dict() as exports,
        } if (
            len(agents) <= MOST_AGENTS
            and len(components) <= MOST_COMPONENTS
            and len(exports) <= MOST_INTERFACES
        ):
            return Description(
                {_path(path): _agent(each) for path, each in agents.items()},
                {_text(name): _component(each) for name, each in components.items()},
                {_text(name): _texts(each) for name, each in exports.items()},
            )
    raise EnvelopeRefused("a description has not the form of one, or lists too much")


def _path(text: str) -> str:
    try:
        found = address.parse(text)
    except CallerError as error:
        raise EnvelopeRefused(str(error)) from None
    if found.node:
        raise EnvelopeRefused(f"the path of an agent of that node names a node: {text[:80]!r}")
    return found.path


def _agent(value: object) -> AgentNews:
    match value:
        case [bool() as durable, str() as group]:
            try:
                return AgentNews(durable, address.check_part(group, "a group") if group else "")
            except CallerError:
                pass
    raise EnvelopeRefused("what is told of an agent has not its form")


def _component(value: object) -> ComponentNews:
    match value:
        case [str() as digest, str() as shown] if len(digest) <= 64 and len(shown) == 64:
            return ComponentNews(digest, shown)
    raise EnvelopeRefused("what is told of a component has not its form")


def _text(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isascii() and value.isprintable():
        return value
    raise EnvelopeRefused("a name in a description is none")


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_COMPONENTS:
        raise EnvelopeRefused("a list of names in a description is none")
    return tuple(_text(each) for each in value)
