"""A function in service: called again and again, in fresh instances or in one that lives on.

An agent's handler is one. Its calls run on workers of their own, so that agents
and tools do not wait for each other, and several messages may be handled in one
go, since the way to a thread and back costs more than a small call. One go at a
time, each call under a budget of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from mcp_wasm.component.script import Script
from mcp_wasm.component.size import bound
from mcp_wasm.component.types import Function
from mcp_wasm.errors import Cancelled
from mcp_wasm.sandbox import instance, session
from mcp_wasm.sandbox import script as scripts
from mcp_wasm.sandbox.call import Permit
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.instance import Arguments, Live
from mcp_wasm.sandbox.prepared import Plan, Prepared
from mcp_wasm.sandbox.report import Outcome
from mcp_wasm.sandbox.stop import Stop, Watchdog
from mcp_wasm.sandbox.workers import Workers

_T = TypeVar("_T")


class Residents:
    """The workers and the watchdog of functions in service; ``close`` joins their threads."""

    def __init__(self, workers: int) -> None:
        self._workers = Workers(workers)
        self.watchdog = Watchdog(engine().increment_epoch)

    def submit(self, run: Callable[[], _T], *, client: str, component: str) -> Future[_T]:
        """Run ``run`` on a worker.

        Raises:
            Cancelled: after ``close``.
        """
        return self._workers.submit(run, client=client, component=component)

    def close(self) -> None:
        """Stop every guest and join the threads."""
        self.watchdog.cancel_all(closing=True)
        self._workers.close()
        self.watchdog.close()


class Resident:
    """One function of one component; ``lasting`` keeps its instance until a call fails or ``close``.

    ``call`` and ``close`` are for one thread at a time; ``stop`` for any.
    """

    def __init__(self, prepared: Prepared, path: str, watchdog: Watchdog, *, lasting: bool) -> None:
        self._prepared, self._plan, self._watchdog = prepared, prepared.plans[path], watchdog
        self._lasting = lasting
        self._live: Live | None = None
        self._stop = Stop()
        self._stopped = False

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The component's functions by their paths."""
        return self._prepared.plans

    def call(self, permit: Permit, given: Mapping[str, Any], path: str = "") -> Outcome:
        """Call the function, or that of ``path``, which shares its instance.

        Raises:
            GuestError, HostError: the instance is gone then.
            Cancelled: after ``stop``.
        """
        plan = self._prepared.plans[path] if path else self._plan
        stop = self._stop = Stop()
        if self._stopped:
            raise Cancelled
        bound(permit.about.tool, given, permit.limits.arguments)
        if not self._lasting:
            return instance.run(permit, self._prepared, plan, given, stop, self._watchdog)
        arguments = Arguments(permit.about.tool, plan, given)
        try:
            live = self._living(permit, stop)
            try:
                return live.run(plan, arguments, self._watchdog, (0.0, 0.0))
            except BaseException:
                self.close()
                raise
        finally:
            arguments.free()

    def script(self, script: Script, function: Function, permit: Permit, given: Mapping[str, Any]) -> Outcome:
        """Call a function that is source code, on a fresh instance of its runner.

        Raises:
            GuestError, HostError, Cancelled: as ``call``.
        """
        stop = self._stop = Stop()
        if self._stopped:
            raise Cancelled
        bound(permit.about.tool, given, permit.limits.arguments)
        return scripts.run(script, function, permit, self._prepared, given, stop, self._watchdog)

    def stop(self) -> None:
        """End the call that runs, and refuse every later one."""
        self._stopped = True
        self._watchdog.cancel(self._stop)

    def close(self) -> None:
        """Let go of the instance; no call runs."""
        live, self._live = self._live, None
        if live is not None:
            live.close()

    def _living(self, permit: Permit, stop: Stop) -> Live:
        live = self._live
        if live is not None and session.changed(live.call.grants, permit.grants):
            self.close()  # it holds what it was given under the grants that it had
            live = None
        if live is None:
            live = self._live = Live(permit, self._prepared, stop, lasting=True)
        else:
            live.renew(permit, stop)
        return live
