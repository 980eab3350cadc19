"""Who is there: the nodes of a mesh as this one knows them, and what each has. Pure; the clock is given.

What is asked of it is answered from here, without the network. A node is *up* from its first beat
until it says that it leaves or is silent for ``SILENT`` seconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mcp_wasm.mesh.announcement import EMPTY, AgentNews, Beat, Description
from mcp_wasm.mesh.envelope import EnvelopeRefused

EVERY = 1.0
"""Seconds between the beats of a node."""

SILENT = 3.5
"""Seconds without a beat after which a node is taken to be gone."""

MOST_NODES = 10_000
_REMEMBERED = 100_000


@dataclass(slots=True)
class Peer:
    """Another node. ``heard`` is when its last beat came; ``description`` belongs to ``known``, which
    is not ``beat.state`` while the newer one is being asked for."""

    node: str
    boot: int
    beat: Beat
    heard: float
    description: Description = EMPTY
    known: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent lives. ``up`` is whether its node is there now."""

    node: str
    news: AgentNews
    up: bool


@dataclass(slots=True)
class Directory:
    """The nodes that are up, what they have, and which durable mailboxes there were.

    ``own`` is this node's name; ``changed`` is called with a node and ``node_up``, ``node_down`` or
    ``node_changed``.
    """

    own: str
    changed: Callable[[str, str], None] = lambda _node, _what: None
    peers: dict[str, Peer] = field(default_factory=dict)
    _durable: dict[str, dict[str, AgentNews]] = field(default_factory=dict)
    _remembered: int = 0

    def heard(self, node: str, boot: int, beat: Beat, now: float) -> Peer | None:
        """Take in a beat whose seal was found right; the node, unless it left.

        Raises:
            EnvelopeRefused: it belongs to an earlier life of the node, or there are too many nodes.
        """
        peer = self.peers.get(node)
        if peer is not None and boot < peer.boot:
            raise EnvelopeRefused(f"it is from an earlier life of {node}")
        if beat.leaving:
            self._down(node)
            return None
        if peer is not None and boot > peer.boot:
            self._down(node)
            peer = None
        if peer is None:
            if len(self.peers) >= MOST_NODES:
                raise EnvelopeRefused(f"{MOST_NODES:,} nodes are known already")
            peer = self.peers[node] = Peer(node, boot, beat, now)
            self.changed(node, "node_up")
        peer.beat, peer.heard = beat, now
        return peer

    def described(self, node: str, boot: int, description: Description) -> None:
        """Take in what a node told of itself when it was asked."""
        peer = self.peers.get(node)
        if peer is None or peer.boot != boot:
            return
        peer.description, peer.known = description, description.digest
        for path, news in description.agents.items():
            if news.durable:
                self._remember(path, node, news)
        self.changed(node, "node_changed")

    def expire(self, now: float) -> None:
        """Take the nodes for gone that were silent for too long."""
        for node in [each.node for each in self.peers.values() if now - each.heard > SILENT]:
            self._down(node)

    def gone(self, node: str, boot: int) -> None:
        """A node was found not to be there, sooner than its silence would have told."""
        peer = self.peers.get(node)
        if peer is not None and peer.boot == boot:
            self._down(node)

    def places(self, path: str, node: str = "") -> list[Place]:
        """Where the agent ``path`` lives, of all nodes or of ``node``: those that are up first.

        A durable mailbox takes messages while its node is away, so it stays known.
        """
        found = [
            Place(peer.node, peer.description.agents[path], up=True)
            for peer in self.peers.values()
            if path in peer.description.agents and node in {"", peer.node}
        ]
        there = {each.node for each in found}
        return found + [
            Place(at, news, up=False)
            for at, news in self._durable.get(path, {}).items()
            if node in {"", at} and at not in there
        ]

    def locate(self, path: str, node: str = "") -> Place | None:
        """One place of the agent ``path``; of several that are up, any."""
        found = self.places(path, node)
        up = [each for each in found if each.up]
        return random.choice(up) if up else next(iter(found), None)  # noqa: S311 - any of them will do

    def exporting(self, interface: str) -> Iterator[tuple[str, str]]:
        """Other nodes' components that export a WIT interface, named in full or without its version."""
        for node, peer in sorted(self.peers.items()):
            for name, components in peer.description.exports.items():
                if interface in {name, name.partition("@")[0]}:
                    yield from ((node, component) for component in components)

    def _remember(self, path: str, node: str, news: AgentNews) -> None:
        known = self._durable.get(path, {})
        if node not in known:
            if self._remembered >= _REMEMBERED:
                return
            self._remembered += 1
            self._durable[path] = known
        known[node] = news

    def _down(self, node: str) -> None:
        if self.peers.pop(node, None) is not None:
            self.changed(node, "node_down")
