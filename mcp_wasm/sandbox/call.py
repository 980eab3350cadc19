"""The state of one running call, found again from inside the engine's callbacks.

A callback gets only an address; stores carry a number there, and ``find`` maps
it back. Nothing that a callback raises may leave it, since an exception that
crosses the C boundary ends the process: it is kept in ``Call.fault`` and raised
again, on the right thread, once the engine has returned.
"""

from __future__ import annotations

import ctypes
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from mcp_wasm.capability.command import denial_command
from mcp_wasm.capability.grant import NOTHING, Denial, Grant, Grants, kind_of, own_fields
from mcp_wasm.sandbox.handles import Resources
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.logged import Log
from mcp_wasm.sandbox.raw import ffi, new_error
from mcp_wasm.sandbox.redact import Redactor
from mcp_wasm.sandbox.report import Printed
from mcp_wasm.sandbox.services import Services
from mcp_wasm.sandbox.stop import Stop

_log = logging.getLogger(__name__)
_numbers = itertools.count(1)
_calls: dict[int, Call] = {}
_CONTINUE = 0

DENIALS = 64
"""Different denials that one call reports; further ones are counted in the last."""

_ASKED = 500
"""Characters of what a guest asked for: it chose them."""


class Chain:
    """What a call from outside and all calls within it share.

    ``calls`` is how many those are so far, ``logged`` the bytes that they wrote to the log.
    """

    __slots__ = ("calls", "logged")

    def __init__(self) -> None:
        self.calls = self.logged = 0


@dataclass(frozen=True, slots=True)
class About:
    """Who calls what: ``depth`` is 0 for a call from outside, 1 for a tool called by that one, and so on."""

    tool: str
    component: str
    digest: str
    client: str = "local"
    depth: int = 0
    chain: Chain = field(default_factory=Chain, compare=False)
    options: tuple[str, ...] = ()
    """Further flags of commands, for a component that is not found by its name."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Under what a call runs: who asks, its limits, its grants, and what its host interfaces share."""

    about: About
    limits: Limits
    services: Services
    grants: Grants = NOTHING


class Stopped(Exception):
    """The call is due, so the guest's wait ends and its store with it."""


class Stream:
    """A capped capture of one output stream: past the cap it counts and swallows."""

    __slots__ = ("_cap", "_kept", "_total")

    def __init__(self, cap: int) -> None:
        self._cap, self._kept, self._total = cap, bytearray(), 0

    def write(self, address: Any, size: int) -> None:
        """Take ``size`` bytes at ``address``."""
        room = min(size, self._cap - len(self._kept))
        if room > 0:
            self._kept += ctypes.string_at(address, room)
        self._total += size

    def printed(self) -> Printed:
        """What was kept, and how many bytes were not."""
        return Printed(self._kept.decode("utf-8", "replace"), self._total - len(self._kept))


def _said(grant: Grant) -> str:
    """Every text that stands in ``grant``."""
    values = own_fields(grant).values()
    return "\n".join(
        str(each) for value in values for each in (value if isinstance(value, tuple) else (value,))
    )


