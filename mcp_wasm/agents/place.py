"""The place of a child in its supervisor: its spec, and the task that runs it, if one does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from mcp_wasm.agents.child_spec import ChildSpec, Restart, SupervisorSpec
from mcp_wasm.agents.restart import NORMAL, SHUTDOWN

KILLED = "killed"
"""The reason of a child whose task was cancelled, where nobody gave another."""


class Child(Protocol):
    """The body of a child."""

    async def run(self, ready: Callable[[], None]) -> str:
        """Live; the reason of the end: ``normal``, ``shutdown``, ``shutdown: …``, or another, a failure.

        It calls ``ready`` once it can be used. An exception is a failure too. It returns ``normal`` before
        it is ready when there is nothing for it to do (OTP's ``ignore``): that is no failure.
        """

    def stop(self) -> None:
        """End soon; called on the event loop, perhaps again. Past its time the task is cancelled."""


Start = Callable[[str, ChildSpec, int], Child]
"""Makes the body of a worker: its path, its spec, how often it was started anew."""

State = Literal["stopped", "starting", "running", "restarting"]
"""``restarting``: its last start failed, and it is to be started again."""


@dataclass(slots=True, eq=False)
class Place:
    """A child of a supervisor.

    ``child`` and ``task`` are of its present life. ``started`` gets whether it became ready. ``killed`` is
    the reason with which somebody made it exit; ``reason`` and ``error`` say how it ended.
    """

    spec: ChildSpec
    path: str
    restarts: int = 0
    state: State = "stopped"
    child: Child | None = None
    task: asyncio.Task[str] | None = None
    started: asyncio.Future[bool] | None = None
    killed: str = ""
    reason: str = ""
    error: BaseException | None = field(default=None, repr=False)

    @property
    def restart(self) -> Restart:
        """When it is started again."""
        return self.spec.restart

    @property
    def significant(self) -> bool:
        """Whether its end may end its supervisor."""
        return self.spec.significant

    @property
    def running(self) -> bool:
        """See ``restart.Place``."""
        return self.state != "stopped"

    @property
    def is_supervisor(self) -> bool:
        """Whether it is a supervisor, not a worker."""
        return isinstance(self.spec.child, SupervisorSpec)

    def ready(self) -> None:
        """What a child calls; more than once does no harm."""
        if self.started is not None and not self.started.done():
            self.started.set_result(True)

    @property
    def was_ready(self) -> bool:
        """Whether its present life has become ready."""
        # The supervisor's own cancellation, while it waits for that, cancels the future too.
        started = self.started
        return started is not None and started.done() and not started.cancelled() and started.result()

    def ended(self, task: asyncio.Task[str]) -> None:
        """Note how ``task`` ended."""
        self.error = None if task.cancelled() else task.exception()
        if self.killed:
            self.reason = self.killed
        elif task.cancelled():
            self.reason = KILLED
        elif self.error is not None:
            self.reason = str(self.error) or type(self.error).__name__
        else:
            self.reason = task.result() or NORMAL

    def leave(self) -> None:
        """It runs no more: what its task still reports is of no interest."""
        self.state, self.child, self.task, self.started = "stopped", None, None, None


@dataclass(slots=True)
class Stopping:
    """Ends children; ``patience`` is the seconds that a cancelled task has; ``abandoned`` took more.

    A nested supervisor is always waited for: it ends all below it in that time.
    """

    patience: float
    abandoned: set[asyncio.Task[str]] = field(default_factory=set)

    async def stop(self, places: list[Place]) -> None:
        """Stop ``places`` at once, each in its own time; all of them have the first one's."""
        tasks: dict[asyncio.Task[str], Place] = {}
        for place in places:
            if place.task is not None and not place.task.done():
                tasks[place.task] = place
        if not tasks:
            return
        seconds = places[0].spec.shutdown
        asked = {task for task, place in tasks.items() if seconds != 0 and place.child is not None}
        for task in asked:
            child = tasks[task].child
            assert child is not None
            child.stop()
        if asked:
            await asyncio.wait(asked, timeout=seconds)
        await self.cancel(tasks)

    async def cancel(self, tasks: dict[asyncio.Task[str], Place]) -> None:
        """Cancel what of ``tasks`` still runs and wait for its end."""
        left = [task for task in tasks if not task.done()]
        for task in left:
            tasks[task].killed = tasks[task].killed or KILLED
            task.cancel()
        workers = [task for task in left if not tasks[task].is_supervisor]
        if workers:
            await asyncio.wait(workers, timeout=self.patience)
        supervisors = [task for task in left if tasks[task].is_supervisor]
        if supervisors:
            await asyncio.wait(supervisors)
        for task in workers:
            if not task.done():
                self.abandon(task)

    def abandon(self, task: asyncio.Task[str]) -> None:
        """Wait for ``task`` no more."""
        self.abandoned.add(task)
        task.add_done_callback(self.abandoned.discard)

    async def kill(self, places: list[Place]) -> None:
        """Cancel all of ``places`` at once, however often who waits here is cancelled meanwhile.

        Raises:
            CancelledError: it was cancelled; all have ended, or are abandoned.
        """
        tasks = {place.task: place for place in places if place.task is not None and not place.task.done()}
        if not tasks:
            return
        # A task of its own: what cancels the supervisor must not cut off its children's end.
        killing = asyncio.ensure_future(self.cancel(tasks))
        cancelled = False
        while not killing.done():
            try:
                await asyncio.wait({killing})
            except asyncio.CancelledError:
                cancelled = True
        killing.result()
        if cancelled:
            raise asyncio.CancelledError


def shutdown_reason(place: Place) -> str:
    """Why a child that its supervisor stopped ended: ``shutdown``, unless it says something else."""
    return place.reason or SHUTDOWN
