"""What a failed call is called: decided from our own state, not from the engine's words.

Only where the engine alone knows (a memory that could not even be made, the
trap's name, the guest's frames) is its text read.
"""

from __future__ import annotations

import re
import time

from mcp_wasm.errors import (
    Cancelled,
    DeadlineExceeded,
    FuelExhausted,
    GuestError,
    HostFault,
    McpWasmError,
    MemoryLimitExceeded,
    OutputLimitExceeded,
    Trap,
)
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.raw import EngineError

_FRAME = re.compile(r"^\s*\d+:\s+0x[0-9a-f]+ - (.+)$", re.MULTILINE)
_FRAMES_SHOWN, _FRAME_WIDTH, _CAUSE_WIDTH = 20, 160, 300
_MEMORY_REFUSED = re.compile(
    r"(?:memory minimum size|memory limit|memories? .*limit|forcing trap when growing memory)", re.IGNORECASE
)
_RESOURCE_REFUSED = re.compile(r"resource limit exceeded: (\w+) count too high")
_EXITED = re.compile(r"Exited with i32 exit status (-?\d+)")
_HOSTCALL_REFUSED = "too much data is being copied between the host and the guest"

_WORDS = {
    "unreachable": "it reached an `unreachable` instruction, which is how most languages abort or panic",
    "call stack exhausted": "its call stack is exhausted (recursion without end, most likely)",
    "out of bounds memory access": "it read or wrote outside its memory",
    "memory fault at wasm address": "it read or wrote outside its memory",
    "integer divide by zero": "it divided an integer by zero",
    "integer overflow": "an integer division overflowed",
    "invalid conversion to integer": "it converted a float that no integer can hold",
    "indirect call type mismatch": "it called a function pointer of another type",
    "uninitialized element": "it called an empty function pointer",
    "undefined element": "it called a function pointer outside the table",
    "out of bounds table access": "it indexed a table outside its bounds",
}
MEMORY = "It may have hit its memory limit"
"""How the hint of a trap begins before which the guest said that its memory was at its end."""

_MEMORY_SIGNS = re.compile(
    r"MemoryError|out of memory|memory allocation of \d+ bytes failed|OutOfMemory|InternalError: out",
    re.IGNORECASE,
)


def failure(call: Call, limits: Limits, fuel_used: int, text: str) -> McpWasmError:
    """The error that says why the engine gave ``text`` instead of a result."""
    if isinstance(call.fault, McpWasmError):
        return call.fault
    stopped = overdue(call, limits)
    if stopped is not None:
        return stopped
    if isinstance(call.fault, EngineError):
        text = str(
            call.fault
        )  # the guest's own fault, met inside a host function that calls back into its store
    elif call.fault is not None:
        fault = HostFault("a host function failed")
        fault.__cause__ = call.fault
        return fault
    if fuel_used >= limits.fuel:
        return FuelExhausted(limits.fuel, fuel_used)
    cause = _cause(text)
    if _HOSTCALL_REFUSED in cause:
        detail = "The guest returned more values at once than the host copies."
        return OutputLimitExceeded(limits.result, detail=detail)
    refused = _refused(cause, limits)
    return refused or _trap(call, limits, cause, text)


def _cause(text: str) -> str:
    """The engine's own words: what precedes them are frames, whose names the guest chose."""
    return text.rpartition("Caused by:")[2].strip() or text.strip() or "unknown"


def _refused(cause: str, limits: Limits) -> GuestError | None:
    """What a component is told that asks for more than it may have before any of it runs."""
    if _MEMORY_REFUSED.search(cause):
        detail = "The component asks for more memory than that to begin with."
        return MemoryLimitExceeded(limits.memory, detail=detail)
    found = _RESOURCE_REFUSED.search(cause)
    if found is None:
        return None
    allowed = {"memory": limits.memories, "table": limits.tables, "instance": limits.instances}.get(found[1])
    kind = {"memory": "memories", "table": "tables"}.get(found[1], "core instances")
    return Trap(f"it asks for more than the {allowed} {kind} that it may have")


def overdue(call: Call, limits: Limits) -> GuestError | None:
    """Cancelled or past its deadline: what a call is then, whatever it returned."""
    if call.stop.given_up():
        return Cancelled()
    past = time.monotonic() - call.stop.deadline
    if past >= 0:
        return DeadlineExceeded(limits.deadline, round(limits.deadline + past, 3))
    return None


def _trap(call: Call, limits: Limits, cause: str, text: str) -> Trap:
    first = re.sub(r"^\s*(?:\d+:\s*)?(?:wasm trap: )?", "", cause.splitlines()[0])
    name = re.sub(r"^wasm `?(.+?)`? instruction executed$", r"\1", first)
    words = next((words for sign, words in _WORDS.items() if sign in name), _shown(name, _CAUSE_WIDTH))
    if exited := _EXITED.search(name):
        words = f"it ended itself with exit status {exited[1]} instead of returning"
    frames = [_shown(frame, _FRAME_WIDTH) for frame in _FRAME.findall(text)[:_FRAMES_SHOWN]]
    hint = ""
    if _MEMORY_SIGNS.search(call.stderr.printed().text):
        hint = f"{MEMORY} of {limits.memory:,} bytes."
    elif "unreachable" in name:
        hint = f"If it needs much memory, it may have hit its limit of {limits.memory:,} bytes."
    return Trap(words, frames, hint)


def _shown(text: str, width: int) -> str:
    """Text that a guest may have chosen, without what could steer a terminal, at most ``width`` long."""
    return "".join(c if c.isprintable() else "?" for c in text[:width])
