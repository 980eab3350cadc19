"""What a call cost and printed: plain numbers and text, the same for success and failure."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcp_wasm.capability.grant import Denial
from mcp_wasm.sandbox.logged import Logged


@dataclass(frozen=True, slots=True)
class Printed:
    """What the guest wrote to one of its output streams.

    ``text`` is what was kept (undecodable bytes replaced), ``dropped`` the
    number of bytes past the cap that were swallowed.
    """

    text: str = ""
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The cost of one call.

    ``fuel`` in the engine's units, ``queue_ms``, ``compile_ms``,
    ``instantiate_ms`` and ``run_ms`` in milliseconds of wall clock, ``digest``
    the SHA-256 (hex) of the component that ran, ``denials`` what it attempted
    without a grant, ``log`` what it wrote to the log, ``log_dropped`` how many
    messages there was no room for. With ``fuel_is_least`` the guest was stopped in
    the middle of a computation, and used at least ``fuel``: compiled code counts in
    a register, and writes the count down only where it calls or returns.
    """

    digest: str
    fuel: int = 0
    queue_ms: float = 0.0
    compile_ms: float = 0.0
    instantiate_ms: float = 0.0
    run_ms: float = 0.0
    stdout: Printed = field(default_factory=Printed)
    stderr: Printed = field(default_factory=Printed)
    denials: tuple[Denial, ...] = ()
    log: tuple[Logged, ...] = ()
    log_dropped: int = 0
    fuel_is_least: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended when the guest returned.

    ``value`` is the result as plain JSON values (None for a function without
    result; the ok side of a ``result``), ``text`` the same as compact JSON. Where
    the function returned ``err``, ``failed`` is True and both are the error's payload.
    """

    value: object
    failed: bool
    text: str
    report: Report
