"""Moving an agent to another node with its state, so that at every moment at most one node has it.

A node that may have an agent declares it itself, as ``standby``: its component and its grants are that
node's own, and only state and waiting messages travel. The node that has it asks (``offer``), has the
agent finish what runs, sends what it takes along (``part``) and says ``commit``. The one point at
which it changes hands is a record in the other node's store. Before it, whatever fails leaves the agent
where it was. Who is to give it away has written down that it asks, and starts it again only when the other
node said that it has not taken it: should that node be away just then, the agent waits, and nothing of it is
lost. Records outlive both processes.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcp_wasm.agents import move_form
from mcp_wasm.agents.address import check_part
from mcp_wasm.agents.arrivals import Arrivals, Records, begin
from mcp_wasm.agents.move_form import Luggage
from mcp_wasm.agents.ports import Bus, Delivery, State
from mcp_wasm.agents.roads import Roads
from mcp_wasm.agents.slot import Slot
from mcp_wasm.agents.slots import Slots
from mcp_wasm.errors import CallerError, McpWasmError, Unreachable

if TYPE_CHECKING:
    from mcp_wasm.agents.node import Node

_log = logging.getLogger(__name__)

_TOLD_S, _AWAY_S, _CALLS_S, _LOOK_S = 10.0, 0.25, 60.0, 0.02


class Moves:
    """The moves from and to ``node``."""

    def __init__(self, node: Node, slots: Slots, roads: Roads, state: State, bus: Bus | None) -> None:
        self._node, self._slots, self._roads, self._state, self._bus = node, slots, roads, state, bus
        self._records = Records(state)
        self._arrivals = Arrivals(node, slots, roads, state, self._records)
        self._open: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Find out no more who has what: the next start goes on with that."""
        for task in self._open:
            task.cancel()

    def _begun(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._node.spawn(work)
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        return task

    async def open(self) -> None:
        """Read what was written down, and answer other nodes.

        Raises:
            StateUnavailable: the records cannot be read.
        """
        await self._records.open()
        if self._bus is not None:
            self._bus.answer(self._arrivals.asked)

    def place(self, slot: Slot) -> None:
        """Say whether a slot that was just made has its agent here."""
        match self._records.get(slot.path):
            case ["here", _, former]:
                slot.former = tuple(former)
            case ["away", _]:
                slot.leave()
            case ["to", node, id_, _]:
                slot.leave()
                if self._bus is not None:
                    self._begun(self._resolve(slot, node, id_, []))
            case _ if slot.spec.standby:
                slot.leave()

    async def move(self, path: str, node: str) -> None:
        """Move the agent at ``path`` to ``node``; returns when it is there.

        Raises:
            UnknownAgent: there is none.
            CallerError: it is not here, or cannot be moved there; it goes on.
            Unreachable: the node does not say whether it has it. Until it does, the agent waits.
        """
        slot, bus = self._slots.found(path), self._bus
        if bus is None or check_part(node, "a node") == bus.node:
            raise CallerError(f"{path} cannot be moved to {node}: expected another node of this one's mesh")
        if slot.place != "here":
            raise CallerError(f"{path} is not on this node now: ask the node that has it to move it")
        id_ = secrets.token_hex(12)
        await bus.ask(node, {"do": "offer", "id": id_, "path": path})
        if slot.place != "here":
            raise CallerError(f"{path} is being moved already")
        before, waiting = self._records.get(path), list[Delivery]()
        slot.park()
        try:
            await self._records.put(path, ["to", node, id_, before])
            await self._quiet(slot)
            waiting += await _drained(slot)
            parts = move_form.packed(await self._luggage(slot, waiting))
            for number, text in enumerate(parts):
                await bus.ask(node, {"do": "part", "id": id_, "number": number, "text": text})
        except BaseException:
            await self._stay(slot, waiting)
            raise
        resolving = self._begun(self._committed(slot, node, id_, len(parts), waiting))
        await asyncio.wait({resolving}, timeout=_TOLD_S)
        if not resolving.done():
            reason = f"{node} does not say whether it has it; until it does, the agent runs nowhere"
            raise Unreachable(path, reason)
        resolving.result()
        if slot.place == "here":
            raise Unreachable(path, f"{node} did not take it; it goes on here")

    # -- who gives it away

    async def _quiet(self, slot: Slot) -> None:
        """Until nothing of it runs here; what comes waits in its mailbox."""
        if slot.agent is not None:
            await slot.agent.parked()
        if slot.finishing is not None:
            await asyncio.wait([slot.finishing])
        until = asyncio.get_running_loop().time() + _CALLS_S
        while slot.calls:  # answers of tools and models come here, as messages
            if asyncio.get_running_loop().time() > until:
                raise CallerError(f"{slot.path} still waits for answers of tools or models; move it later")
            await asyncio.sleep(_LOOK_S)

    async def _luggage(self, slot: Slot, waiting: list[Delivery]) -> Luggage:
        assert self._bus is not None
        own = self._bus.node
        memory = await self._state.load(slot.path, ("*",))
        # What is kept for it elsewhere until it is handled comes to the other node by itself.
        messages = [_signed(each, own) for each in waiting if not each.kept]
        askers = [(id_, _at(sender, own)) for id_, sender in slot.askers.items()]
        former = () if slot.spec.group else tuple(dict.fromkeys((own, *slot.former)))
        return Luggage(tuple(memory), tuple(messages), tuple(askers), former)

    async def _committed(self, slot: Slot, node: str, id_: str, count: int, waiting: list[Delivery]) -> None:
        assert self._bus is not None
        try:
            await self._bus.ask(node, {"do": "commit", "id": id_, "count": count})
        except McpWasmError as error:
            _log.info("whether %s has %s is to be found out: %s", node, slot.path, error)
        await self._resolve(slot, node, id_, waiting)

    async def _resolve(self, slot: Slot, node: str, id_: str, waiting: list[Delivery]) -> None:
        """Find out who has it, however long that takes."""
        assert self._bus is not None
        while True:
            try:
                answer = await self._bus.ask(node, {"do": "outcome", "id": id_, "path": slot.path})
            except McpWasmError:
                await asyncio.sleep(_AWAY_S)  # only that node knows
                continue
            match answer.get("outcome"):
                case "taken":
                    await self._gone(slot, node, id_)
                    return
                case "none":
                    await self._stay(slot, waiting)
                    return
            await asyncio.sleep(_LOOK_S)

    async def _gone(self, slot: Slot, node: str, id_: str) -> None:
        assert self._bus is not None
        await self._records.put(slot.path, ["away", node])
        await self._bus.known(slot.path, node)  # so that what is sent from here finds it
        slot.leave()
        await self._roads.end(slot)
        for delivery in await _drained(slot):  # what came here meanwhile
            if not delivery.kept:
                await self._late(slot, node, id_, delivery)
        slot.askers.clear()
        keys = [(key, None) for key, _ in await self._state.load(slot.path, ("*",))]
        await self._state.store(slot.path, keys)
        self._node.note(slot.path, "moved", f"to {node}")

    async def _late(self, slot: Slot, node: str, id_: str, delivery: Delivery) -> None:
        assert self._bus is not None
        text = "".join(move_form.packed(Luggage(messages=(_signed(delivery, self._bus.node),))))
        try:
            await self._bus.ask(node, {"do": "late", "id": id_, "path": slot.path, "text": text})
        except McpWasmError as error:
            self._node.note(slot.path, "undelivered", str(error))

    async def _stay(self, slot: Slot, waiting: list[Delivery]) -> None:
        record = self._records.get(slot.path)
        if record[:1] == ["to"]:
            await self._records.put(slot.path, record[3])
        slot.mailbox.give_back(waiting)
        begin(self._roads, slot)


async def _drained(slot: Slot) -> list[Delivery]:
    found: list[Delivery] = []
    while len(slot.mailbox):
        found += await slot.mailbox.take(1000)
    return found


def _signed(delivery: Delivery, own: str) -> Any:
    return replace(delivery.message, sender=_at(delivery.message.sender, own))


def _at(sender: str, own: str) -> str:
    """With the node of a sender that has none in it."""
    if "@" in sender or sender in {"llm", "system"} or sender.startswith("tool:"):
        return sender
    return f"{sender}@{own}"
