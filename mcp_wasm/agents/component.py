"""A component as the handler of an agent: of the world ``mcp-wasm:agent``, or a tool by an adapter.

Everything of the guest runs on worker threads, never on the event loop; several
messages go there in one go. Each message has a budget of its own.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from mcp_wasm.agents import effects as read
from mcp_wasm.agents import source
from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.agents.effects import Effect, Reply, Stop, Store
from mcp_wasm.agents.handler import Handled, Situation
from mcp_wasm.agents.message import Message, fields
from mcp_wasm.agents.targets import Target, Targets
from mcp_wasm.capability.grant import NOTHING, Grants
from mcp_wasm.errors import AgentFailed, CallerError, McpWasmError
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox import script as scripts
from mcp_wasm.sandbox.call import About, Permit
from mcp_wasm.sandbox.prepared import Prepared
from mcp_wasm.sandbox.report import Outcome
from mcp_wasm.sandbox.resident import Resident, Residents

CHECK = "mcp-wasm:agent/health@0.1.0#check"

_TRUNCATED = 2000


class ComponentHandler:
    """One agent's component, in a fresh instance for each message or in one for its life.

    ``spec`` names it. It is made ready by ``start``, and its policy is looked at for each batch. What
    ``targets`` knows already need not be read again.
    """

    def __init__(
        self,
        runtime: Runtime,
        residents: Residents,
        path: str,
        spec: AgentSpec,
        targets: Targets | None = None,
    ) -> None:
        self._runtime, self._residents, self._path, self._spec = runtime, residents, path, spec
        self.grants: Grants = NOTHING
        self._targets = targets or Targets(runtime)
        self._found: Target | None = None
        self._call: Callable[[Permit, Mapping[str, Any]], Outcome] | None = None
        self._resident: Resident | None = None
        self._running = threading.Lock()
        self._closed = False

    @property
    def name(self) -> str:
        """The component's name."""
        return self._target.component.name

    @property
    def digest(self) -> str:
        """The component's digest."""
        return self._target.component.digest

    @property
    def options(self) -> tuple[str, ...]:
        """A component of a file is published nowhere: its name alone says nothing to a command."""
        return ("--digest", self.digest) if source.is_file(self._spec.component) else ()

    async def start(self) -> None:
        """Find it and compile it, or load what was compiled.

        Raises:
            CallerError: there is no such component, or it is no agent.
            ComponentRefused: the engine refuses it.
            HostError: its source cannot be compiled here.
        """
        self._found = self._targets.known(self._spec)
        if self._found is None:
            self._found = await asyncio.to_thread(self._targets.load, self._spec)
        preparing = self._runtime.ready(self._found.component)
        self._use(preparing.result() if preparing.done() else await asyncio.wrap_future(preparing))

    def _use(self, prepared: Prepared) -> None:
        """Run ``prepared``, which is this component made ready."""
        target, watchdog = self._target, self._residents.watchdog
        script = target.component.runs.script
        lasting = self._spec.per == "life" and script is None
        path = target.tool.function.path if script is None else scripts.RUN
        resident = self._resident = Resident(prepared, path, watchdog, lasting=lasting)
        if script is None:
            self._call = resident.call
        else:
            function = target.tool.function
            self._call = lambda permit, given: resident.script(script, function, permit, given)

    async def handle(self, situation: Situation, messages: Sequence[Message], handled: list[Handled]) -> None:
        """See ``Handler``."""
        await self._on_worker(lambda permit: self._handle(permit, situation, messages, handled))

    async def healthy(self, situation: Situation) -> None:
        """Ask the component, where it implements ``health``.

        Raises:
            McpWasmError: it is not well.
        """
        if self._resident is not None and CHECK in self._resident.plans and not self._spec.tool:
            await self._on_worker(lambda permit: self._check(permit, situation))

    def close(self) -> None:
        """Stop what runs and let go of the instance, here or where it runs."""
        self._closed = True
        resident = self._resident
        if resident is None:
            return
        resident.stop()
        if self._running.acquire(blocking=False):
            try:
                resident.close()
            finally:
                self._running.release()

    @property
    def _target(self) -> Target:
        assert self._found is not None, "it was not started"
        return self._found

    async def _on_worker(self, run: Callable[[Permit], None]) -> None:
        permit = self._permit()
        self.grants = permit.grants

        def work() -> None:
            with self._running:
                try:
                    if not self._closed:
                        run(permit)
                finally:
                    if self._closed and self._resident is not None:
                        self._resident.close()

        job = self._residents.submit(work, client=self._path, component=self.name)
        try:
            await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            self.close()
            raise

    def _permit(self) -> Permit:
        target = self._target
        component, tool = target.component, target.tool
        grants = self._runtime.policies.effective(
            component.name, component.digest, component.wishes, tool.names, None, approved=self._spec.grants
        )
        about = About(tool.name, component.name, component.digest, self._path, options=self.options)
        return Permit(about, target.limits, self._runtime.services, grants)

    def _handle(
        self, permit: Permit, situation: Situation, messages: Sequence[Message], handled: list[Handled]
    ) -> None:
        one, left = self._adapted if self._spec.tool else self._one, read.MOST
        for message in messages:
            # All of them are carried out in one go on the event loop: the rest waits for the next.
            if self._closed or left < 0:
                return
            try:
                done = one(permit, situation, message)
            except McpWasmError as error:
                handled.append(Handled(error=error, fuel=getattr(error.report, "fuel", 0)))
                return
            for effect in done.effects:
                if isinstance(effect, Store):
                    _remember(situation.memory, self._spec.load, effect)
            handled.append(done)
            left -= len(done.effects)
            if any(isinstance(effect, Stop) for effect in done.effects):
                return

    def _one(self, permit: Permit, situation: Situation, message: Message) -> Handled:
        assert self._call is not None
        given = {"context": _context(situation), "message": fields(message) | {"attempt": message.attempt}}
        outcome = self._call(permit, given)
        if outcome.failed:
            raise AgentFailed(self._path, str(outcome.value)[:_TRUNCATED])
        return Handled(read.parse(cast("list[dict[str, Any]]", outcome.value)), fuel=outcome.report.fuel)

    def _adapted(self, permit: Permit, _situation: Situation, message: Message) -> Handled:
        """A tool's call: the payload is the arguments, the result is the reply."""
        assert self._call is not None
        arguments = message.value
        if not isinstance(arguments, dict):
            return Handled((_refusal(f"{self._target.tool.name} takes a JSON object as its payload"),))
        try:
            outcome = self._call(permit, arguments)
        except CallerError as error:
            return Handled((_refusal(str(error)),))
        reply: Effect = Reply(outcome.text, failed=outcome.failed)
        return Handled((reply,), fuel=outcome.report.fuel)

    def _check(self, permit: Permit, situation: Situation) -> None:
        assert self._resident is not None
        outcome = self._resident.call(permit, {"context": _context(situation)}, CHECK)
        if outcome.failed:
            raise AgentFailed(self._path, f"its health check says: {str(outcome.value)[:_TRUNCATED]}")


def _refusal(text: str) -> Reply:
    return Reply(json.dumps(text[:_TRUNCATED], ensure_ascii=False), failed=True)


def _context(situation: Situation) -> dict[str, Any]:
    return {
        "agent": situation.agent,
        "node": situation.node,
        "config": situation.config,
        "restarts": situation.restarts,
        "memory": [[key, value] for key, value in situation.memory.items()],
    }


def _remember(memory: dict[str, str], load: Sequence[str], effect: Store) -> None:
    if not any(_loads(pattern, effect.key) for pattern in load):
        return
    if effect.value is None:
        memory.pop(effect.key, None)
    else:
        memory[effect.key] = effect.value


def _loads(pattern: str, key: str) -> bool:
    return key.startswith(pattern[:-1]) if pattern.endswith("*") else key == pattern
