"""What those who carry out effects need of the node that the agents belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from mcp_wasm.agents.handler import Handler
from mcp_wasm.agents.message import Message
from mcp_wasm.capability.match import Decision

Work = Coroutine[Any, Any, None]
"""What is left to be awaited."""


class Post(Protocol):
    """What the outbox needs of the node that it belongs to."""

    name: str

    def deliver(self, message: Message, *, must: bool = False) -> Work | None:
        """Into a mailbox of this node, or on its way to another; work that is left to be awaited.

        ``must``: a mailbox takes it even when it is full.

        Raises:
            McpWasmError: nobody takes it.
        """

    def publish(self, message: Message) -> Work | None:
        """To all that subscribe to the subject ``message.to``."""

    def later(self, path: str, seconds: float, message: Message) -> None:
        """Send it in ``seconds``.

        Raises:
            McpWasmError: the agent has too many timers.
        """

    def spawn(self, work: Work) -> asyncio.Task[None]:
        """Let it run beside the agents."""

    def note(self, path: str, what: str, detail: str) -> None:
        """An event."""

    def denied(self, path: str, handler: Handler, asked: str, kind: str, decision: Decision[Any]) -> None:
        """An attempt that was not granted."""
