"""What handles an agent's messages, whatever it is: a component in the sandbox, or a stand-in of a test.

The agent's loop gives it several messages at once and gets, for each up to the
first that failed, what is to be done. It keeps nothing that has to survive a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mcp_wasm.agents.effects import Effect
from mcp_wasm.agents.message import Message
from mcp_wasm.capability.grant import NOTHING, Grants
from mcp_wasm.errors import McpWasmError


@dataclass(slots=True)
class Situation:
    """What an agent is told of itself: the record ``context``.

    ``config`` is JSON text. ``memory`` are the loaded keys; the handler brings it up to date with
    what each message stored, so that the next message of the same batch finds it.
    """

    agent: str
    node: str
    config: str = "{}"
    restarts: int = 0
    memory: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Handled:
    """What came of one message: ``effects``, or ``error``; ``fuel`` is what it took."""

    effects: tuple[Effect, ...] = ()
    error: McpWasmError | None = None
    fuel: int = 0


class Handler(Protocol):
    """Handles messages, one batch at a time.

    ``name`` and ``digest`` are its component's; ``grants`` are those under which the last batch ran, and
    under which its effects are carried out.
    """

    grants: Grants

    @property
    def name(self) -> str:
        """The component's name, by which people grant."""

    @property
    def digest(self) -> str:
        """The component's digest."""

    @property
    def options(self) -> tuple[str, ...]:
        """Flags that a command about the component needs to find it."""

    async def start(self) -> None:
        """Make ready.

        Raises:
            McpWasmError: it cannot be.
        """

    async def handle(self, situation: Situation, messages: Sequence[Message], handled: list[Handled]) -> None:
        """Handle ``messages`` in order and append what came of each to ``handled``.

        It ends early after one that failed or that stops the agent. Cancelled, it stops what runs, and
        ``handled`` has what was done until then.
        """

    async def healthy(self, situation: Situation) -> None:
        """Ask it whether it is well, between batches.

        Raises:
            McpWasmError: it says that it is not.
        """

    def close(self) -> None:
        """Let go of it; nothing of it runs any more, or will be stopped."""


class Native:
    """A handler of plain Python, for agents that the runtime itself is: tests, benchmarks, gateways."""

    grants: Grants = NOTHING
    name: str = "native"
    digest: str = ""
    options: tuple[str, ...] = ()

    async def start(self) -> None:
        """Nothing to make ready."""

    async def handle(self, situation: Situation, messages: Sequence[Message], handled: list[Handled]) -> None:
        """Handle each by ``one``."""
        handled.extend(Handled(self.one(situation, message)) for message in messages)

    def one(self, _situation: Situation, message: Message) -> tuple[Effect, ...]:
        """What is to be done for one message."""
        raise NotImplementedError

    async def healthy(self, situation: Situation) -> None:
        """It is."""

    def close(self) -> None:
        """Nothing to let go of."""
