"""What agents need from other layers: a mesh, language models, tools. Each is injected.

A node works without any of them: with no ``Bus`` its agents are alone, without
``Models`` a question is answered by the fallback, and so on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.agents.message import Message
from mcp_wasm.capability.grant import Grants

Settled = Literal["handled", "failed", "dropped"]
"""What became of a delivery: its effects were carried out; its handler failed or its agent is gone (it is
to be given again); it can never be handled (the reason says why: it is a dead letter)."""

Settle = Callable[[Settled, str], None]
"""Called once for a delivery, on the event loop, with the reason where it was not handled."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way into a mailbox; ``settle`` is for who has to know when it was handled."""

    message: Message
    settle: Settle | None = None
    kept: bool = False
    """Whether it is kept elsewhere until it is settled, and comes again if it is not."""


Deliver = Callable[[Delivery], None]
"""Puts a message into the mailbox of an agent of this node.

Raises:
    UnknownAgent, MailboxFull: it was not taken.
"""


class Bus(Protocol):
    """The way to other nodes, implemented by ``mesh``."""

    node: str

    async def start(self, receive: Deliver) -> None:
        """Begin; ``receive`` gets what is for this node and no agent of it: replies to ``client:…@node``.

        Raises:
            Unreachable: there is no way to the mesh at all.
        """

    async def close(self) -> None:
        """End; what was accepted is sent first, for a few seconds at most."""

    async def send(self, message: Message, *, durable: bool) -> None:
        """Send to the address ``message.to``; returns when the mesh has it (durable: stored).

        Raises:
            Unreachable: no node has the agent, or NATS is away and the buffer is full.
        """

    async def publish(self, subject: str, message: Message) -> None:
        """Publish to all that subscribe to ``subject`` (a subject of agents, without the mesh's prefix)."""

    async def open(
        self, path: str, spec: AgentSpec, deliver: Deliver, former: Sequence[str] = ()
    ) -> Callable[[], Awaitable[None]]:
        """An agent lives: announce it, subscribe for it, its queue group and its durable messages.

        ``deliver`` gets what comes, also what lies in its durable mailboxes of the nodes ``former``, where it
        was before; the result ends it.
        """

    async def ask(self, node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What ``node`` says to ``body``, which is of a move.

        Raises:
            McpWasmError: it cannot be asked, or refuses.
        """

    async def known(self, path: str, node: str) -> None:
        """Wait until it is known here that ``node`` has the agent ``path``, for some seconds at most."""

    def answer(self, handle: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]) -> None:
        """Have ``handle`` answer what other nodes, each known by its name, say of moves."""


class Models(Protocol):
    """Language models, implemented over ``llm``."""

    async def ask(self, operation: str, text: str, grants: Grants, who: str, id_: str) -> Mapping[str, Any]:
        """The answer as JSON: at least ``status``. Never raises for what a provider did.

        ``id_`` names the operation: with the same id the same question is answered once.
        """


class Tools(Protocol):
    """Calls of published tools, implemented over the runtime."""

    async def call(self, name: str, arguments: Mapping[str, Any], who: str) -> Mapping[str, Any]:
        """``{"ok": value}`` or ``{"err": text}``, of a tool that the agent may call."""


class State(Protocol):
    """The memory of agents, over a store of ``memory``; every method is quick or runs beside the loop."""

    async def load(self, agent: str, keys: Sequence[str]) -> Sequence[tuple[str, str]]:
        """The keys that hold something, with their values; ``prefix*`` stands for several."""

    async def store(self, agent: str, entries: Sequence[tuple[str, str | None]]) -> None:
        """Keep all of ``entries`` or none; None removes."""
