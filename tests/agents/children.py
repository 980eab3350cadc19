"""Children for tests of supervision: small bodies that do what a test says, and what they did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, SupervisorSpec
from mcp_wasm.agents.events import Event, Events
from mcp_wasm.agents.supervisor import Supervisor

GUARD = 15.0
"""Seconds after which a test that waits has failed."""


def worker(id_: str, **spec: Any) -> ChildSpec:
    """A child that is a body below."""
    return ChildSpec(id_, AgentSpec("body"), **spec)


def tree(*children: ChildSpec, **spec: Any) -> SupervisorSpec:
    """A supervisor with these children."""
    return SupervisorSpec(children, **spec)


def branch(id_: str, *children: ChildSpec, restart: Any = "permanent", **spec: Any) -> ChildSpec:
    """A child that is a supervisor."""
    return ChildSpec(id_, SupervisorSpec(children, **spec), restart=restart, shutdown=None)


class Body:
    """Lives until it is told how to end. ``stubborn`` ignores ``stop``, ``deaf`` cancellation too."""

    def __init__(self, stage: Stage, path: str, restarts: int) -> None:
        self.stage, self.path, self.restarts = stage, path, restarts
        self.end: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self, ready: Callable[[], None]) -> str:
        stage, path = self.stage, self.path
        stage.bodies[path] = self
        stage.did.append(f"+{path}")
        stage.living.append(path)
        try:
            fault = stage.faults.get(path, [])
            if fault and (what := fault.pop(0)) is not None:
                if what == "hang":
                    await self._ended()
                if what == "normal":
                    return "normal"
                raise RuntimeError(what)
            ready()
            reason = await self._ended()
            if reason.startswith("!"):
                raise RuntimeError(reason[1:])
            return reason
        finally:
            stage.living.remove(path)
            stage.did.append(f"-{path}")

    async def _ended(self) -> str:
        while True:
            try:
                return await asyncio.shield(self.end)
            except asyncio.CancelledError:
                if self.path not in self.stage.deaf:
                    raise

    def stop(self) -> None:
        if self.path not in self.stage.stubborn | self.stage.deaf and not self.end.done():
            self.end.set_result("shutdown")


class Stage:
    """One supervisor over bodies; ``did`` is what they did in order: ``+path`` began, ``-path`` ended."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.living: list[str] = []
        self.bodies: dict[str, Body] = {}
        self.faults: dict[str, list[str | None]] = {}
        self.stubborn: set[str] = set()
        self.deaf: set[str] = set()
        self.now = 0.0
        self.events = Events()
        self.seen: list[Event] = []
        self.events.observe(self.seen.append)
        self.supervisor: Supervisor
        self.task: asyncio.Task[str]
        self.ready = asyncio.Event()

    def begin(self, spec: SupervisorSpec, patience: float = 0.02) -> None:
        """Start a supervisor of ``spec`` and do not wait."""
        self.supervisor = Supervisor(
            spec,
            "",
            lambda path, _spec, restarts: Body(self, path, restarts),
            lambda: self.now,
            self.events.add,
            patience=patience,
        )
        self.task = asyncio.create_task(self.supervisor.run(self.ready.set))

    async def start(self, spec: SupervisorSpec, **more: Any) -> None:
        """Start a supervisor of ``spec``."""
        self.begin(spec, **more)
        await self.until(self.ready.is_set)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until ``holds``."""
        async with asyncio.timeout(GUARD):
            while not holds():  # noqa: ASYNC110 - what is waited for sets no event
                await asyncio.sleep(0)

    async def exit(self, path: str, reason: str) -> None:
        """Have a body exit (``!text``: by an exception), and wait until the supervisor has dealt with it."""
        before = self.events.total
        self.bodies[path].end.set_result(reason)
        await self.until(lambda: self.events.total > before)
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing more happens by itself."""
        quiet, total = 0, -1
        while quiet < 12:
            await asyncio.sleep(0)
            quiet = quiet + 1 if total == self.events.total else 0
            total = self.events.total

    async def ended(self) -> str:
        """Wait for the end of the supervisor."""
        async with asyncio.timeout(GUARD):
            return await self.task

    def what(self, *kinds: str) -> list[tuple[str, str]]:
        """The paths and details of the events of these kinds."""
        return [(each.path, each.detail) for each in self.seen if each.what in kinds]


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """A stage; at the end of the block nothing of it may run that can be stopped."""
    made = Stage()
    try:
        yield made
    finally:
        made.supervisor.stop()
        await asyncio.wait({made.task}, timeout=GUARD)
        assert made.task.done(), "the supervisor does not end"
        assert set(made.living) <= made.deaf, f"left running: {made.living}"
        for path, body in made.bodies.items():
            made.deaf.discard(path)
            if not body.end.done():
                body.end.set_result("shutdown")
        await made.settled()