class Call:
    """One call: what it runs under, its output streams, its handles, and what went wrong in a callback.

    ``context`` is its store's, set while the store lives. ``state`` is for host
    interfaces, each under a key of its own. ``redactor`` knows the values of the
    secrets that were read for it, None where there were none. ``cut`` is whether the
    guest was stopped in the middle of a computation. ``denials`` are in the order of the
    first attempt.
    """

    __slots__ = (
        "_denied",
        "_endings",
        "about",
        "bridge",
        "context",
        "cut",
        "fault",
        "grants",
        "limits",
        "log",
        "number",
        "redactor",
        "resources",
        "services",
        "state",
        "stderr",
        "stdout",
        "stop",
    )

    def __init__(self, permit: Permit, stop: Stop) -> None:
        self.renew(permit, stop)
        self.bridge: Any = None
        self.context: Any = None
        self.resources = Resources(permit.limits.resources)
        self.state: dict[object, Any] = {}
        self.redactor: Redactor | None = None
        self._endings: list[Callable[[], None]] = []
        self.number = next(_numbers)
        _calls[self.number] = self

    def renew(self, permit: Permit, stop: Stop) -> None:
        """Begin anew with another permit, for an instance that outlives its call."""
        self.about, self.limits = permit.about, permit.limits
        self.grants, self.services = permit.grants, permit.services
        self.stop = stop
        self.stdout, self.stderr = Stream(permit.limits.log), Stream(permit.limits.log)
        self.log = Log(permit.limits.log)
        self.fault: BaseException | None = None
        self.cut = False
        self._denied: dict[tuple[str, str], Denial] = {}

    def deny(
        self, grant: Grant | None, asked: str, rule: str, *, kind: str = "", quiet: bool = False
    ) -> None:
        """Record an attempt that was not granted.

        ``grant`` is the narrowest grant that would have allowed it, or None with
        ``kind`` where none could; ``asked`` says what was attempted and ``rule``
        why it was denied, without a full stop.
        """
        kind = kind_of(grant) if grant is not None else kind
        waiting, allowed = self.grants.waiting, self.grants.allowed
        if allowed is not None and kind not in allowed:
            # No person can change what the caller left out.
            grant, waiting, rule = None, "", f"the call leaves {kind} out"
        if self.redactor is not None:
            asked, rule = self.redactor.text(asked), self.redactor.text(rule)
            if grant is not None and self.redactor.text(said := _said(grant)) != said:
                grant = None  # it would show the value of a secret, and so would the command that gives it
        key = (kind, asked[:_ASKED])
        if key not in self._denied and len(self._denied) >= DENIALS:
            key = next(reversed(self._denied))
        known = self._denied.get(key)
        if known is not None:
            self._denied[key] = replace(known, count=known.count + 1, quiet=known.quiet and quiet)
            return
        about = self.about
        options = (*about.options, *self.services.options)
        command = denial_command(about.component, grant, waiting, options=options)
        denial = Denial(kind, key[1], rule, about.component, about.digest, grant, command, quiet)
        self._denied[key] = denial
        self.services.denied(denial)

    def pass_on(self, denials: tuple[Denial, ...]) -> None:
        """Take over what was denied to a tool that this call called, maybe with a secret of this one."""
        for denial in map(self._cleaned, denials):
            key = (denial.capability, f"{denial.component} {denial.asked}")
            known = self._denied.get(key)
            if known is not None:
                self._denied[key] = replace(known, count=known.count + denial.count)
            elif len(self._denied) < DENIALS:
                self._denied[key] = denial

    def _cleaned(self, denial: Denial) -> Denial:
        if self.redactor is None:
            return denial
        clean, grant, command = self.redactor.text, denial.grant, denial.command
        if clean(command) != command or (grant is not None and clean(said := _said(grant)) != said):
            grant, command = None, ""
        return replace(
            denial, asked=clean(denial.asked), rule=clean(denial.rule), grant=grant, command=command
        )

    @property
    def denials(self) -> tuple[Denial, ...]:
        """What was denied so far."""
        return tuple(self._denied.values())

    def at_end(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` when the call ends, the last one first; what it raises is logged."""
        self._endings.append(callback)

    def end(self) -> None:
        """Carry out what was asked for at the end, while the store still lives."""
        while self._endings:
            try:
                self._endings.pop()()
            except Exception:  # noqa: BLE001 - one that fails must not keep the others from cleaning up
                _log.exception("cleaning up after %s failed", self.about.tool)

    def close(self) -> None:
        """Forget the call, after its store is gone; its number is never used again."""
        _calls.pop(self.number, None)
        self.context = None
        self.resources.close()


def find(context: Any) -> Call:
    """The call whose store ``context`` belongs to."""
    return _calls[ffi.wasmtime_context_get_data(context)]


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def keep(_number: int) -> None:
    """A finalizer that frees nothing: numbers are forgotten by ``Call.close``."""


@ctypes.CFUNCTYPE(  # type: ignore[untyped-decorator]
    ctypes.c_size_t,
    ctypes.POINTER(ffi.wasmtime_context_t),
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_uint64),
    ctypes.POINTER(ffi.wasmtime_update_deadline_kind_t),
)
def at_epoch(_context: Any, number: int, delta: Any, kind: Any) -> int:
    """The engine asks at each epoch whether this store goes on."""
    try:
        if _calls[number].stop.due():
            _calls[number].cut = True
            return new_error("stopped by the host")
        delta[0], kind[0] = 1, _CONTINUE
        return 0
    except BaseException as error:  # noqa: BLE001 - nothing may leave a callback
        return new_error(f"the host failed: {type(error).__name__}")


def _writer(name: str) -> Any:
    @ctypes.CFUNCTYPE(  # type: ignore[untyped-decorator]
        ctypes.c_ssize_t, ctypes.c_void_p, ctypes.POINTER(ctypes.c_ubyte), ctypes.c_size_t
    )
    def write(number: int, address: Any, size: int) -> int:
        # A count other than `size` and an exception both abort the process, so neither may leave here.
        try:
            getattr(_calls[number], name).write(address, size)
        except BaseException as error:  # noqa: BLE001 - nothing may leave a callback
            if call := _calls.get(number):
                call.fault = error
        return size

    return write


write_stdout, write_stderr = _writer("stdout"), _writer("stderr")
