"""A run of code, on one screen: source in; value, output, files and cost out.

Python, JavaScript and TypeScript are data for a runner of their language; C and
WebAssembly text become a component first. Either way it is a call like any
other: a worker, a fresh instance, a budget, and the grants of ``code``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mcp_wasm.capability.grant import Grants
from mcp_wasm.code import answer
from mcp_wasm.code.contract import ABSENT, CODE, DIGEST, WISHES, Language, Ran, Run, not_run
from mcp_wasm.code.ports import Compile, Compiled, Sessions, Sink
from mcp_wasm.code.scratch import Scratch, Spares, told
from mcp_wasm.code.scratch import check as check_files
from mcp_wasm.component import types as wit
from mcp_wasm.component.script import Script
from mcp_wasm.errors import BuildFailed, GuestError, InvalidArguments, Mismatch
from mcp_wasm.invoke import Invoker
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox import instance
from mcp_wasm.sandbox.account import LIBRARY, Accounts, Caller, Entry
from mcp_wasm.sandbox.call import Permit
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.prepared import Plan, Prepared
from mcp_wasm.sandbox.report import Outcome
from mcp_wasm.sandbox.script import RUN, RunIn
from mcp_wasm.sandbox.waits import OnWait, beat
from mcp_wasm.sandbox.workers import Workers

RUN_CODE = "run_code"

_COMPILERS = 4
"""Compiles of C and WebAssembly text at once; no client has more than half of them.

