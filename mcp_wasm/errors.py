"""Every error that this package raises, in one tree.

The three bases say whose fault it was, because that decides what a model is
told: the caller can mend its request, a person can raise a limit or mend the
guest, and a fault of the host is reported by an id with its details in the log.

    McpWasmError
    ├── CallerError                 the request or the input was wrong
    │   ├── UnknownTool
    │   ├── InvalidArguments
    │   ├── InvalidSettings
    │   ├── StateRefused
    │   ├── SignatureRefused
    │   ├── TestsFailed
    │   └── ComponentRefused
    ├── GuestError                  the guest ran and did not finish
    │   ├── Trap
    │   ├── CapabilityDenied
    │   ├── SessionEnded
    │   ├── Cancelled
    │   └── LimitExceeded
    │       ├── FuelExhausted
    │       ├── DeadlineExceeded
    │       ├── MemoryLimitExceeded
    │       ├── StorageExceeded
    │       ├── HandlesExhausted
    │       └── OutputLimitExceeded
    └── HostError                   we failed
        ├── Busy
        ├── ToolchainMissing
        ├── NotConfined
        ├── BuildFailed
        ├── StateUnavailable
        ├── StateOverdue
        └── HostFault

Each class carries data; the message is made from it. An error of a call that
had begun also carries ``report``: what the call cost and what it printed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class McpWasmError(Exception):
    """Base of all errors of this package.

    ``report`` is a ``sandbox.report.Report`` once the guest was started, else None.
    """

    report: Any = None


class CallerError(McpWasmError):
    """The request, the settings or the given file was wrong; nothing was run."""


class GuestError(McpWasmError):
    """The guest was started and did not return."""


class HostError(McpWasmError):
    """We failed, or what we need is not there."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place where a value does not fit its type.

    ``pointer`` is a JSON pointer (RFC 6901) into the arguments, ``""`` for the
    whole; ``expected`` is a phrase, ``found`` a short rendering of the value.
    """

    pointer: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.pointer or '(the arguments)'}: expected {self.expected}, got {self.found}"


class UnknownTool(CallerError):
    """No tool of that name is published; ``nearest`` are the closest names, best first."""

    def __init__(self, name: str, nearest: Sequence[str] = ()) -> None:
        self.name, self.nearest = name, tuple(nearest)
        hint = f" Did you mean {', '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(f"There is no tool named {name!r}.{hint}")


class InvalidArguments(CallerError):
    """The arguments do not fit the tool's parameters; ``mismatches`` lists every place."""

    def __init__(self, tool: str, mismatches: Sequence[Mismatch]) -> None:
        self.tool, self.mismatches = tool, tuple(mismatches)
        lines = "\n".join(f"- {m}" for m in self.mismatches)
        super().__init__(f"The arguments of {tool} were refused, nothing was run:\n{lines}")


class InvalidSettings(CallerError):
    """A setting, a flag or a per-call limit is wrong; ``where`` names it."""

    def __init__(self, where: str, expected: str, found: object) -> None:
        self.where, self.expected, self.found = where, expected, found
        super().__init__(f"{where}: expected {expected}, got {found!r}")


class ComponentRefused(CallerError):
    """A binary cannot be published; ``reason`` says why and ``hint`` what to do."""

    def __init__(self, source: str, reason: str, hint: str = "") -> None:
        self.source, self.reason, self.hint = source, reason, hint
        super().__init__(f"{source}: {reason}" + (f". {hint}" if hint else ""))


