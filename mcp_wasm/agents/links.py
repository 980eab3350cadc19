"""Links and monitors between agents and supervisors, by path. Erlang's, within one node.

A link has one exit with the reason of the other's failure; one that traps exits is told by a message of
kind ``exit`` instead. A monitor has its watcher told by one of kind ``down``. It makes nobody exit and sends
nothing itself: it is told what happens, and calls ``kill`` and ``tell``. For the event loop alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Literal

from mcp_wasm.agents.child_spec import ChildSpec, SupervisorSpec
from mcp_wasm.agents.events import Event
from mcp_wasm.agents.message import Message, Priority, new
from mcp_wasm.agents.restart import NORMAL

NOBODY = "noproc"
"""The reason where a program links to or monitors what does not live."""

Kill = Callable[[str, str], None]
"""Makes what is at a path exit with a reason: ``Supervisor.kill``."""

Tell = Callable[[Message], None]
"""Delivers a message; it raises nothing."""

_BIRTHS = frozenset({"ready"})
_DEATHS = frozenset({"exited", "stopped", "abandoned"})


class Links:
    """Who lives and dies with whom, and who is told.

    Those of the specs hold whenever both live; those set by program hold until one of the two dies.
    """

    def __init__(self, kill: Kill, tell: Tell, note: Callable[[str, str, str], None]) -> None:
        self._kill, self._tell, self._note = kill, tell, note
        self._alive: set[str] = set()
        self._dying: set[str] = set()
        self._traps: set[str] = set()
        self._links: dict[str, set[str]] = {}
        self._watchers: dict[str, set[str]] = {}
        self._watched: dict[str, set[str]] = {}
        self._always_linked: dict[str, set[str]] = {}
        self._always_watchers: dict[str, set[str]] = {}
        self._always_watched: dict[str, set[str]] = {}

    # By the specs

    def declare_tree(self, spec: SupervisorSpec, path: str = "") -> None:
        """What the children of ``spec`` say of links and monitors, and all below them."""
        for child in spec.children:
            below = f"{path}/{child.id}" if path else child.id
            self.declare(below, child)
            if isinstance(child.child, SupervisorSpec):
                self.declare_tree(child.child, below)

    def declare(self, path: str, spec: ChildSpec) -> None:
        """What the child at ``path`` says of links and monitors; again is no harm."""
        for other in spec.links:
            _join(self._always_linked, path, other)
            _join(self._always_linked, other, path)
        for other in spec.monitors:
            _join(self._always_watchers, other, path)
            _join(self._always_watched, path, other)

    # By program

    def trap(self, path: str, *, on: bool = True) -> None:
        """Whether what is at ``path`` is told of exits by links, in place of exiting too."""
        if on:
            self._traps.add(path)
        else:
            self._traps.discard(path)

    def link(self, path: str, other: str) -> None:
        """Link two; to one that does not live, ``path`` gets its exit with ``noproc`` at once."""
        if path == other:
            return
        if not self._lives(other):
            self._signal(path, other, NOBODY)
            return
        _join(self._links, path, other)
        _join(self._links, other, path)

    def unlink(self, path: str, other: str) -> None:
        """Undo a link, whoever set it; until either is started anew, if a spec did."""
        _part(self._links, path, other)
        _part(self._links, other, path)

    def monitor(self, watcher: str, path: str) -> None:
        """Have ``watcher`` told of the end of ``path``; at once, with ``noproc``, if that does not live."""
        if not self._lives(path):
            self._say(watcher, path, NOBODY, "down")
            return
        _join(self._watchers, path, watcher)
        _join(self._watched, watcher, path)

    def demonitor(self, watcher: str, path: str) -> None:
        """Undo a monitor."""
        _part(self._watchers, path, watcher)
        _part(self._watched, watcher, path)

    def linked(self, path: str) -> frozenset[str]:
        """What is linked to ``path`` now."""
        return frozenset(self._links.get(path, ()))

    def watchers(self, path: str) -> frozenset[str]:
        """Who is told of the end of ``path`` as things are now."""
        return frozenset(self._watchers.get(path, ()))

    # What happens

    def seen(self, event: Event) -> None:
        """Observe the events of a node: births and deaths are read from them."""
        if event.what in _BIRTHS:
            self.born(event.path)
        elif event.what in _DEATHS:
            self.died(event.path, event.detail)
        elif event.what == "forgotten":
            self.forget(event.path)

    def born(self, path: str) -> None:
        """What is at ``path`` lives: what specs say of it holds with all that live."""
        self._alive.add(path)
        self._dying.discard(path)
        for other in filter(self._lives, self._always_linked.get(path, ())):
            self.link(path, other)
        for watcher in filter(self._lives, self._always_watchers.get(path, ())):
            self.monitor(watcher, path)
        for other in filter(self._lives, self._always_watched.get(path, ())):
            self.monitor(path, other)

    def died(self, path: str, reason: str) -> None:
        """What is at ``path`` lives no more: its links act, its monitors tell, and all of them are gone."""
        if path not in self._alive:
            return
        self._alive.discard(path)
        self._dying.discard(path)
        # All is taken apart before anybody is told, so that two that are linked do not answer each other.
        partners = sorted(self._links.pop(path, ()))
        watchers = sorted(self._watchers.pop(path, ()))
        for other in partners:
            _part(self._links, other, path)
        for watcher in watchers:
            _part(self._watched, watcher, path)
        for other in self._watched.pop(path, set()):
            _part(self._watchers, other, path)
        for watcher in watchers:
            self._say(watcher, path, reason, "down")
        for other in partners:
            self._signal(other, path, reason)

    def forget(self, path: str) -> None:
        """It is gone for good: what its own spec and programs said of it is dropped."""
        self.died(path, NORMAL)
        self._traps.discard(path)
        for other in self._always_linked.pop(path, set()):
            _part(self._always_linked, other, path)
        for other in self._always_watched.pop(path, set()):
            _part(self._always_watchers, other, path)

    def _lives(self, path: str) -> bool:
        return path in self._alive and path not in self._dying

    def _signal(self, path: str, by: str, reason: str) -> None:
        """The exit signal of ``by`` reaches ``path``."""
        if path in self._traps:
            self._say(path, by, reason, "exit")
        elif reason != NORMAL:
            # Until it is gone nobody is linked to it: whoever comes back first would be taken along again.
            self._dying.add(path)
            self._note(path, "linked_exit", f"{by}: {reason}")
            self._kill(path, reason)

    def _say(self, to: str, who: str, reason: str, kind: Literal["exit", "down"]) -> None:
        text = json.dumps({"path": who, "reason": reason}, ensure_ascii=False)
        self._tell(new("system", to, text, Priority.HIGH, kind))


def _join(table: dict[str, set[str]], path: str, other: str) -> None:
    table.setdefault(path, set()).add(other)


def _part(table: dict[str, set[str]], path: str, other: str) -> None:
    found = table.get(path)
    if found is not None:
        found.discard(other)
        if not found:
            del table[path]
