"""A message between agents: what it says, who it is from, how urgent it is.

Pure: it knows no mailbox, no agent and no network. In components it is the record
``message`` of ``wit/mcp-wasm-agent-0.1.0``; over NATS it is the envelope of ``mesh``.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

MOST_BYTES = 1024 * 1024
"""Bytes of UTF-8 of one payload."""

KINDS = frozenset({"llm_task", "state_update", "coordination", "data_transfer", "request"})
"""What agents and people may send."""

RUNTIME_KINDS = frozenset({"reply", "failure", "tool_result", "llm_result", "timer", "down", "exit"})
"""What only the runtime sends."""

RUNTIME_SENDERS = frozenset({"llm", "system"})
"""What no agent is called, since the runtime sends under these."""

DEFAULT_KIND = "data_transfer"


class Priority(IntEnum):
    """Which message goes first; the number is the mailbox's lane."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


PRIORITIES = {each.name.lower(): each for each in Priority} | {"medium": Priority.NORMAL}
"""The priorities by the names that people and guests write; ``medium`` is normal."""


def new_id() -> str:
    """An id that no other message has, of this process or another.

    Nobody can guess it who was not told: an answer finds who waits for it by the id of the question.
    """
    return secrets.token_hex(12)


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    ``payload`` is JSON text. ``sender`` and ``to`` are addresses (see ``address``), or
    of a sender that is no agent: ``client:…``, ``tool:…``, ``llm``, ``system``.
    ``timestamp`` is milliseconds since 1970. ``re`` is what it answers: the id of a message,
    or the tag of a tool call or of a question. ``attempt`` is 1 for the first delivery.
    """

    id: str
    sender: str
    to: str
    payload: str
    timestamp: int
    priority: Priority = Priority.NORMAL
    kind: str = DEFAULT_KIND
    re: str = ""
    attempt: int = 1

    @property
    def value(self) -> Any:
        """The payload as a JSON value."""
        return json.loads(self.payload)


def text(payload: Any) -> str:
    """A payload as JSON text."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def fields(message: Message) -> dict[str, Any]:
    """What a message says, by the names of WIT: all but which delivery it is."""
    return {
        "id": message.id,
        "from": message.sender,
        "to": message.to,
        "payload": message.payload,
        "timestamp": message.timestamp,
        "priority": message.priority.name.lower(),
        "kind": message.kind,
        "re": message.re,
    }


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def new(  # noqa: PLR0917 - the fields of a message
    sender: str,
    to: str,
    payload: str,
    priority: Priority = Priority.NORMAL,
    kind: str = DEFAULT_KIND,
    re: str = "",
) -> Message:
    """A message that is sent now; ``payload`` is JSON text."""
    return Message(new_id(), sender, to, payload, now(), priority, kind, re)
