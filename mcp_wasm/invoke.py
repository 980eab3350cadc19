"""A call, on one screen: tool and plain JSON in, plain JSON and its cost out.

This is the only place where a call crosses from async code to the worker
threads. It knows nothing of any protocol: the servers, the command line and the
in-process API all take this path.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from mcp_wasm.capability.grant import NOTHING, Grants
from mcp_wasm.component import check as checking
from mcp_wasm.component.size import bound
from mcp_wasm.errors import CallerError, Cancelled, ComponentRefused, InvalidArguments
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox import inspect, instance
from mcp_wasm.sandbox import script as scripts
from mcp_wasm.sandbox.call import About, Permit
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.prepared import Prepared, Shelf
from mcp_wasm.sandbox.report import Outcome
from mcp_wasm.sandbox.script import RunIn
from mcp_wasm.sandbox.services import Services
from mcp_wasm.sandbox.session import Sessions
from mcp_wasm.sandbox.stop import Stop, Watchdog
from mcp_wasm.sandbox.waits import OnWait, beat, waited
from mcp_wasm.sandbox.workers import Workers


class Invoker:
    """Runs calls on a bounded pool; compiles what a call needs beside it.

    ``runner`` gives the component on which the scripts of a language run; it may
    take its time, as when it has to be built first.
    """

    def __init__(
        self, shelf: Shelf, workers: int, services: Services, runner: Callable[[str], Component]
    ) -> None:
        self._shelf, self._services, self._runner = shelf, services, runner
        self._workers = Workers(workers)
        self._watchdog = Watchdog(engine().increment_epoch)
        self._prepared: dict[str, Future[Prepared]] = {}
        self._preparing: set[threading.Thread] = set()
        self._closed = False
        self._lock = threading.Lock()

    async def call(
        self,
        tool: Tool,
        component: Component,
        arguments: Mapping[str, Any],
        limits: Limits,
        client: str,
        *,
        grants: Grants = NOTHING,
        on_wait: OnWait | None = None,
        run_in: RunIn | None = None,
    ) -> Outcome:
        """Call from an event loop; cancelling the awaiting task stops the guest.

        ``run_in`` takes the place of a fresh instance.

        Raises:
            McpWasmError: whatever went wrong, by whose fault it was.
        """
        if component.remote is not None:
            await asyncio.to_thread(_refuse_early, tool, arguments, limits)
            asked = component.remote.call(tool, arguments, limits, client, grants.allowed)
            away: Outcome = await beat(
                asyncio.ensure_future(asked), on_wait, f"running {tool.name} elsewhere"
            )
            return away
        begun = time.monotonic()
        preparing = self.prepare(component)
        if not preparing.done():
            # Beside the loop: checking a million values takes seconds, and the loop answers pings.
            await asyncio.to_thread(_refuse_early, tool, arguments, limits)
            await beat(asyncio.wrap_future(preparing), on_wait, f"compiling {component.name}")
        permit = self._permit(tool, limits, client, grants)
        stop = Stop()
        run = self._run_in(tool, component, preparing.result(), run_in)
        job = self._submit(permit, run, tool, arguments, begun, stop)
        try:
            outcome: Outcome = await beat(asyncio.wrap_future(job), on_wait, f"running {tool.name}")
        except asyncio.CancelledError:
            self._give_up(stop, job)
            raise
        return outcome

    def call_sync(
        self,
        tool: Tool,
        component: Component,
        arguments: Mapping[str, Any],
        limits: Limits,
        client: str,
        *,
        grants: Grants = NOTHING,
        run_in: RunIn | None = None,
    ) -> Outcome:
        """Call from any thread; an interrupt (Ctrl-C) stops the guest."""
        if component.remote is not None:
            return self.call_away(tool, component, arguments, limits, client, grants, lambda: False)
        begun = time.monotonic()
        preparing = self.prepare(component)
        if not preparing.done():
            _refuse_early(tool, arguments, limits)
        permit = self._permit(tool, limits, client, grants)
        stop, job = Stop(), None
        try:
            # An interrupt may come as soon as the job is on its way, before there is a name for it here.
            run = self._run_in(tool, component, preparing.result(), run_in)
            job = self._submit(permit, run, tool, arguments, begun, stop)
            return waited(job)
        except BaseException:
            self._give_up(stop, job)
            raise

    def call_here(  # noqa: PLR0917 - one caller, as ``_submit``
        self,
        permit: Permit,
        component: Component,
        prepared: Prepared,
        tool: Tool,
        arguments: Mapping[str, Any],
        stop: Stop,
        waited: float,
    ) -> Outcome:
        """Call on this thread, where a call runs already (see ``nested``).

        Raises:
            CallerError: for a tool whose calls belong to a session.
        """
        bound(tool.name, arguments, permit.limits.arguments)
        if component.script is None and prepared.plans[tool.function.path].lasting:
            raise CallerError(f"{tool.name} takes or gives handles of a session, which only clients have")
        run = self._run_in(tool, component, prepared, None)
        return run(permit, arguments, stop, self._watchdog, (waited, 0.0))

    def call_away(  # noqa: PLR0917 - two callers, which have all of it
        self,
        tool: Tool,
        component: Component,
        arguments: Mapping[str, Any],
        limits: Limits,
        client: str,
        grants: Grants,
        due: Callable[[], bool],
    ) -> Outcome:
        """Call a component of another node from this thread, until ``due``."""
        assert component.remote is not None
        _refuse_early(tool, arguments, limits)
        return component.remote.call_sync(tool, arguments, limits, client, grants.allowed, due)

    def prepare(self, component: Component) -> Future[Prepared]:
        """``component`` made ready to run, in the background; shared by all who wait.

        What belongs to another node is made ready there.

        Raises:
            Cancelled: after ``close``.
        """
        if component.remote is not None:
            away: Future[Any] = Future()
            away.set_result(None)
            return away
        with self._lock:
            if self._closed:
                raise Cancelled
            runs = component.runs
            key = runs.digest if runs.script is None else f"{runs.script.language} runner"
            future = self._prepared.get(key)
            if future is None or (future.done() and future.exception() is not None):
                future = self._prepared[key] = Future()
                future.set_running_or_notify_cancel()  # one who gives up waiting cancels it for nobody
                thread = threading.Thread(
                    target=self._prepare,
                    args=(runs, future),
                    name=f"mcp-wasm compile {component.name}",
                    daemon=True,
                )
                self._preparing.add(thread)
                thread.start()
            return future

    def forget(self, digest: str) -> None:
        """Let go of a component's compiled code; calls that run it keep it until they end."""
        with self._lock:
            self._prepared.pop(digest, None)

    def close(self) -> None:
        """Stop every guest and join the threads; the caller has stopped the children that compile."""
        with self._lock:
            self._closed = True
            preparing = tuple(self._preparing)
        self._watchdog.cancel_all(closing=True)
        self._workers.close()
        self._watchdog.close()
        for thread in preparing:
            thread.join()
        with self._lock:
            # What lives until the interpreter ends is freed after the bindings' own globals are gone.
            self._prepared.clear()

    def _give_up(self, stop: Stop, job: Future[Outcome] | None) -> None:
        self._watchdog.cancel(stop)
        if job is not None:
            self._workers.withdraw(job)

    def _prepare(self, component: Component, future: Future[Prepared]) -> None:
        try:
            if component.script is not None:
                component = self._runner(component.script.language)
            what = component.digest, component.world, [tool.function for tool in component.tools]
            prepared = self._shelf.prepare(*what, lambda: _read(component), whole=component.whole)
        except BaseException as error:  # noqa: BLE001 - the future carries it to whoever asked
            future.set_exception(error)
        else:
            future.set_result(prepared)
        finally:
            with self._lock:
                self._preparing.discard(threading.current_thread())

    def _permit(self, tool: Tool, limits: Limits, client: str, grants: Grants) -> Permit:
        return Permit(About(tool.name, tool.component, tool.digest, client), limits, self._services, grants)

    def _run_in(
        self, tool: Tool, component: Component, prepared: Prepared, run_in: RunIn | None
    ) -> Callable[..., Outcome]:
        """How ``tool`` is run: its script on the runner, in a session, or in a fresh instance."""
        script = component.runs.script
        if script is not None and run_in is None:
            return lambda permit, *rest: scripts.run(script, tool.function, permit, prepared, *rest)
        plan = prepared.plans[_path(tool, component) if script is None else scripts.RUN]
        run = run_in or (self._services.shared(Sessions).run if plan.lasting else instance.run)
        return lambda permit, *rest: run(permit, prepared, plan, *rest)

    def _submit(  # noqa: PLR0917 - one caller each, on the path of every call
        self,
        permit: Permit,
        run_in: Callable[..., Outcome],
        tool: Tool,
        arguments: Mapping[str, Any],
        begun: float,
        stop: Stop,
    ) -> Future[Outcome]:
        submitted = time.monotonic()

        def run() -> Outcome:
            if stop.cancelled:
                raise Cancelled
            bound(tool.name, arguments, permit.limits.arguments)
            waits = (submitted - begun, time.monotonic() - submitted)
            return run_in(permit, arguments, stop, self._watchdog, waits)

        return self._workers.submit(run, client=permit.about.client, component=tool.component)


def _path(tool: Tool, component: Component) -> str:
    """Where the function of ``tool`` is in what runs: a toolchain may have put it into an interface."""
    path = tool.function.path
    if component.built is None:
        return path
    found = {each.function.path: each.function.name for each in component.built.tools}
    return path if path in found else next(p for p, name in found.items() if name == tool.function.name)


def _read(component: Component) -> bytes:
    """The bytes of a component as they were when it was published."""
    binary = inspect.read_binary(component.source)
    if hashlib.sha256(binary).hexdigest() != component.digest:
        raise ComponentRefused(
            str(component.source), "the file has changed since it was published", "Call again"
        )
    return binary


def _refuse_early(tool: Tool, arguments: Mapping[str, Any], limits: Limits) -> None:
    """Wrong arguments need not wait for a compile."""
    bound(tool.name, arguments, limits.arguments)
    mismatches = checking.check(tool.function, arguments)
    if mismatches:
        raise InvalidArguments(tool.name, mismatches)
