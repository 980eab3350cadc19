"""A supervisor: it starts its children in order, starts them again by the rules, and stops them in reverse.

What is to be done at an exit ``restart.decide`` says, and ``family`` does it, one thing after the
other, as OTP's does; here are its life and the requests to it. Children are plain tasks of asyncio. When
``run`` has returned, by whatever way, none of them is left but those that ignored their
cancellation, which are named in an event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, SupervisorSpec
from mcp_wasm.agents.children import Counts, Kept, count, kept, unknown
from mcp_wasm.agents.events import Observer
from mcp_wasm.agents.family import Family, Stopped
from mcp_wasm.agents.place import Child, Place, Start
from mcp_wasm.agents.restart import SHUTDOWN, check_child, check_significant
from mcp_wasm.errors import AgentFailed, CallerError, McpWasmError

PATIENCE = 1.0
"""Seconds that a child has to end after it was cancelled."""

T = TypeVar("T")


class Supervisor:
    """The children of ``spec`` below ``path``.

    ``start`` makes the bodies of workers; ``clock`` gives seconds; ``restarts`` is how often the
    supervisor itself was started anew. It lives once: its own supervisor makes another one.

    Raises:
        CallerError: the spec is one that OTP refuses.
    """

    def __init__(
        self,
        spec: SupervisorSpec,
        path: str,
        start: Start,
        clock: Callable[[], float] = time.monotonic,
        observe: Observer = lambda _event: None,
        *,
        patience: float = PATIENCE,
        restarts: int = 0,
    ) -> None:
        self._family = Family(spec, path, self._body, clock, observe, patience=patience, restarts=restarts)
        self._given = start, clock, observe
        self._requests: set[asyncio.Future[Any]] = set()
        self._over = False

    @property
    def spec(self) -> SupervisorSpec:
        """What it was made from."""
        return self._family.spec

    @property
    def path(self) -> str:
        """Its own path."""
        return self._family.path

    @property
    def gave_up(self) -> str:
        """Why it ended, if that was for too many restarts."""
        return self._family.gave_up

    # Living

    async def run(self, ready: Callable[[], None]) -> str:
        """Start the children, call ``ready``, and live until ``stop``, or until the rules end it.

        The result is ``shutdown``, also after too many restarts: ``gave_up`` then says so.

        Raises:
            AgentFailed: a child could not be started; those before it have been stopped.
        """
        try:
            return await self._run(ready)
        finally:
            self._over = True
            for request in self._requests:
                if not request.done():
                    request.set_exception(self._is_over())
            await self._family.kill_all()

    async def _run(self, ready: Callable[[], None]) -> str:
        family, reason = self._family, SHUTDOWN
        try:
            await family.start()
            ready()
            reason = await family.serve()
        except Stopped:
            pass  # in the middle of a start: what is started is stopped all the same
        except AgentFailed:
            await family.stop_all()
            raise
        await family.stop_all()
        return reason

    def stop(self) -> None:
        """End: the children are stopped in the reverse of their order."""
        self._family.stop()

    def kill(self, path: str, reason: str) -> None:
        """Make the child at ``path`` (from the root) exit with ``reason``; one that does not run stays so.

        A worker is cancelled at once, whatever it does; a supervisor stops its children first.

        Raises:
            UnknownAgent: there is none.
        """
        holder, place = self._find(path)
        task = place.task
        if task is None or task.done():
            return
        place.killed = reason
        later = asyncio.get_running_loop().call_later
        if place.is_supervisor and place.child is not None:
            place.child.stop()
            if place.spec.shutdown is not None:
                later(place.spec.shutdown, task.cancel)
        else:
            task.cancel()
            later(holder.stopper.patience, holder.give_up_on, place, task)

    # Children at run time

    async def start_child(self, spec: ChildSpec | str, config: Mapping[str, Any] | None = None) -> str:
        """Add a child and start it; its path. Under simple_one_for_one: the id of another of the template.

        ``config`` is then added to the template's. A child's own start must not wait for this.

        Raises:
            CallerError: there is one with that id, or the spec is none for this supervisor.
            AgentFailed: it could not be started, and is not kept.
        """
        child = self._spec_of(spec, config)
        return await self._ask(partial(self._add, child))

    async def terminate_child(self, id_: str) -> None:
        """Stop a child; its spec is kept unless it is temporary or of a template.

        Raises:
            UnknownAgent: there is none.
        """
        await self._ask(partial(self._terminate, id_))

    async def restart_child(self, id_: str) -> None:
        """Start a child again that was stopped or has ended.

        Raises:
            UnknownAgent, CallerError: there is none, or it runs.
            AgentFailed: it could not be started, and stays stopped.
        """
        await self._ask(partial(self._start_again, id_))

    async def delete_child(self, id_: str) -> None:
        """Forget a child that does not run.

        Raises:
            UnknownAgent, CallerError: there is none, or it runs.
        """
        await self._ask(partial(self._delete, id_))

    def which_children(self) -> list[Kept]:
        """The children as they are now, in the order of their start."""
        return [kept(place) for place in self._family.places.values()]

    def count_children(self) -> Counts:
        """How many there are."""
        return count(self._family.places.values(), self.spec)

    def supervisor(self, path: str) -> Supervisor:
        """The supervisor at ``path`` (from the root), this one or one below it.

        Raises:
            UnknownAgent: there is none, or it does not run.
        """
        if path == self.path:
            return self
        child = self._find(path)[1].child
        if not isinstance(child, Supervisor):
            raise unknown(path, ())
        return child

    @property
    def abandoned(self) -> int:
        """Tasks of children that ignored their cancellation and still run."""
        return len(self._family.stopper.abandoned)

    # Requests

    async def _ask(self, work: Callable[[], Awaitable[T]]) -> T:
        if self._over:
            raise self._is_over()
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._requests.add(answer)
        answer.add_done_callback(self._requests.discard)
        self._family.put(partial(_answer, work, answer))
        return await answer

    async def _add(self, spec: ChildSpec) -> str:
        if spec.id in self._family.places:
            how = "runs" if self._family.places[spec.id].running else "is there, stopped"
            raise CallerError(f"{self._family.places[spec.id].path} {how} already; restart or delete it")
        place = self._family.places[spec.id] = self._family.place(spec)
        if not await self._family.begin(place):
            self._family.forget((spec.id,))
            raise self._family.not_started(place)
        return place.path

    async def _terminate(self, id_: str) -> None:
        place = self._own(id_)
        await self._family.stopped([place])
        if place.restart == "temporary" or self.spec.strategy == "simple_one_for_one":
            self._family.forget((id_,))

    async def _start_again(self, id_: str) -> None:
        place = self._resting(id_, "start it again")
        place.restarts += 1
        if not await self._family.begin(place):
            raise self._family.not_started(place)

    async def _delete(self, id_: str) -> None:
        self._resting(id_, "delete it")
        self._family.forget((id_,))

    def _resting(self, id_: str, what: str) -> Place:
        place = self._own(id_)
        if self.spec.strategy == "simple_one_for_one" or place.running:
            raise CallerError(f"{place.path} is {place.state}: terminate it first to {what}")
        return place

    def _own(self, id_: str) -> Place:
        if id_ not in self._family.places:
            raise unknown(self._family.path_of(id_), self._family.places)
        return self._family.places[id_]

    def _find(self, path: str) -> tuple[Family, Place]:
        holder, parts = self._family, path.removeprefix(f"{self.path}/" if self.path else "").split("/")
        for index, part in enumerate(parts):
            place = holder.places.get(part)
            if place is None:
                break
            if index == len(parts) - 1:
                return holder, place
            if not isinstance(place.child, Supervisor):
                break
            holder = place.child._family
        raise unknown(path, holder.places)

    # Small things

    def _body(self, place: Place) -> Child:
        spec = place.spec
        if not isinstance(spec.child, SupervisorSpec):
            return self._given[0](place.path, spec, place.restarts)
        patience = self._family.stopper.patience
        return Supervisor(spec.child, place.path, *self._given, patience=patience, restarts=place.restarts)

    def _spec_of(self, spec: ChildSpec | str, config: Mapping[str, Any] | None) -> ChildSpec:
        where = f"the supervisor {self.path!r}" if self.path else "the tree's root"
        template = self.spec.strategy == "simple_one_for_one"
        if isinstance(spec, str) != template:
            takes = "the id of another of its template" if template else "a child spec"
            raise CallerError(f"{where} takes {takes}, by its strategy {self.spec.strategy}")
        if isinstance(spec, str):
            spec = replace(self.spec.children[0], id=spec)
            if config and isinstance(spec.child, AgentSpec):
                spec = replace(spec, child=replace(spec.child, config={**spec.child.config, **config}))
        check_child(spec.id, spec.restart, spec.shutdown, where)
        check_significant(spec.id, spec.restart, self.spec.auto_shutdown, significant=spec.significant)
        return spec

    def _is_over(self) -> AgentFailed:
        return AgentFailed(self.path or "the tree", "its supervisor has ended")


async def _answer(work: Callable[[], Awaitable[T]], answer: asyncio.Future[T]) -> None:
    try:
        result = await work()
    except McpWasmError as error:
        if not answer.done():
            answer.set_exception(error)
    else:
        if not answer.done():
            answer.set_result(result)
