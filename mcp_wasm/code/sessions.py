"""Sessions of code: runs that leave their variables behind, for models that work step by step.

Each is an instance and a folder of its own, for the client that began it, and
runs one piece of code at a time. It ends by a limit or a trap, when it was idle
for too long, when the grants of ``code`` change, and with the runtime; the next
run is told which of these it was.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mcp_wasm.code.contract import Run
from mcp_wasm.code.ports import Sink
from mcp_wasm.code.run import in_folder
from mcp_wasm.code.scratch import Scratch, told
from mcp_wasm.errors import Busy, CallerError, McpWasmError, SessionEnded
from mcp_wasm.sandbox.call import Permit
from mcp_wasm.sandbox.instance import Arguments, Live
from mcp_wasm.sandbox.lasting import Lasting
from mcp_wasm.sandbox.prepared import Plan, Prepared
from mcp_wasm.sandbox.report import Outcome
from mcp_wasm.sandbox.script import RunIn
from mcp_wasm.sandbox.session import changed
from mcp_wasm.sandbox.stop import Stop, Watchdog

NEW = "new"

MOST, MOST_EACH = 16, 4
"""Sessions of all clients together, and of one: each holds an instance's memory."""

IDLE = 600.0
"""Seconds after which a session that is not used ends."""

_UNKNOWN = "there is no such session (for this client)"


class CodeSession:
    """One session; ``text`` is the handle that the client has."""

    def __init__(self, run: Run, permit: Permit, prepared: Prepared, stop: Stop) -> None:
        self.text = secrets.token_urlsafe(18)
        self.owner, self.language = permit.about.client, run.language
        self.granted, self.digest = permit.grants, prepared.digest
        self.busy = threading.Lock()
        self.idle, self.until = IDLE, float("inf")
        self.scratch = Scratch({})
        try:
            self.live = Live(in_folder(permit, self.scratch), prepared, stop, lasting=True)
        except BaseException:
            self.scratch.close()
            raise

    def close(self) -> None:
        """Let go of the instance and of the folder; nobody uses them."""
        self.live.close()
        self.scratch.close()


class CodeSessions(Lasting[CodeSession]):
    """The living sessions of a runtime."""

    def __init__(self, _services: object = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__("code sessions", clock)

    def within(self, run: Run) -> tuple[RunIn, Sink]:
        """How ``run`` is made in its session, and where what it leaves is found afterwards.

        Raises:
            SessionEnded: (from the run) for a handle that is not valid, with the reason.
            Busy: (from the run) while another run of the session goes on.
        """
        sink = Sink()
        return partial(self._run, run, sink), sink

    def _run(  # noqa: PLR0917 - as instance.run, which it stands for
        self,
        run: Run,
        sink: Sink,
        permit: Permit,
        prepared: Prepared,
        plan: Plan,
        given: Mapping[str, Any],
        stop: Stop,
        watchdog: Watchdog,
        waits: tuple[float, float] = (0.0, 0.0),
    ) -> Outcome:
        arguments = Arguments(permit.about.tool, plan, given)
        try:
            session = self._enter(run, permit, prepared, stop)
            why = "its session ended with a fault of the host"
            try:
                session.scratch.put(run.files)
                with told():
                    outcome = session.live.run(plan, arguments, watchdog, waits)
                why = ""
                sink.session = session.text
                return outcome
            except McpWasmError as error:
                why = f"its session ended: {str(error).splitlines()[0][:200]}"
                raise
            finally:
                sink.files, sink.left_out = session.scratch.collect()
                self._leave(session, why)
        finally:
            arguments.free()

    def _enter(self, run: Run, permit: Permit, prepared: Prepared, stop: Stop) -> CodeSession:
        """The session of ``run``, or a new one; held for this run."""
        try:
            with self._changed:
                if self._closed:
                    raise CallerError("The runtime is closed.")
                return (
                    self._open(run, permit, prepared, stop)
                    if run.session == NEW
                    else self._take(run, permit, prepared, stop)
                )
        finally:
            self._let_go()

    def _open(self, run: Run, permit: Permit, prepared: Prepared, stop: Stop) -> CodeSession:
        own = [one for one in self._living.values() if one.owner == permit.about.client]
        for kept, most in ((own, MOST_EACH), (list(self._living.values()), MOST)):
            if len(kept) < most:
                continue
            idle = [one for one in kept if one.owner == permit.about.client and not one.busy.locked()]
            if not idle:
                raise CallerError(
                    f"{len(kept)} sessions of code live already, and {most} may. "
                    f"Go on in one of them, or wait: one that is not used ends after {IDLE:g} s."
                )
            # The client's own that it has not used for longest: a model seldom closes what it opened.
            oldest = min(idle, key=lambda one: one.until)
            self._end(oldest, f"{most} sessions may live, and this was used least recently")
            break
        session = CodeSession(run, permit, prepared, stop)
        self._begin(session)
        return session

    def _take(self, run: Run, permit: Permit, prepared: Prepared, stop: Stop) -> CodeSession:
        session = self._living.get(run.session)
        if session is None or session.owner != permit.about.client:
            # To another client it is as if there had never been one.
            mine = session is None
            raise SessionEnded(run.session[:64], self._over.get(run.session, _UNKNOWN) if mine else _UNKNOWN)
        if not session.busy.acquire(blocking=False):
            raise Busy("This session", 1)
        why = self._unfit(session, run, permit, prepared)
        if why:
            session.busy.release()
            if why != _LANGUAGE:
                self._end(session, why)
            raise SessionEnded(run.session, why)
        session.until = float("inf")
        session.live.renew(in_folder(permit, session.scratch), stop)
        return session

    def _unfit(self, session: CodeSession, run: Run, permit: Permit, prepared: Prepared) -> str:
        if session.language != run.language:
            return _LANGUAGE
        if session.digest != prepared.digest:
            return "its runner was replaced"
        return changed(session.granted, permit.grants)


_LANGUAGE = "it is of another language"
