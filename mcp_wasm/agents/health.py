"""Asking children whether they are well: one that does not answer in time is made to exit.

Its supervisor then starts it again. It knows neither what is asked nor how: both are injected,
and so is time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mcp_wasm.agents.child_spec import HealthSpec
from mcp_wasm.agents.events import Event
from mcp_wasm.errors import McpWasmError

UNHEALTHY = "unhealthy"
"""The reason with which such a child exits."""

Ask = Callable[[str], Awaitable[None]]
"""Asks what is at a path; returns when it says that it is well.

Raises:
    McpWasmError: it says that it is not.
"""

Sleep = Callable[[float], Awaitable[None]]
"""Waits for that many seconds."""

_ENDS = frozenset({"exited", "stopped", "abandoned", "forgotten"})


class Health:
    """Watches the children that have a health spec, from ``ready`` to their end.

    ``spec`` gives that of a path, or None; ``kill`` makes a child exit with a reason.
    """

    def __init__(
        self,
        spec: Callable[[str], HealthSpec | None],
        ask: Ask,
        kill: Callable[[str, str], None],
        note: Callable[[str, str, str], None],
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._spec, self._ask, self._kill, self._note, self._sleep = spec, ask, kill, note, sleep
        self._watches: dict[str, asyncio.Task[None]] = {}

    def seen(self, event: Event) -> None:
        """Observe the events of a node: who is to be watched is read from them."""
        if event.what in _ENDS:
            self.forget(event.path)
        elif event.what == "ready" and (spec := self._spec(event.path)) is not None:
            self.watch(event.path, spec)

    def watch(self, path: str, spec: HealthSpec) -> None:
        """Ask what is at ``path`` from now on."""
        self.forget(path)
        self._watches[path] = asyncio.create_task(self._watch(path, spec), name=f"health of {path}")

    def forget(self, path: str) -> None:
        """Ask it no more."""
        task = self._watches.pop(path, None)
        # A watch that makes its child exit hears of that exit here, and ends by itself.
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    @property
    def watched(self) -> frozenset[str]:
        """The paths that are asked."""
        return frozenset(self._watches)

    async def close(self) -> None:
        """Ask nobody any more."""
        tasks = list(self._watches.values())
        for path in list(self._watches):
            self.forget(path)
        if tasks:
            await asyncio.wait(tasks)

    async def _watch(self, path: str, spec: HealthSpec) -> None:
        while True:
            await self._sleep(spec.interval)
            wrong = await self._wrong(path, spec.timeout)
            if wrong:
                self._watches.pop(path, None)
                self._note(path, UNHEALTHY, wrong)
                self._kill(path, UNHEALTHY)
                return

    async def _wrong(self, path: str, seconds: float) -> str:
        """What is wrong with it; empty: nothing."""
        asked: asyncio.Future[None] = asyncio.ensure_future(self._ask(path))
        overdue: asyncio.Future[None] = asyncio.ensure_future(self._sleep(seconds))
        try:
            await asyncio.wait({asked, overdue}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                return f"no answer within {seconds:g} s"
            asked.result()
        except McpWasmError as error:
            return str(error) or UNHEALTHY
        finally:
            asked.cancel()
            overdue.cancel()
        return ""
