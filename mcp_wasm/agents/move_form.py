"""What an agent takes along when it moves to another node, as text and back. Pure.

What it keeps, the messages that wait for it, who waits for its answers, and the nodes whose durable
mailboxes it still empties. No code and no grant is in it: those are what the new node's own person
declared. Reading is strict, since what another node says is a stranger's word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_wasm.agents.address import LONGEST, check_part
from mcp_wasm.agents.message import KINDS, MOST_BYTES, RUNTIME_KINDS, Message, Priority
from mcp_wasm.errors import CallerError, MessageRefused

PART = 256 * 1024
"""Characters of one part."""

MOST = 64 * 1024 * 1024
"""Characters of all parts."""


@dataclass(frozen=True, slots=True)
class Luggage:
    """What moves: entries of memory, messages in order, askers by the id of their message, former nodes."""

    memory: tuple[tuple[str, str], ...] = ()
    messages: tuple[Message, ...] = ()
    askers: tuple[tuple[str, str], ...] = ()
    former: tuple[str, ...] = ()


def packed(luggage: Luggage) -> list[str]:
    """The parts, at least one.

    Raises:
        MessageRefused: it is too much.
    """
    told = [
        luggage.memory,
        [_out(message) for message in luggage.messages],
        luggage.askers,
        luggage.former,
    ]
    text = json.dumps(told, separators=(",", ":"))
    if len(text) > MOST:
        raise MessageRefused("what the agent takes along", f"at most {MOST:,} characters", f"{len(text):,}")
    return [text[at : at + PART] for at in range(0, len(text), PART)]


def unpacked(parts: Iterable[str], path: str) -> Luggage:
    """What came for the agent at ``path``.

    Raises:
        CallerError: it is nothing of the kind.
    """
    try:
        match json.loads("".join(parts)):
            case [[*memory], [*messages], [*askers], [*former]]:
                return Luggage(
                    _pairs(memory),
                    tuple(_message(each, path) for each in messages),
                    _pairs(askers),
                    tuple(check_part(_text(each, 63), "a node") for each in former),
                )
    except (ValueError, RecursionError, TypeError):
        pass
    raise CallerError(f"What came for the agent {path} has not the form of what an agent takes along")


def _out(message: Message) -> list[Any]:
    return [
        message.id,
        message.sender,
        message.payload,
        message.timestamp,
        int(message.priority),
        message.kind,
        message.re,
    ]


def _message(value: object, path: str) -> Message:
    match value:
        case [
            str() as id_,
            str() as sender,
            str() as payload,
            int() as at,
            int() as priority,
            str() as kind,
            str() as re,
        ] if kind in KINDS | RUNTIME_KINDS and len(payload.encode()) <= MOST_BYTES and at >= 0:
            json.loads(payload)
            return Message(
                _text(id_, 200), _text(sender, LONGEST), path, payload, at, Priority(priority), kind, re[:200]
            )
    raise ValueError("no message")


def _pairs(values: Sequence[object]) -> tuple[tuple[str, str], ...]:
    found = []
    for value in values:
        match value:
            case [str() as key, str() as text]:
                found.append((key, text))
            case _:
                raise ValueError("no pair")
    return tuple(found)


def _text(value: object, most: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise ValueError("no text")
    return value
