"""Agents that come from other nodes: offered, sent in parts, and taken; and who has which, written down.

See ``moving`` for the whole of it. What another node may do here: hand its state over to an agent that
this node's person has on ``standby`` for that node, or that was moved there from here before, while that
agent is not here. It chooses neither the component nor a grant.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_wasm.agents import move_form
from mcp_wasm.agents.ports import Delivery, State
from mcp_wasm.agents.roads import Roads
from mcp_wasm.agents.slot import Slot
from mcp_wasm.agents.slots import Slots
from mcp_wasm.errors import CallerError, McpWasmError

if TYPE_CHECKING:
    from mcp_wasm.agents.node import Node

RECORDS = "_moves"
"""The agent in whose memory the records are; no agent can be called so."""

Record = list[Any]
"""``["here", ID, FORMER]``: it was moved here; ``["to", NODE, ID, BEFORE]``: it is being moved there;
``["away", NODE]``: it was."""


class Records:
    """Who has which agent, by path; what there is no record of is where its tree says."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._records: dict[str, Record] = {}

    async def open(self) -> None:
        """Read them.

        Raises:
            StateUnavailable: they cannot be read.
        """
        for path, text in await self._state.load(RECORDS, ("*",)):
            self._records[path] = json.loads(text)

    def get(self, path: str) -> Record:
        """The record, empty where there is none."""
        return self._records.get(path, [])

    async def put(self, path: str, record: Record) -> None:
        """Write it down; an empty one removes it."""
        await self._state.store(RECORDS, [(path, json.dumps(record) if record else None)])
        self._records[path] = record


@dataclass(slots=True)
class _Coming:
    """An agent that another node offered."""

    path: str
    node: str
    parts: dict[int, str] = field(default_factory=dict)
    size: int = 0
    taking: asyncio.Task[None] | None = None


class Arrivals:
    """What other nodes hand over to ``node``."""

    def __init__(self, node: Node, slots: Slots, roads: Roads, state: State, records: Records) -> None:
        self._node, self._slots, self._roads, self._state = node, slots, roads, state
        self._records = records
        self._coming: dict[str, _Coming] = {}

    def asked(self, node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What another node says of a move."""
        match body:
            case {"do": "offer", "id": str() as id_, "path": str() as path}:
                self._offered(node, id_[:64], path)
                return {}
            case {"do": "part", "id": str() as id_, "number": int() as number, "text": str() as text}:
                coming = self._of(node, id_)
                coming.size += len(text)
                if coming.taking is not None or coming.size > move_form.MOST or number in coming.parts:
                    raise CallerError(f"what comes for {coming.path} is too much, or twice")
                coming.parts[number] = text
                return {}
            case {"do": "commit", "id": str() as id_, "count": int() as count}:
                coming = self._of(node, id_)
                if coming.taking is None:
                    if coming.parts.keys() != set(range(count)):
                        raise CallerError(f"parts of what comes for {coming.path} are missing")
                    coming.taking = self._node.spawn(self._take(id_, coming))
                return {}
            case {"do": "late", "id": str() as id_, "path": str() as path, "text": str() as text}:
                if self._records.get(path)[:2] != ["here", id_] or path not in self._slots:
                    raise CallerError(f"{path} did not come here by that move, or is gone")
                for message in move_form.unpacked([text], path).messages:
                    self._slots[path].mailbox.put(Delivery(message), must=True)
                return {}
            case {"do": "outcome", "id": str() as id_, "path": str() as path}:
                return {"outcome": self._outcome(node, id_, path)}
        raise CallerError("what is said of a move has not the form of it")

    def _offered(self, node: str, id_: str, path: str) -> None:
        slot = self._slots.get(path)
        if slot is None or not (node in slot.spec.standby or self._records.get(path) == ["away", node]):
            raise CallerError(
                f'{path} is not on standby here for {node}: set standby = ["{node}"] in its table'
            )
        if slot.place != "away" or self._records.get(path)[:1] == ["to"]:
            raise CallerError(f"{path} is here already")
        for other, coming in list(self._coming.items()):
            if coming.path == path and coming.taking is not None:
                raise CallerError(f"{path} is being taken from {coming.node}")
            if coming.path == path:
                del self._coming[other]
        self._coming[id_] = _Coming(path, node)

    def _of(self, node: str, id_: str) -> _Coming:
        coming = self._coming.get(id_)
        if coming is None or coming.node != node:
            raise CallerError("there is no such move")
        return coming

    def _outcome(self, node: str, id_: str, path: str) -> str:
        coming = self._coming.get(id_)
        if coming is not None and coming.node == node:
            if coming.taking is not None:
                return "taking"
            del self._coming[id_]  # from now on it cannot be taken
        return "taken" if self._records.get(path)[:2] == ["here", id_] else "none"

    async def _take(self, id_: str, coming: _Coming) -> None:
        path, slot = coming.path, self._slots.get(coming.path)
        try:
            luggage = move_form.unpacked((coming.parts[n] for n in sorted(coming.parts)), path)
            if slot is None:
                raise CallerError(f"{path} has ended here")
            gone = dict.fromkeys(key for key, _ in await self._state.load(path, ("*",)))
            await self._state.store(path, list({**gone, **dict(luggage.memory)}.items()))
            await self._records.put(path, ["here", id_, list(luggage.former)])
            slot.former = tuple(each for each in luggage.former if each != self._node.name)
            begin(self._roads, slot)
            slot.askers.update(luggage.askers)
            for message in luggage.messages:
                slot.mailbox.put(Delivery(message), must=True)
            assert slot.opening is not None
            await asyncio.wait({slot.opening})
            self._node.note(path, "moved", f"from {coming.node}")
        except McpWasmError as error:
            self._node.note(path, "failed", f"it could not be taken from {coming.node}: {error}")
        finally:
            del self._coming[id_]


def begin(roads: Roads, slot: Slot) -> None:
    """The agent is here from now on."""
    slot.stay()
    if slot.opening is None:
        roads.begin(slot)
