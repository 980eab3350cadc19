"""``wasi:clocks`` for calls that must not see the real clock: one that stands, or one that moves in steps.

In the place of the engine's own, and only for calls with such a grant. Timers
stay the engine's, so that a wait is a real one and ends at the deadline
(``poll``). Source: WASI 0.2, ``wasi:clocks``.
"""

from __future__ import annotations

import time
from typing import Any

from mcp_wasm.capability.grant import Clock, Grants
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.handles import Native
from mcp_wasm.sandbox.host.bridge import Bridge, take, values
from mcp_wasm.sandbox.host.interface import NATIVE, Interface
from mcp_wasm.sandbox.raw import KIND, Val

_BRIDGE = Bridge("clock_bridge.wat")
_SECOND = 10**9
_LONGEST = 2**63
"""Nanoseconds; a longer timer would overflow what the engine's clock can hold."""


def clock(grants: Grants) -> Clock:
    """The clock that holds: the first granted one, else the real one."""
    return grants.clock[0] if grants.clock else Clock()


def _is_not_real(grants: Grants) -> bool:
    return clock(grants).mode != "real"


class _Fixed:
    """The wall clock stands; the other moves by exactly what the guest waits for, and a microsecond a look.

    So two runs see the same times, and a loop that waits for a time to pass ends.
    """

    def __init__(self, grant: Clock) -> None:
        # To the microsecond, which is what a float of today's seconds can tell.
        self._wall, self._passed = round(grant.at * 10**6) * 1000, 0

    def wall(self) -> int:
        return self._wall

    def monotonic(self) -> int:
        self._passed = min(self._passed + 1000, _LONGEST)
        return self._passed

    def resolution(self) -> int:
        return 1000

    def until(self, instant: int) -> int:
        return self.after(max(0, instant - self._passed))

    def after(self, duration: int) -> int:
        self._passed = min(self._passed + duration, _LONGEST)
        return duration


class _Coarse:
    """The real time, rounded down to whole steps; a wait ends with the step in which it would have ended."""

    def __init__(self, grant: Clock) -> None:
        self._step = max(1, int(grant.step * _SECOND))
        self._begun = time.monotonic_ns()

    def wall(self) -> int:
        return time.time_ns() // self._step * self._step

    def _passed(self) -> int:
        return time.monotonic_ns() - self._begun

    def monotonic(self) -> int:
        return self._passed() // self._step * self._step

    def resolution(self) -> int:
        return self._step

    def until(self, instant: int) -> int:
        return max(0, -(-instant // self._step) * self._step - self._passed())

    def after(self, duration: int) -> int:
        return self.until(self._passed() + duration)


def _state(call: Call) -> _Fixed | _Coarse:
    grant = clock(call.grants)
    made = call.state.get(__name__)
    if made is None or made[0] != grant:
        made = call.state[__name__] = (grant, _Fixed(grant) if grant.mode == "fixed" else _Coarse(grant))
    found: _Fixed | _Coarse = made[1]
    return found


def _datetime(nanoseconds: int) -> dict[str, int]:
    seconds, rest = divmod(max(0, nanoseconds), _SECOND)
    return {"seconds": seconds, "nanoseconds": rest}


def _timer(call: Call, nanoseconds: int) -> Native:
    arguments, result = values(1), Val()
    arguments[0].kind, arguments[0].of.u64 = KIND["u64"], min(nanoseconds, _LONGEST)
    _BRIDGE.call(call, "timer", arguments, 1, result)
    return take(result)


def _wall_now(call: Call) -> Any:
    return _datetime(_state(call).wall())


def _wall_resolution(call: Call) -> Any:
    return _datetime(_state(call).resolution())


def _now(call: Call) -> int:
    return _state(call).monotonic()


def _resolution(call: Call) -> int:
    return _state(call).resolution()


def _subscribe_instant(call: Call, when: int) -> Native:
    return _timer(call, _state(call).until(when))


def _subscribe_duration(call: Call, when: int) -> Native:
    return _timer(call, _state(call).after(when))


INTERFACES = (
    Interface(
        "wasi:clocks/wall-clock",
        (NATIVE,),
        {"now": _wall_now, "resolution": _wall_resolution},
        shadow=_is_not_real,
    ),
    Interface(
        "wasi:clocks/monotonic-clock",
        (NATIVE,),
        {
            "now": _now,
            "resolution": _resolution,
            "subscribe-instant": _subscribe_instant,
            "subscribe-duration": _subscribe_duration,
        },
        shadow=_is_not_real,
        bridge=(1, 0),
    ),
)
