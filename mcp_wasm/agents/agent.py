"""One incarnation of an agent: it takes messages, has them handled, and has the effects carried out.

It is what a supervisor starts, stops and starts again; what survives that is in
its ``Slot``. A message that fails ends it: the supervisor decides what follows.
The messages of the same batch behind that one go back to the front of the mailbox.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

from mcp_wasm.agents.effects import Stop, Store
from mcp_wasm.agents.handler import Handled, Handler, Situation
from mcp_wasm.agents.outbox import Outbox
from mcp_wasm.agents.ports import Delivery, State
from mcp_wasm.agents.slot import Slot
from mcp_wasm.errors import AgentFailed, McpWasmError

Make = Callable[[], Handler]

_AWAY = "away"


class Agent:
    """The body of a child: ``run`` is one life of it."""

    def __init__(self, slot: Slot, node: str, make: Make, state: State, outbox: Outbox) -> None:
        self._slot, self._node, self._make = slot, node, make
        self._state, self._outbox = state, outbox
        self._handler: Handler | None = None
        self._next: tuple[Handler, asyncio.Future[None]] | None = None
        self._turn = asyncio.Lock()
        self._situation: Situation | None = None
        self._task: asyncio.Task[object] | None = None
        self._waiting = self._ending = self._parking = False
        self._rests = asyncio.Event()

    async def run(self, ready: Callable[[], None]) -> str:
        """Live; the reason of the end. Raises what ended it, if that was a failure."""
        slot = self._slot
        self._task = asyncio.current_task()
        slot.agent = self
        try:
            while not self._ending:
                if slot.turn.is_set():
                    reason = await self._live(ready)
                    if reason != _AWAY:
                        return reason
                else:
                    ready()
                    await self._stand_by()
            return "shutdown"
        finally:
            slot.phase = "stopped"
            self._rests.set()
            if slot.agent is self:
                slot.agent = None

    async def _live(self, ready: Callable[[], None]) -> str:
        """From its start to its end, or until it is to move."""
        slot, spec = self._slot, self._slot.spec
        slot.phase = "starting"
        try:
            if slot.finishing is not None:
                await asyncio.wait([slot.finishing])
            handler = self._handler = self._make()
            await handler.start()
            memory = dict(await self._state.load(slot.path, spec.load)) if spec.load else {}
            config = json.dumps(dict(spec.config), ensure_ascii=False)
            self._situation = Situation(slot.path, self._node, config, slot.restarts, memory)
            ready()
            return await self._serve(self._situation)
        except McpWasmError as error:
            slot.last_error = str(error)
            raise
        finally:
            self._situation = None
            for each in (self._handler, self._next[0] if self._next else None):
                if each is not None:
                    each.close()

    async def _stand_by(self) -> None:
        """Wait until the agent is on this node."""
        self._slot.phase = "standby"
        self._rests.set()
        self._waiting = True
        try:
            await self._slot.turn.wait()
        except asyncio.CancelledError:
            if not self._ending or self._task is None:
                raise
            self._task.uncancel()
        finally:
            self._waiting = False
            self._rests.clear()

    async def parked(self) -> None:
        """Return once nothing of it runs, after the slot's turn was taken from it."""
        if self._waiting and not self._rests.is_set() and self._task is not None:
            self._parking = True
            self._task.cancel()
        await self._rests.wait()

    def stop(self) -> None:
        """End after the messages that are handled now."""
        self._ending = True
        if self._waiting and self._task is not None:
            self._task.cancel()

    async def healthy(self) -> None:
        """Return once the agent is between messages and says that it is well.

        Raises:
            McpWasmError: it says that it is not.
        """
        async with self._turn:
            if self._handler is not None and self._situation is not None:
                await self._handler.healthy(self._situation)

    async def swap(self, handler: Handler) -> None:
        """Go on with another handler, made ready already, from the next message on."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._next is not None:
            self._next[0].close()
            self._next[1].set_result(None)
        self._next = handler, done
        async with self._turn:
            self._take_next()

    async def _serve(self, situation: Situation) -> str:
        slot, most = self._slot, max(1, self._slot.spec.batch)
        while not self._ending:
            batch = await self._taken(most) if slot.turn.is_set() else None
            if batch is None:
                break
            slot.phase = "running"
            async with self._turn:
                if not slot.turn.is_set():
                    slot.mailbox.give_back(batch)
                    break
                reason = await self._go(situation, batch)
            if reason is not None:
                return reason
        return "shutdown" if self._ending else _AWAY

    async def _taken(self, most: int) -> list[Delivery] | None:
        """The next messages; None when the agent is to end."""
        self._slot.phase = "waiting"
        self._waiting = True
        try:
            return await self._slot.mailbox.take(most) or None
        except asyncio.CancelledError:
            if not (self._ending or self._parking) or self._task is None:
                raise
            self._parking = False
            self._task.uncancel()
            return None
        finally:
            self._waiting = False

    async def _go(self, situation: Situation, batch: Sequence[Delivery]) -> str | None:
        self._take_next()
        handler, handled = self._handler, list[Handled]()
        assert handler is not None
        try:
            await handler.handle(situation, [each.message for each in batch], handled)
        except asyncio.CancelledError:
            # What was done is carried out, what ran has failed, the rest waits for the next incarnation.
            if len(handled) < len(batch):
                handled.append(Handled(error=AgentFailed(self._slot.path, "it was stopped")))
            await self._finish(batch, handled, handler)
            raise
        await self._finish(batch, handled, handler)
        last = handled[-1]
        if last.error is not None:
            raise last.error
        for effect in last.effects:
            if isinstance(effect, Stop):
                if effect.reason in {"", "normal", "shutdown"}:
                    return effect.reason or "normal"
                raise AgentFailed(self._slot.path, effect.reason[:2000])
        return None

    async def _finish(self, batch: Sequence[Delivery], handled: list[Handled], handler: Handler) -> None:
        slot = self._slot
        self._slot.mailbox.give_back(batch[len(handled) :])
        entries = [
            (effect.key, effect.value)
            for each in handled
            for effect in each.effects
            if isinstance(effect, Store)
        ]
        if not entries:
            self._outbox.carry_out(slot, batch, handled, handler)
            return
        slot.finishing = asyncio.create_task(self._stored(batch, handled, handler, entries))
        await asyncio.shield(slot.finishing)

    async def _stored(
        self,
        batch: Sequence[Delivery],
        handled: list[Handled],
        handler: Handler,
        entries: Sequence[tuple[str, str | None]],
    ) -> None:
        """Keep what was stored; only then does anybody hear of what was done."""
        try:
            await self._state.store(self._slot.path, entries)
        except McpWasmError as error:
            handled[:] = [Handled(error=error)] * len(handled)
        self._outbox.carry_out(self._slot, batch, handled, handler)

    def _take_next(self) -> None:
        if self._next is not None:
            handler, done = self._next
            self._next = None
            if self._handler is not None:
                self._handler.close()
            self._handler = handler
            if not done.done():
                done.set_result(None)
