"""What follows from what happens in a tree: links and monitors act, the health of agents is asked for."""

from __future__ import annotations

from collections.abc import Callable

from mcp_wasm.agents.child_spec import HealthSpec, SupervisorSpec
from mcp_wasm.agents.events import Event
from mcp_wasm.agents.health import Health
from mcp_wasm.agents.links import Kill, Links
from mcp_wasm.agents.message import Message
from mcp_wasm.agents.slots import Slots
from mcp_wasm.errors import UnknownAgent

Note = Callable[[str, str, str], None]


class Watching:
    """Looks on at the agents in ``slots``; what is to exit is killed, who is to be told is sent to."""

    def __init__(self, slots: Slots, kill: Kill, send: Callable[[str, Message], None], note: Note) -> None:
        self._slots, self._kill, self._send = slots, kill, send
        self.links = Links(self._end, self._told, note)
        self._health = Health(self._asked_for, self._ask, self._end, note)

    def begin(self, tree: SupervisorSpec) -> None:
        """A tree is to start."""
        self.links.declare_tree(tree)

    def seen(self, event: Event) -> None:
        """Something happened."""
        self.links.seen(event)
        self._health.seen(event)

    async def close(self) -> None:
        """Look on no more."""
        await self._health.close()

    def _asked_for(self, path: str) -> HealthSpec | None:
        slot = self._slots.get(path)
        return slot.spec.health if slot is not None else None

    async def _ask(self, path: str) -> None:
        slot = self._slots.found(path)
        if slot.agent is not None:
            await slot.agent.healthy()

    def _end(self, path: str, reason: str) -> None:
        try:
            self._kill(path, reason)
        except UnknownAgent:
            return  # it went on its own meanwhile

    def _told(self, message: Message) -> None:
        if message.to in self._slots:
            self._send(message.to, message)
