"""A node: the agents of one process, under their tree, with the ways to them.

It gives each its mailbox, finds who a message is for, keeps whom an answer is
for, and tells observers what happens. It knows no network: other nodes are behind
``ports.Bus``. Everything here is for the event loop alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_wasm.agents import address, asks, hands
from mcp_wasm.agents import message as messages
from mcp_wasm.agents.agent import Agent
from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, SupervisorSpec
from mcp_wasm.agents.denials import denial_of
from mcp_wasm.agents.events import Event, Events
from mcp_wasm.agents.handler import Handler
from mcp_wasm.agents.message import Message, Priority
from mcp_wasm.agents.moving import Moves
from mcp_wasm.agents.outbox import Outbox
from mcp_wasm.agents.ports import Bus, Models, Settle, State, Tools
from mcp_wasm.agents.roads import Roads, Work
from mcp_wasm.agents.slot import Slot
from mcp_wasm.agents.slots import Slots
from mcp_wasm.agents.supervisor import Supervisor
from mcp_wasm.agents.swap import swapped
from mcp_wasm.agents.timers import Timers
from mcp_wasm.agents.view import View, view
from mcp_wasm.agents.watching import Watching
from mcp_wasm.capability.match import Decision
from mcp_wasm.errors import AgentFailed, UnknownAgent
from mcp_wasm.sandbox.services import Services

_log = logging.getLogger(__name__)

Make = Callable[[str, AgentSpec], Handler]


class Node:
    """The living agents of a process.

    ``name`` is the node's in addresses. ``make`` makes the handler of an agent, by its path and spec.
    ``folder`` is where messages go that do not fit into a mailbox. Without ``bus`` there are no other nodes,
    without ``tools`` and ``models`` no tools and no language models.
    """

    def __init__(
        self,
        name: str,
        make: Make,
        state: State,
        services: Services,
        folder: Path,
        *,
        bus: Bus | None = None,
        tools: Tools | None = None,
        models: Models | None = None,
    ) -> None:
        self.name = address.check_part(name, "the name of a node")
        self._make, self._state, self._services = make, state, services
        self.events = Events()
        self.slots = Slots(folder)
        """The agents by path."""
        self._asks = asks.Asks(name)
        self._roads = Roads(name, self.slots, self._asks, bus)
        self.moves = Moves(self, self.slots, self._roads, state, bus)
        self._outbox = Outbox(self, tools, models)
        self._timers = Timers(self._fire)
        self._tasks: set[asyncio.Task[None]] = set()
        self.watching = Watching(self.slots, self._kill, self._outbox.send_beside, self.note)
        self._supervisor: Supervisor | None = None
        self._running: asyncio.Task[str] | None = None

    async def start(self, tree: SupervisorSpec) -> None:
        """Start the tree; returns once every child is ready.

        Raises:
            McpWasmError: a child could not be started; none of them runs then.
        """
        await self._roads.open()
        await self.moves.open()
        self.watching.begin(tree)
        ready = asyncio.Event()
        self._supervisor = Supervisor(tree, "", self._child, observe=self._seen)
        self._running = asyncio.create_task(self._supervisor.run(ready.set), name="agents")
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait({self._running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self.stop()
            raise
        finally:
            waiting.cancel()
        if self._running.done():
            await self._closed()
            self._running.result()
            raise AgentFailed("the tree", "it ended before every child was ready")
        self._running.add_done_callback(lambda _: self._forget_all())

    async def wait(self) -> str:
        """Wait for the end of the tree; the reason.

        Raises:
            McpWasmError: it gave up.
        """
        assert self._running is not None
        reason = await asyncio.shield(self._running)
        if self._supervisor is not None and self._supervisor.gave_up:
            raise AgentFailed("the tree", self._supervisor.gave_up)
        return reason

    async def stop(self) -> None:
        """Stop the agents, the last started first, then everything else; cancelled, it kills who is left."""
        try:
            if self._supervisor is not None and self._running is not None:
                self._supervisor.stop()
                await asyncio.gather(self._running, return_exceptions=True)  # it was told of already
        finally:
            await self._closed()

    def tell(
        self,
        to: str,
        payload: Any,
        *,
        sender: str = "client:local",
        kind: str = messages.DEFAULT_KIND,
        priority: Priority = Priority.NORMAL,
    ) -> str:
        """Send ``payload`` (any JSON value) to an agent; the message's id.

        It returns when a mailbox of this node has it; one for another node is on its way.

        Raises:
            UnknownAgent, MailboxFull, Unreachable: nobody took it.
        """
        message = messages.new(sender, to, messages.text(payload), priority, kind)
        work = self.deliver(message)
        if work is not None:
            self.spawn(self._outbox.noted(to, work))
        return message.id

    async def ask(
        self,
        to: str,
        payload: Any,
        *,
        seconds: float = 30.0,
        priority: Priority = Priority.NORMAL,
        client: str = "",
    ) -> Message:
        """Send a request and wait for the answer to it, ``seconds`` at most.

        Raises:
            UnknownAgent, MailboxFull, Unreachable: nobody took it.
            AgentFailed: the agent failed, was stopped or says that it cannot.
            NoReply: ``seconds`` are over.
        """
        message = messages.new(self._asks.address(client), to, messages.text(payload), priority, "request")
        with self._asks.waiting(message) as answer:
            work = self.deliver(message, settle=asks.settling(to, answer))
            found = await self._asks.answer(to, answer, work, seconds)
        if found.kind == "failure":
            raise AgentFailed(to, str(found.value))
        return found

    def deliver(self, message: Message, *, must: bool = False, settle: Settle | None = None) -> Work | None:
        """See ``Roads.deliver``."""
        return self._roads.deliver(message, must=must, settle=settle)

    def publish(self, message: Message) -> Work | None:
        """To every agent that subscribes to the subject ``message.to``, of this node and of others."""
        for path in self.slots.subscribers(message.to):
            if not self._roads.shared(path):
                with suppress(UnknownAgent):
                    self._outbox.send_beside(path, replace(message, to=path))
        return self._roads.beyond(message)

    def later(self, path: str, seconds: float, message: Message) -> None:
        """Send it in ``seconds``, unless the agent at ``path`` is gone by then."""
        self._timers.add(path, seconds, message)

    def views(self) -> list[View]:
        """The agents and supervisors in the tree's order."""
        return view(self._supervisor, self.slots)

    async def memory(self, path: str, keys: Iterable[str] = ("*",)) -> Mapping[str, str]:
        """What the agent keeps."""
        return dict(await self._state.load(self.slots.found(path).path, tuple(keys)))

    async def restart(self, path: str) -> None:
        """See ``hands.restart``."""
        await hands.restart(self._root, self.slots, path)

    async def terminate(self, path: str) -> None:
        """See ``hands.terminate``."""
        await hands.terminate(self._root, self.slots, path)

    async def swap(self, path: str, component: str | Path) -> None:
        """Go on with another component from the next message on; no message is lost.

        Raises:
            McpWasmError: it cannot run; the old one goes on.
        """
        await swapped(self.slots.found(path), self._make, component)
        self.note(path, "swapped", str(component))

    def spawn(self, work: Work) -> asyncio.Task[None]:
        """Let it run beside the agents."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def note(self, path: str, what: str, detail: str) -> None:
        """An event."""
        self.events.add(Event(messages.now(), path, what, detail))

    def denied(self, path: str, handler: Handler, asked: str, kind: str, decision: Decision[Any]) -> None:
        """An attempt that was not granted: it is counted, logged and an event."""
        denial = denial_of(handler, asked, kind, decision, self._services.options)
        self._services.denied(denial)
        self.note(path, "denied", str(denial))

    def _child(self, path: str, spec: ChildSpec, restarts: int) -> Agent:
        assert isinstance(spec.child, AgentSpec)
        slot = self.slots.get(path)
        if slot is None:
            slot = self._open(path, spec.child)
        slot.restarts = restarts
        return Agent(slot, self.name, lambda: self._make(path, slot.spec), self._state, self._outbox)

    def _open(self, path: str, spec: AgentSpec) -> Slot:
        slot = self.slots.open(path, spec, lambda found, why: self._outbox.dropped(path, found, why))
        self.moves.place(slot)
        if slot.place == "here":
            self._roads.begin(slot)
        return slot

    def forget(self, path: str) -> None:
        """The agent is gone for good: what waits for it is not handled any more."""
        slot = self.slots.take(path)
        if slot is None:
            return
        self._timers.forget(path)
        self._outbox.forget(path)
        for delivery in slot.mailbox.close("the agent has ended"):
            if delivery.settle is not None:
                delivery.settle("failed", f"{path} has ended")
            else:
                self._outbox.dropped(path, delivery, f"{path} has ended")
        if slot.opening is not None:
            self.spawn(self._roads.end(slot))

    @property
    def _root(self) -> Supervisor:
        assert self._supervisor is not None, "it was not started"
        return self._supervisor

    def _kill(self, path: str, reason: str) -> None:
        self._root.kill(path, reason)

    def _seen(self, event: Event) -> None:
        self.events.add(event)
        self.watching.seen(event)
        if event.what == "forgotten":
            self.forget(event.path)

    def _fire(self, path: str, message: Message) -> None:
        self._outbox.send_beside(path, replace(message, timestamp=messages.now()))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("work beside the agents failed", exc_info=error)

    def _forget_all(self) -> None:
        """Nobody comes back: who waits for an answer is told."""
        for path in list(self.slots):
            self.forget(path)

    async def _closed(self) -> None:
        await self.watching.close()
        self._timers.close()
        self.moves.close()
        self._forget_all()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)  # for all of them together
        for task in self._tasks:
            task.cancel()
        await self._roads.close()
        await asyncio.to_thread(self.slots.close)
