"""The children of one supervisor: started, stopped, started again as ``restart.decide`` says, one by one.

It knows when a child has to go and come, not who asked for it: that is ``supervisor``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from mcp_wasm.agents import message
from mcp_wasm.agents.child_spec import ChildSpec, SupervisorSpec
from mcp_wasm.agents.events import Event, Observer
from mcp_wasm.agents.place import Child, Place, Stopping, shutdown_reason
from mcp_wasm.agents.restart import NORMAL, SHUTDOWN, check, decide
from mcp_wasm.errors import AgentFailed


class Stopped(Exception):
    """The supervisor is to end: the way out of a start."""


class Family:
    """The children of ``spec`` below ``path``.

    ``make`` makes the body of a child, ``clock`` gives seconds, ``patience`` is what a cancelled child has.
    ``end`` is set when the rules end the supervisor; ``gave_up`` says why, if it was for too many restarts.

    Raises:
        CallerError: the spec is one that OTP refuses.
    """

    def __init__(
        self,
        spec: SupervisorSpec,
        path: str,
        make: Callable[[Place], Child],
        clock: Callable[[], float],
        observe: Observer,
        *,
        patience: float,
        restarts: int,
    ) -> None:
        self.spec, self.path = spec, path
        self.end: str | None = None
        self.gave_up = ""
        self.stopping = False
        self.places: dict[str, Place] = {}
        self.stopper = Stopping(patience)
        self._rules = check(spec, path)
        self._make, self._clock, self._observe, self._restarts = make, clock, observe, restarts
        self._history: tuple[float, ...] = ()
        self._inbox: deque[Callable[[], Awaitable[None]]] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._starting: asyncio.Future[bool] | None = None
        if spec.strategy != "simple_one_for_one":
            self.places = {child.id: self.place(child) for child in spec.children}

    async def start(self) -> None:
        """Start all, in order.

        Raises:
            AgentFailed: one could not be started.
        """
        for place in list(self.places.values()):
            if not await self.begin(place):
                raise self.not_started(place)

    async def serve(self) -> str:
        """Do what comes, one thing after the other, until the end; its reason."""
        while True:
            while self._inbox:
                if self.stopping:
                    return SHUTDOWN
                await self._inbox.popleft()()
                if self.end is not None:
                    return self.end
            if self.stopping:
                return SHUTDOWN
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake

    def stop(self) -> None:
        """Have ``start`` and ``serve`` end."""
        self.stopping = True
        if self._starting is not None and not self._starting.done():
            self._starting.set_result(False)
        self._awake()

    def put(self, what: Callable[[], Awaitable[None]]) -> None:
        """Do ``what`` once all that came before is done."""
        self._inbox.append(what)
        self._awake()

    def _awake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _exited(self, place: Place, task: asyncio.Task[str]) -> None:
        if place.task is not task:
            return  # it was stopped or started anew since: that exit is no news
        why = getattr(place.child, "gave_up", "")  # a nested supervisor's
        place.leave()
        self._note(place.path, "exited", place.reason)
        if why:
            self._note(place.path, "escalated", why)
        await self._decided(place, place.reason)

    async def _decided(self, place: Place, reason: str) -> None:
        decision = decide(self._rules, self.places, place.spec.id, reason, self._history, self._clock())
        self._history = decision.history
        if decision.gave_up:
            self.gave_up = (
                f"more than {self.spec.intensity} restarts within {self.spec.period:g} s, "
                f"the last for {place.path}: {reason}"
            )
            self._note(self.path, "gave_up", self.gave_up)
        if decision.end is not None:
            self.forget(decision.forget)
            self.end = decision.end  # all that run are stopped on the way out
            return
        for each in decision.stop:
            await self.stopped([self.places[each]])
        self.forget(decision.forget)
        for each in decision.start:
            started = self.places[each]
            started.restarts += 1
            if not await self.begin(started):
                # Back to the loop first, so that the child can be terminated and the whole be stopped.
                started.state = "restarting"
                self.put(partial(self._again, started))
                return
            self._note(started.path, "restarted", reason)

    async def _again(self, place: Place) -> None:
        if place.state == "restarting":
            await self._decided(place, place.reason)

    async def begin(self, place: Place) -> bool:
        """Start a child and wait until it is ready, or ended well; whether it did not fail.

        Raises:
            Stopped: the supervisor is to end.
        """
        if self.stopping:
            raise Stopped
        loop = asyncio.get_running_loop()
        place.state, place.killed, place.reason = "starting", "", ""
        self._starting = place.started = loop.create_future()
        place.task = task = loop.create_task(self._live(place), name=place.path)
        task.add_done_callback(partial(self._ended, place))
        self._note(place.path, "started", str(place.restarts))
        is_ready = await place.started
        if is_ready:
            place.state = "running"
            self._note(place.path, "ready")
            return True
        if self.stopping:
            raise Stopped
        place.leave()
        if place.reason == NORMAL:
            self._note(place.path, "ignored")
            if place.restart == "temporary" or self.spec.strategy == "simple_one_for_one":
                self.forget((place.spec.id,))
            return True
        self._note(place.path, "exited", place.reason)
        return False

    def _ended(self, place: Place, task: asyncio.Task[str]) -> None:
        if place.task is not task:
            if not task.cancelled():
                task.exception()  # seen: it was stopped, or abandoned
            return
        place.ended(task)
        if place.started is not None and not place.started.done():
            place.started.set_result(False)
        elif place.state != "starting" or place.was_ready:
            self.put(partial(self._exited, place, task))

    def give_up_on(self, place: Place, task: asyncio.Task[str]) -> None:
        """A killed child that does not end has exited all the same."""
        if place.task is not task or task.done():
            return
        self.stopper.abandon(task)
        self._note(place.path, "abandoned", place.killed)
        place.reason = place.killed
        if place.started is not None and not place.started.done():
            place.started.set_result(False)
        else:
            self.put(partial(self._exited, place, task))

    async def stopped(self, places: list[Place]) -> None:
        """Stop ``places``, all at once; those that do not run are no trouble."""
        await self.stopper.stop(places)
        for place in places:
            self._gone(place)

    def _gone(self, place: Place) -> None:
        task = place.task
        place.leave()
        if task is not None and not task.done():
            self._note(place.path, "abandoned", "it ignored its cancellation")
        elif task is not None:
            place.ended(task)
            self._note(place.path, "stopped", shutdown_reason(place))

    async def stop_all(self) -> None:
        """Stop all, in the reverse of their order; those of a template at once."""
        places = list(reversed(self.places.values()))
        if self.spec.strategy == "simple_one_for_one":
            await self.stopped(places)
            return
        for place in places:
            await self.stopped([place])

    async def kill_all(self) -> None:
        """Cancel all at once; none runs afterwards."""
        places = [place for place in self.places.values() if place.task is not None]
        try:
            await self.stopper.kill(places)
        finally:
            for place in places:
                self._gone(place)

    def place(self, spec: ChildSpec) -> Place:
        """The place of a new child."""
        return Place(spec, self.path_of(spec.id), self._restarts)

    def path_of(self, id_: str) -> str:
        """The path of the child ``id_``."""
        return f"{self.path}/{id_}" if self.path else id_

    def forget(self, ids: Iterable[str]) -> None:
        """Know the children ``ids`` no more; none of them runs."""
        for each in ids:
            place = self.places.pop(each, None)
            if place is not None:
                self._note(place.path, "forgotten")

    def not_started(self, place: Place) -> AgentFailed:
        """The error for a child whose start failed."""
        error = place.error
        if isinstance(error, AgentFailed) and place.is_supervisor:
            return error  # it names the child below that failed
        failed = AgentFailed(place.path, f"it could not be started: {place.reason}")
        failed.__cause__ = error
        return failed

    def _note(self, path: str, what: str, detail: str = "") -> None:
        self._observe(Event(message.now(), path, what, detail))

    async def _live(self, place: Place) -> str:
        place.child = self._make(place)
        return await place.child.run(place.ready)
