"""What people see of a tree: one line an agent or supervisor, in the tree's order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from mcp_wasm.agents.children import Kept
from mcp_wasm.agents.slot import Slot
from mcp_wasm.agents.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class View:
    """One agent or supervisor.

    ``path`` is ``""`` for the root; ``phase`` is ``starting``, ``waiting``, ``running``, ``stopped`` or
    ``dead`` for an agent, ``running`` or ``stopped`` for a supervisor. ``depths`` are the messages that
    wait, most urgent first. ``fuel`` is the sum of all messages.
    """

    path: str
    type: Literal["agent", "supervisor"]
    phase: str
    restarts: int = 0
    depths: tuple[int, int, int, int] = (0, 0, 0, 0)
    handled: int = 0
    failed: int = 0
    dropped: int = 0
    fuel: int = 0
    component: str = ""
    exposed: bool = False
    last_error: str = ""


def view(supervisor: Supervisor | None, slots: Mapping[str, Slot]) -> list[View]:
    """The tree below ``supervisor``, itself first."""
    if supervisor is None:
        return []
    return [View("", "supervisor", "running"), *_below(supervisor, slots)]


def _below(supervisor: Supervisor, slots: Mapping[str, Slot]) -> Iterator[View]:
    for child in supervisor.which_children():
        if child.type == "supervisor":
            yield View(child.path, "supervisor", child.state, child.restarts)
            if isinstance(child.child, Supervisor):
                yield from _below(child.child, slots)
        else:
            slot = slots.get(child.path)
            yield _agent(child, slot) if slot is not None else View(child.path, "agent", child.state)


def _agent(child: Kept, slot: Slot) -> View:
    return View(
        child.path,
        "agent",
        slot.phase if child.state == "running" else child.state,
        child.restarts,
        slot.mailbox.depths,
        slot.handled,
        slot.failed,
        slot.mailbox.dropped,
        slot.fuel,
        str(slot.spec.component),
        slot.spec.exposed,
        slot.last_error,
    )
