"""Sessions: instances that live on between calls, for components that export resources.

All handles that a component gives to one client are of one session, since only
resources of one instance can meet in a call; it begins with the first call that
gives a handle. One call runs in it at a time. A session ends by a trap or a limit,
when it was idle for too long, when its grants or its component change, and with
the runtime. A handle's text begins with the session's own, which nobody can
guess, and works only for the client that got it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from mcp_wasm.capability.command import denial_command
from mcp_wasm.capability.grant import Denial, Grants
from mcp_wasm.capability.grant import Sessions as SessionsGrant
from mcp_wasm.component import check as checking
from mcp_wasm.component import handles
from mcp_wasm.errors import (
    Busy,
    CallerError,
    CapabilityDenied,
    InvalidArguments,
    McpWasmError,
    Mismatch,
    SessionEnded,
)
from mcp_wasm.sandbox.call import Permit
from mcp_wasm.sandbox.exported import Exported, mismatch, refuse_twice, serving
from mcp_wasm.sandbox.instance import Arguments, Live
from mcp_wasm.sandbox.lasting import Lasting
from mcp_wasm.sandbox.prepared import Plan, Prepared
from mcp_wasm.sandbox.report import Outcome, Report
from mcp_wasm.sandbox.services import Services
from mcp_wasm.sandbox.stop import Stop, Watchdog

MOST = 64
"""Sessions of all components together."""

_FIXED = ("storage", "environment", "secret", "clock", "random", "nn")
"""Kinds of grants that an instance has from its beginning, or holds what it was given under them (a
model that it has opened): it cannot go on under others."""


class Session:
    """One living instance, for one client; ``until`` is when it ends unless it is used."""

    def __init__(self, permit: Permit, prepared: Prepared, stop: Stop, idle: float) -> None:
        self.owner, self.component = permit.about.client, permit.about.component
        self.digest, self.grants = permit.about.digest, permit.grants
        self.handles = Exported(permit.limits.resources)
        self.live = Live(permit, prepared, stop, lasting=True)
        self.busy = threading.Lock()
        self.idle, self.until = idle, float("inf")

    @property
    def text(self) -> str:
        """What every handle of the session begins with."""
        return self.handles.text

    def close(self) -> None:
        """Let go of the instance; nobody uses it."""
        self.handles.clear()
        self.live.close()


class Sessions(Lasting[Session]):
    """The living sessions of a runtime; idle ones end by themselves."""

    def __init__(self, _services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__("sessions", clock)

    def run(  # noqa: PLR0917 - as instance.run
        self,
        permit: Permit,
        prepared: Prepared,
        plan: Plan,
        given: Mapping[str, Any],
        stop: Stop,
        watchdog: Watchdog,
        waits: tuple[float, float] = (0.0, 0.0),
    ) -> Outcome:
        """Call a function that takes or gives handles.

        Raises:
            CapabilityDenied: without a grant of sessions.
            SessionEnded, Busy, InvalidArguments: nothing was run.
            GuestError: the call failed; after a trap or a limit the session is over.
        """
        mismatches = checking.check(plan.function, given)
        if mismatches:
            raise InvalidArguments(permit.about.tool, mismatches)
        if not permit.grants.sessions:
            raise _denied(permit, plan)
        session = self._enter(permit, prepared, plan, given, stop)
        why = "its session ended with a fault of the host"
        try:
            with serving(session.handles):
                arguments = Arguments(permit.about.tool, plan, given)
                try:
                    outcome = session.live.run(plan, arguments, watchdog, waits)
                finally:
                    arguments.free()
            why = ""
            return outcome
        except InvalidArguments:
            why = ""
            raise
        except McpWasmError as error:
            why = f"its session ended: {str(error).splitlines()[0][:200]}"
            raise
        finally:
            # Without handles nobody could come back.
            self._leave(session, why or ("" if len(session.handles) else "it has no handles"))

    def _enter(
        self, permit: Permit, prepared: Prepared, plan: Plan, given: Mapping[str, Any], stop: Stop
    ) -> Session:
        """The session of the handles in ``given``, or a new one; locked for this call."""
        tool = permit.about.tool
        found = list(handles.given(plan.function, dict(given)))
        refuse_twice(tool, found)
        texts = {text.partition(".")[0] for _, _, text in found}
        if len(texts) > 1:
            raise InvalidArguments(tool, [Mismatch("", "handles of one session", f"{len(texts)} sessions")])
        try:
            text = next(iter(texts), None) or self._own(permit)
            if text is None:
                return self._open(permit, prepared, stop)
            session = self._take(permit, found[0][2] if found else text, text)
        finally:
            self._let_go()
        try:
            wrong = [m for each in found if (m := mismatch(session.handles, *each)) is not None]
            if wrong:
                raise InvalidArguments(tool, wrong)
            session.live.renew(permit, stop)
        except BaseException:
            self._leave(session, "" if len(session.handles) else "it has no handles")
            raise
        return session

    def _own(self, permit: Permit) -> str | None:
        """The session that the client has with the component already; one that cannot go on ends."""
        with self._changed:
            for text, session in list(self._living.items()):
                if session.owner == permit.about.client and session.component == permit.about.component:
                    changed = _changed(session, permit)
                    if not changed or session.busy.locked():
                        return text
                    self._end(session, changed)
        return None

    def _open(self, permit: Permit, prepared: Prepared, stop: Stop) -> Session:
        grant = permit.grants.sessions[0]
        with self._changed:
            if self._closed:
                raise CallerError("The runtime is closed.")
            own = sum(s.component == permit.about.component for s in self._living.values())
            if own >= grant.most or len(self._living) >= MOST:
                most = min(grant.most, MOST)
                raise CallerError(
                    f"{permit.about.component} has {own} sessions, and {most} may live at once. "
                    f"One that is not used ends after {grant.idle:g} s; "
                    "a person can allow more (mcp-wasm grants, kind sessions)."
                )
            session = Session(permit, prepared, stop, grant.idle)
            self._begin(session)
        return session

    def _take(self, permit: Permit, handle: str, text: str) -> Session:
        with self._changed:
            session = self._living.get(text)
            if session is None or session.owner != permit.about.client:
                # To another client it is as if there had never been one.
                mine = session is None
                raise SessionEnded(handle, self._over.get(text, _UNKNOWN) if mine else _UNKNOWN)
            if not session.busy.acquire(blocking=False):
                raise Busy("This session", 1)
            changed = _changed(session, permit)
            if changed:
                session.busy.release()
                self._end(session, changed)
                raise SessionEnded(handle, changed)
            session.until = float("inf")
        return session


_UNKNOWN = "there is no such session (for this client)"


def _changed(session: Session, permit: Permit) -> str:
    if session.digest != permit.about.digest or session.component != permit.about.component:
        return "its component was replaced"
    return changed(session.grants, permit.grants)


def changed(before: Grants, now: Grants) -> str:
    """Why an instance that was made under some grants cannot go on under others, or ``""``."""
    return "the grants of its component have changed" if _fixed(before) != _fixed(now) else ""


def _fixed(grants: Grants) -> tuple[Any, ...]:
    return tuple(getattr(grants, kind) for kind in _FIXED)


def _denied(permit: Permit, plan: Plan) -> CapabilityDenied:
    about, grants = permit.about, permit.grants
    grant: SessionsGrant | None = SessionsGrant()
    rule, waiting = grants.waiting or f"no grant of sessions to {about.component}", grants.waiting
    if grants.allowed is not None and "sessions" not in grants.allowed:
        grant, waiting, rule = None, "", "the call leaves sessions out"
    asked = f"keep an instance alive between calls, for {plan.function.name}"
    command = denial_command(about.component, grant, waiting, options=permit.services.options)
    denial = Denial("sessions", asked, rule, about.component, about.digest, grant, command)
    permit.services.denied(denial)
    error = CapabilityDenied((denial,))
    error.report = Report(about.digest, denials=(denial,))
    return error
