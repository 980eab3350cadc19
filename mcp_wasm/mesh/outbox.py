"""Messages that wait for NATS to come back: in order, up to a bound. And how large one is."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from mcp_wasm.errors import Unreachable

OVERHEAD = 256
"""Bytes of a message beside its payload and headers: its command line, the header's first line."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent."""

    subject: str
    payload: bytes
    headers: dict[str, str] | None = None
    reply: str = ""

    @property
    def size(self) -> int:
        """About its bytes, and never fewer."""
        return len(self.payload) + OVERHEAD + len(self.subject) + len(self.reply) + _size(self.headers or {})


def _size(headers: Mapping[str, str]) -> int:
    return sum(len(name) + len(value.encode()) + 4 for name, value in headers.items())


class Outbox:
    """At most ``most`` bytes of messages."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.bytes = 0
        self.refused = 0
        """How many messages were not taken."""
        self._messages: deque[Outgoing] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def first(self) -> Outgoing | None:
        """The one that has waited longest."""
        return self._messages[0] if self._messages else None

    def put(self, message: Outgoing, reason: str) -> None:
        """Have it wait; ``reason`` says why it has to.

        Raises:
            Unreachable: there is no room.
        """
        if self.bytes + message.size > self.most:
            self.refused += 1
            why = f"NATS is away ({reason}), and no more than {self.most:,} bytes wait for it"
            raise Unreachable(message.subject, why)
        self._messages.append(message)
        self.bytes += message.size

    def drop_first(self) -> None:
        """The first one is sent, or can never be."""
        self.bytes -= self._messages.popleft().size