class SignatureRefused(CallerError):
    """Source code cannot be typed as a tool: ``reason`` says why and ``hint`` what to write instead.

    ``line`` and ``column`` count from 1 in the source as submitted, named ``file``.
    """

    def __init__(self, file: str, line: int, column: int, reason: str, hint: str = "") -> None:
        self.file, self.line, self.column, self.reason, self.hint = file, line, column, reason, hint
        super().__init__(f"{file}:{line}:{column}: {reason}" + (f". {hint}" if hint else ""))


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test of a tool that did not hold; ``got`` is its value, or ``error`` says why there is none."""

    function: str
    given: Any
    expected: Any
    got: Any = None
    error: str = ""

    def __str__(self) -> str:
        found = f"it failed: {self.error}" if self.error else f"got {_shown(self.got)}"
        return f"{self.function}({_shown(self.given)}): expected {_shown(self.expected)}, {found}"


class TestsFailed(CallerError):
    """Code was not made a tool, since tests that came with it do not hold: ``failed``, of ``total``."""

    __test__ = False  # its name looks like a test to pytest

    def __init__(self, name: str, failed: Sequence[FailedTest], total: int) -> None:
        self.name, self.failed, self.total = name, tuple(failed), total
        lines = "\n".join(f"- {each}" for each in self.failed)
        super().__init__(
            f"{name} was not made: {len(self.failed)} of its {total} tests failed. "
            f"Mend the code or the tests:\n{lines}"
        )


class StateRefused(CallerError):
    """A store takes no such name, key or value; ``what`` says which, ``expected`` what it takes."""

    def __init__(self, what: str, expected: str, found: str) -> None:
        self.what, self.expected, self.found = what, expected, found
        super().__init__(f"{what}: expected {expected}, got {found}")


class Trap(GuestError):
    """The guest trapped. ``kind`` is the trap in words, ``frames`` its own traceback, innermost first."""

    def __init__(self, kind: str, frames: Sequence[str] = (), hint: str = "") -> None:
        self.kind, self.frames, self.hint = kind, tuple(frames), hint
        super().__init__(f"The guest trapped: {kind}." + (f" {hint}" if hint else ""))


class CapabilityDenied(GuestError):
    """The guest could not even start without what it was not granted; ``denials`` say what that was."""

    def __init__(self, denials: Sequence[Any]) -> None:
        self.denials = tuple(denials)
        listed = "\n".join(f"- {denial}" for denial in self.denials)
        super().__init__(f"The call needs what nobody granted, and did nothing:\n{listed}")


class SessionEnded(GuestError):
    """A handle belongs to a session that is over, or to none; ``why`` says what ended it."""

    def __init__(self, handle: str, why: str) -> None:
        self.handle, self.why = handle, why
        super().__init__(f"The handle {handle} is not valid: {why.removesuffix('.')}. Make a new one.")


class Cancelled(GuestError):
    """The caller gave the call up and the guest was stopped."""

    def __init__(self) -> None:
        super().__init__("The call was cancelled and its guest was stopped.")


class LimitExceeded(GuestError):
    """A limit of the call was reached.

    ``limit`` is the field of ``Limits``, ``allowed`` its value and ``used`` what
    was used where that is known, both in ``unit``.
    """

    limit = ""
    unit = ""

    def __init__(self, allowed: float, used: float | None = None, detail: str = "") -> None:
        self.allowed, self.used, self.detail = allowed, used, detail
        spent = f", used {used:,} {self.unit}" if used is not None else ""
        super().__init__(
            f"The {self.limit} limit was reached: {allowed:,} {self.unit} allowed{spent}."
            + (f" {detail}" if detail else "")
        )


class FuelExhausted(LimitExceeded):
    """The CPU budget ran out (``allowed`` and ``used`` in units of fuel)."""

    limit, unit = "fuel", "units"


class DeadlineExceeded(LimitExceeded):
    """The wall-clock deadline passed, whatever the guest did or returned (seconds)."""

    limit, unit = "deadline", "s"


class MemoryLimitExceeded(LimitExceeded):
    """The guest needs more linear memory than it may have (bytes)."""

    limit, unit = "memory", "bytes"


class HandlesExhausted(LimitExceeded):
    """The guest holds more handles to host objects than it may have at once."""

    limit, unit = "resources", "handles"

    def __init__(self, allowed: float) -> None:
        super().__init__(allowed, detail="It may have dropped none of them.")


class StorageExceeded(LimitExceeded):
    """More lies in a granted folder than its quota; the call was stopped, what it wrote stays (bytes)."""

    limit, unit = "storage", "bytes"


class OutputLimitExceeded(LimitExceeded):
    """The result is larger than a result may be at all (bytes of JSON)."""

    limit, unit = "result", "bytes"


class Busy(HostError):
    """Too much is running or waiting already; ``holder`` is who holds it. Try again later."""

    def __init__(self, holder: str, waiting: int) -> None:
        self.holder, self.waiting = holder, waiting
        super().__init__(f"{holder} has {waiting} calls waiting already. Try again when some have finished.")


class ToolchainMissing(HostError):
    """A build needs ``program``, which is not installed; ``install`` is what to type."""

    def __init__(self, program: str, install: str) -> None:
        self.program, self.install = program, install
        super().__init__(f"{program} is not installed. Type: {install}")


class NotConfined(HostError):
    """Source that nobody vouches for is not compiled, for want of a sandbox of the system.

    ``reasons`` says for each mechanism why it cannot be used.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        said = "; ".join(f"{name}: {reason}" for name, reason in self.reasons.items())
        super().__init__(
            "Source code that a model or a stranger wrote is only compiled in a sandbox of the system, and "
            f"there is none here ({said}). On Linux, install bubblewrap (apt-get install bubblewrap) or use "
            "a kernel with Landlock (5.19 or later). What you wrote yourself is compiled without one: "
            "mcp-wasm build."
        )


def _shown(value: Any, most: int = 300) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


@dataclass(frozen=True, slots=True)
class Message:
    """What a compiler says of one place in the source as submitted.

    ``line`` and ``column`` count from 1; 0 is "not told". ``severity`` is
    ``error``, ``warning`` or ``note``.
    """

    file: str
    line: int
    column: int
    severity: str
    text: str

    def __str__(self) -> str:
        place = ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])
        return f"{place}: {self.severity}: {self.text}"


class BuildFailed(HostError):
    """A toolchain ended with an error; ``output`` is the end of what it printed.

    ``messages`` are those of its words that tell a place in the source.
    """

    def __init__(self, what: str, output: str, messages: Sequence[Message] = ()) -> None:
        self.what, self.output, self.messages = what, output, tuple(messages)
        super().__init__(f"Building {what} failed:\n{output}")


class StateUnavailable(HostError):
    """The store at ``where`` cannot be used; ``reason`` says why without naming a place of the host."""

    def __init__(self, where: str, reason: str, hint: str = "") -> None:
        self.where, self.reason, self.hint = where, reason, hint
        super().__init__(f"{where}: {reason}." + (f" {hint}" if hint else ""))


class StateOverdue(HostError):
    """The caller's time was over before the store had answered; a write may still have happened."""

    def __init__(self) -> None:
        super().__init__("The state store did not answer in time.")


class HostFault(HostError):
    """An unexpected fault of ours: the caller is told ``id``, the log has the cause."""

    def __init__(self, what: str) -> None:
        self.what, self.id = what, secrets.token_hex(4)
        super().__init__(f"Internal error {self.id} of the server; its log has the details.")
