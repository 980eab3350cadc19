"""What stays of an agent while it is started anew: its mailbox, who waits for its answers, its counts."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.agents.mailbox import Mailbox

if TYPE_CHECKING:
    from mcp_wasm.agents.agent import Agent

ASKERS = 10_000
"""Messages of which it is remembered who sent them, for an answer that comes later."""

Phase = str
"""``starting``, ``waiting``, ``running``, ``standby``, ``stopped`` or ``dead``."""

Place = Literal["here", "moving", "away"]
"""Whether this node has the agent, gives it to another, or has it not."""


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(slots=True)
class Slot:
    """The place of one agent in its node.

    ``finishing`` is work of an ended incarnation that the next one waits for; ``fuel`` is the sum of all
    messages; ``opening`` makes it known to other nodes, and gives what ends that. ``turn`` is set
    while the agent is here; ``former`` are nodes where it was, whose durable mailboxes it empties.
    """

    path: str
    spec: AgentSpec
    mailbox: Mailbox
    askers: OrderedDict[str, str] = field(default_factory=OrderedDict)
    agent: Agent | None = None
    phase: Phase = "starting"
    restarts: int = 0
    handled: int = 0
    failed: int = 0
    fuel: int = 0
    calls: int = 0
    finishing: asyncio.Task[None] | None = None
    last_error: str = ""
    opening: asyncio.Task[Callable[[], Awaitable[None]]] | None = None
    place: Place = "here"
    former: tuple[str, ...] = ()
    turn: asyncio.Event = field(default_factory=_set)

    def park(self) -> None:
        """Begin to move it: it takes no more, and what comes waits."""
        self.place = "moving"
        self.turn.clear()

    def leave(self) -> None:
        """It is on another node, or on standby."""
        self.place = "away"
        self.turn.clear()

    def stay(self) -> None:
        """It is here, and takes what comes."""
        self.place = "here"
        self.turn.set()

    def asked(self, message: str, sender: str) -> None:
        """Remember who sent ``message``; another node that uses its id again does not get the answer."""
        self.askers.setdefault(message, sender)
        if len(self.askers) > ASKERS:
            self.askers.popitem(last=False)
