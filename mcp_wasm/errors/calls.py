"""What goes wrong with calls, components and state."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from mcp_wasm.errors.tree import CallerError, GuestError, HostError, Mismatch


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
