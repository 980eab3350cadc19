"""How a message finds its way: to an agent of this node, to a client that waits here, or to another node.

One address for all of them. Within the node a message is in its mailbox when ``deliver``
returns; for another node it leaves work to be awaited. Other nodes are behind ``ports.Bus``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from mcp_wasm.agents import address
from mcp_wasm.agents.asks import PREFIX, Asks
from mcp_wasm.agents.message import Message
from mcp_wasm.agents.ports import Bus, Delivery, Settle
from mcp_wasm.agents.slot import Slot
from mcp_wasm.agents.slots import Slots
from mcp_wasm.errors import McpWasmError, Unreachable

Work = Coroutine[Any, Any, None]


class Roads:
    """The ways from and to the node ``name``: its agents are in ``slots``, its open questions in ``asks``."""

    def __init__(self, name: str, slots: Slots, asks: Asks, bus: Bus | None) -> None:
        self._name, self._slots, self._asks, self._bus = name, slots, asks, bus

    async def open(self) -> None:
        """Join the mesh, where there is one.

        Raises:
            Unreachable: there is no way to it at all.
        """
        if self._bus is not None:
            await self._bus.start(self._receive)

    async def close(self) -> None:
        """Leave the mesh."""
        if self._bus is not None:
            await self._bus.close()

    def begin(self, slot: Slot) -> None:
        """Make an agent known to other nodes, and take what comes for it."""
        if self._bus is not None:
            taking = self._bus.open(slot.path, slot.spec, self._taker(slot), slot.former)
            slot.opening = asyncio.create_task(taking)

    async def end(self, slot: Slot) -> None:
        """Take nothing for it from other nodes any more."""
        opening, slot.opening = slot.opening, None
        if opening is None:
            return
        try:
            close = await opening
        except McpWasmError:
            return  # it was never known to others, which was told when it failed
        await close()

    def deliver(self, message: Message, *, must: bool = False, settle: Settle | None = None) -> Work | None:
        """Into a mailbox of this node, or on its way to another; work that is left to be awaited.

        ``must``: a mailbox takes it even when it is full. ``settle`` is told what becomes of it, and keeps it
        out of the durable way, since then somebody waits.

        Raises:
            UnknownAgent, MailboxFull, Unreachable: nobody takes it.
        """
        to = message.to
        slot = self._slots.here(to)
        if slot is None:
            if to.startswith(PREFIX):
                return self._to_client(message)
            found = address.parse(to)
            slot = self._slots.here(found.path) if found.node in {"", self._name} else None
            if slot is None:
                return self._remote(message, found)
        slot = self._slots.routed(slot, message.kind)
        if slot.place == "away":
            return self._remote(message, address.Address(slot.path))
        if slot.spec.durable and self._bus is not None and settle is None:
            if slot.place == "moving":
                return self._when_moved(slot, message)
            return self._bus.send(replace(message, to=f"{slot.path}@{self._name}"), durable=True)
        slot.mailbox.put(Delivery(message, settle), must=must)
        return None

    async def _when_moved(self, slot: Slot, message: Message) -> None:
        while slot.place == "moving":  # noqa: ASYNC110 - rare, and over in a moment
            await asyncio.sleep(0.02)
        work = self.deliver(message)
        if work is not None:
            await work

    def beyond(self, message: Message) -> Work | None:
        """Publish to other nodes what was published here."""
        return None if self._bus is None else self._bus.publish(message.to, self._signed(message))

    def shared(self, path: str) -> bool:
        """Whether publications come to it over the mesh, which gives each to one of its group."""
        slot = self._slots.get(path)
        return self._bus is not None and slot is not None and bool(slot.spec.group)

    def _taker(self, slot: Slot) -> Callable[[Delivery], None]:
        """What the bus gives deliveries to."""

        def take(delivery: Delivery) -> None:
            self._slots.routed(slot, delivery.message.kind).mailbox.put(delivery)

        return take

    def _receive(self, delivery: Delivery) -> None:
        """What comes from other nodes and is for no agent."""
        self._asks.answered(delivery.message)

    def _remote(self, message: Message, to: address.Address) -> Work:
        if to.node in {"", self._name} and to.path in self._slots:  # it was moved, or is on standby here
            to = address.Address(to.path)
            message = replace(message, to=to.path)
        if self._bus is None or to.node == self._name:
            raise self._slots.unknown(message.to, to.path)
        return self._bus.send(self._signed(message), durable=False)

    def _to_client(self, message: Message) -> Work | None:
        _, at, node = message.to.partition("@")
        if not at or node == self._name:
            self._asks.answered(message)
            return None
        if self._bus is None:
            raise Unreachable(message.to, "this node is in no mesh")
        return self._bus.send(self._signed(message), durable=False)

    def _signed(self, message: Message) -> Message:
        """With the node in the sender's address, so that an answer finds its way back."""
        sender = message.sender
        return message if "@" in sender else replace(message, sender=f"{sender}@{self._name}")
