"""The places of a node's agents, by path, and by the subjects that they subscribe to."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.agents.mailbox import Mailbox, OnDrop
from mcp_wasm.agents.slot import Slot
from mcp_wasm.agents.spill import Spills
from mcp_wasm.capability.match import subject_fits
from mcp_wasm.errors import CallerError, UnknownAgent

_HOPS = 8
"""Routes that a message follows at most."""


class Slots(dict[str, Slot]):
    """The slots by path; what does not fit into a mailbox goes to a file in ``folder``."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._spills: Spills | None = None
        self._subscribed: dict[str, list[str]] = {}

    def open(self, path: str, spec: AgentSpec, on_drop: OnDrop) -> Slot:
        """A new place, whose mailbox has what was on disk for it.

        Raises:
            SpillFailed: the file cannot be used.
        """
        spill = self._spilling().of(path, kept=True) if _spills(spec) else None
        slot = self[path] = Slot(path, spec, Mailbox(spec.mailbox, path, spill, on_drop=on_drop))
        for subject in spec.subscribes:
            self._subscribed.setdefault(subject, []).append(path)
        return slot

    def take(self, path: str) -> Slot | None:
        """Take a place away."""
        for paths in self._subscribed.values():
            if path in paths:
                paths.remove(path)
        return self.pop(path, None)

    def here(self, path: str) -> Slot | None:
        """The place at ``path``, if its agent is on this node."""
        slot = self.get(path)
        return None if slot is None or slot.place == "away" else slot

    def found(self, path: str) -> Slot:
        """The place at ``path``.

        Raises:
            UnknownAgent: with the nearest paths.
        """
        slot = self.get(path)
        if slot is None:
            raise self.unknown(path, path)
        return slot

    def unknown(self, address: str, path: str) -> UnknownAgent:
        """The error for an address that nobody has."""
        # People leave out the supervisors: `news` for `collectors/news`.
        named = [each for each in self if each.endswith(f"/{path}")]
        return UnknownAgent(
            address, [*named, *difflib.get_close_matches(path, set(self) - {*named}, 3, 0.5)][:3]
        )

    def routed(self, slot: Slot, kind: str) -> Slot:
        """Who gets the messages of ``kind`` that are for ``slot``.

        Raises:
            UnknownAgent, CallerError: its routes lead to nobody, or in a circle.
        """
        for _ in range(_HOPS):
            to = slot.spec.routes.get(kind)
            if to is None:
                return slot
            slot = self.found(to)
        raise CallerError(f"the routes of {kind} messages from {slot.path} go in a circle")

    def subscribers(self, subject: str) -> Iterator[str]:
        """The paths of those who subscribe to ``subject``."""
        for pattern, paths in list(self._subscribed.items()):
            if subject_fits(pattern, subject):
                yield from [path for path in paths if self[path].place != "away"]

    def close(self) -> None:
        """Write what is on its way to the disk; every place was taken away before."""
        if self._spills is not None:
            self._spills.close()

    def _spilling(self) -> Spills:
        if self._spills is None:
            self._spills = Spills(self._folder / "spilled.sqlite")
        return self._spills


def _spills(spec: AgentSpec) -> bool:
    return "spill" in {spec.mailbox.overflow, *spec.mailbox.by_priority.values()}
