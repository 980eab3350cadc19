"""Messages that wait while NATS is away: in order, and bounded. Pure."""

from __future__ import annotations

from collections import deque

from mcp_wasm.agents.message import Message
from mcp_wasm.errors import Unreachable

_BESIDE = 512
"""Bytes that a message takes beside its payload, about."""


class Waiting:
    """At most ``most`` messages of ``most_bytes`` together, each with the subject that it is for, if any."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most, self.most_bytes = most, most_bytes
        self._messages: deque[tuple[Message, str | None]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def first(self) -> tuple[Message, str | None]:
        """The one that goes first."""
        return self._messages[0]

    def add(self, message: Message, subject: str | None) -> None:
        """One more.

        Raises:
            Unreachable: there is no room for it.
        """
        size = len(message.payload) + _BESIDE
        if len(self._messages) >= self.most or self._bytes + size > self.most_bytes:
            raise Unreachable(
                message.to,
                f"NATS is away, and {len(self._messages):,} messages wait for it already; "
                f"at most {self.most:,} of {self.most_bytes:,} bytes may",
            )
        self._messages.append((message, subject))
        self._bytes += size

    def drop(self) -> None:
        """The first one waits no more."""
        message, _ = self._messages.popleft()
        self._bytes -= len(message.payload) + _BESIDE