They have threads of their own: a compile that nobody waits for any more goes on to
its end, and must not hold up what other calls need threads for.
"""

_STRING = wit.Primitive("string")
_FUNCTION = wit.Function("", RUN, (wit.Param("request", _STRING),), _STRING)
_TOOL = Tool(RUN_CODE, "Run code", "", {}, None, _FUNCTION, CODE, DIGEST)
_WORLD = wit.World(tuple(wit.Import(wish, "interface", ()) for wish in sorted(WISHES)), (_FUNCTION,))

COMPONENT = Component(CODE, DIGEST, Path(CODE), _WORLD, "", Limits(), tools=(_TOOL,), wishes=WISHES)
"""What stands for code, in every language, where a component is shown or granted something."""


class Runs:
    """Runs code for a runtime.

    ``compile`` and ``sessions`` are ports; ``accounts`` writes runs into the audit
    log, where there is one.
    """

    def __init__(
        self,
        invoker: Invoker,
        limits: Limits,
        compile: Compile,  # noqa: A002 - what it does
        sessions: Sessions,
        accounts: Accounts | None = None,
    ) -> None:
        self._invoker, self._limits, self._accounts = invoker, limits, accounts
        self._compilers = Workers(_COMPILERS)
        self._compile, self._sessions = compile, sessions

    async def run(
        self, run: Run, client: str, grants: Grants, by: Caller = LIBRARY, on_wait: OnWait | None = None
    ) -> Ran:
        """Run from an event loop; cancelling the awaiting task stops the guest.

        Raises:
            InvalidArguments, InvalidSettings, SessionEnded, CallerError: nothing was run.
            HostError: our fault, too busy, or a toolchain that is not here.
        """
        limits, request = self._checked(run)
        with ExitStack() as held:
            try:
                compiled = None
                if _is_compiled(run):
                    entering = self._compilers.submit(
                        partial(self._enter, held, run, request), client=client, component=client
                    )
                    compiled = await beat(asyncio.wrap_future(entering), on_wait, f"compiling {CODE}")
            except BuildFailed as error:
                return answer.refused(error)
            going = self._going(run, request, compiled)

            async def call() -> Outcome:
                return going.ended(
                    await self._invoker.call(
                        *going.what, limits, client, grants=grants, on_wait=on_wait, run_in=going.run_in
                    )
                )

            try:
                if self._accounts is None:
                    await call()
                else:
                    await self._accounts.run(_entry(by, grants), _noted(run), call)
            except GuestError as error:
                return going.failed(error)
            return going.ran()

    def run_sync(self, run: Run, client: str, grants: Grants, by: Caller = LIBRARY) -> Ran:
        """The same from any thread; an interrupt stops the guest."""
        limits, request = self._checked(run)
        with ExitStack() as held:
            try:
                compiled = self._enter(held, run, request) if _is_compiled(run) else None
            except BuildFailed as error:
                return answer.refused(error)
            going = self._going(run, request, compiled)

            def call() -> Outcome:
                return going.ended(
                    self._invoker.call_sync(*going.what, limits, client, grants=grants, run_in=going.run_in)
                )

            try:
                if self._accounts is None:
                    call()
                else:
                    self._accounts.run_sync(_entry(by, grants), _noted(run), call)
            except GuestError as error:
                return going.failed(error)
            return going.ran()

    def close(self) -> None:
        """Fail what waits for a compiler."""
        self._compilers.close()

    def _enter(self, held: ExitStack, run: Run, request: str) -> Compiled:
        compiled = held.enter_context(self._compile(run, request))
        # Its compiled code is in the cache; what is held of it in memory goes with the run.
        held.callback(self._invoker.forget, compiled.component.digest)
        return compiled

    def _going(self, run: Run, request: str, compiled: Compiled | None) -> _Going:
        if run.session:
            run_in, sink = self._sessions.within(run)
        else:
            sink = Sink()
            run_in = partial(_fresh, run, sink)
        if compiled is not None:
            what = compiled.tool, compiled.component, compiled.arguments
            return _Going(what, run_in, sink, compiled.note, compiled.tool.function != _FUNCTION)
        return _Going((_TOOL, on_runner(run.language), {"request": request}), run_in, sink)

    def _checked(self, run: Run) -> tuple[Limits, str]:
        """The limits of a run, and its request as a runner takes it."""
        if expected := not_run(run.language):
            raise InvalidArguments(RUN_CODE, [Mismatch("/language", expected, repr(run.language)[:60])])
        check_files(RUN_CODE, run.files)
        if run.session and _is_compiled(run):
            expected = "no session: only Python, JavaScript and TypeScript have variables to keep"
            raise InvalidArguments(RUN_CODE, [Mismatch("/session", expected, run.language)])
        wanted = {"deadline": run.timeout, "fuel": run.fuel}
        narrower = {name: value for name, value in wanted.items() if value is not None}
        limits = self._limits.narrow(run.limits).narrow(narrower)
        request: dict[str, Any] = {
            "language": run.language,
            "code": run.code,
            "file": FILE[run.language],
            "mode": "run",
            "keep": bool(run.session),
        }
        if run.input is not ABSENT:
            request["input"] = run.input
        try:
            return limits, json.dumps(request, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidArguments(RUN_CODE, [Mismatch("/input", "a JSON value", str(error)[:100])]) from None


FILE = {
    "python": "code.py",
    "javascript": "code.js",
    "typescript": "code.ts",
    "c": "code.c",
    "wat": "code.wat",
    "rust": "code.rs",
    "go": "code.go",
}
"""What tracebacks and compilers call the submitted source."""

_RUNNER = {"typescript": "javascript"}


def on_runner(language: Language) -> Component:
    """What runs code of a language that is data for a runner."""
    return replace(COMPONENT, script=Script(_RUNNER.get(language, language), "", FILE[language], {}))


def _entry(by: Caller, grants: Grants) -> Entry:
    return Entry(by, RUN_CODE, CODE, DIGEST, grants)


def _noted(run: Run) -> dict[str, Any]:
    """What the audit log keeps the digest of."""
    return {
        "language": run.language,
        "code": run.code,
        "input": None if run.input is ABSENT else run.input,
        "files": sorted(run.files),
    }


def _is_compiled(run: Run) -> bool:
    return run.language in {"c", "wat"}


def _fresh(  # noqa: PLR0917 - as instance.run, which it stands for
    run: Run,
    sink: Sink,
    permit: Permit,
    prepared: Prepared,
    plan: Plan,
    given: Mapping[str, Any],
    *rest: Any,
) -> Outcome:
    """A run in a fresh instance with a folder of its own."""
    with Scratch(run.files, permit.services.shared(Spares)) as scratch:
        try:
            with told():
                return instance.run(in_folder(permit, scratch), prepared, plan, given, *rest)
        finally:
            sink.files, sink.left_out = scratch.collect()


def in_folder(permit: Permit, scratch: Scratch) -> Permit:
    """``permit`` with the run's own folder, in place of whatever else ``/`` might be."""
    others = tuple(grant for grant in permit.grants.storage if grant.guest != scratch.grant.guest)
    return replace(permit, grants=replace(permit.grants, storage=(scratch.grant, *others)))


class _Going:
    """One run on its way: ``what`` is called, and what became of it."""

    def __init__(
        self,
        what: tuple[Tool, Component, Mapping[str, Any]],
        run_in: RunIn,
        sink: Sink,
        note: str = "",
        typed: bool = False,
    ) -> None:
        self.what, self.run_in = what, run_in
        self._sink, self._note, self._typed = sink, note, typed
        self._ran: Ran | None = None

    def ended(self, outcome: Outcome) -> Outcome:
        """Take what the call gave; the same, failed where the code did."""
        self._ran = answer.typed(outcome) if self._typed else answer.read(outcome)
        return replace(outcome, failed=self._ran.failure is not None)

    def failed(self, error: GuestError) -> Ran:
        """How it ended that did not return.

        Raises:
            GuestError: ``error``, where nothing had begun to run.
        """
        self._ran = answer.stopped(error)
        return self.ran()

    def ran(self) -> Ran:
        """How it ended, with all that it left."""
        assert self._ran is not None
        sink, ran = self._sink, self._ran
        note = "\n".join(filter(None, (self._note, ran.note)))
        truncated = (*ran.truncated, *sink.left_out)
        return replace(ran, files=sink.files, truncated=truncated, note=note, session=sink.session)
