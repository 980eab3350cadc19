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
_FRAMES_SHOWN, _FRAME_WIDTH = 20, 160
_MEMORY_REFUSED = re.compile(
    r"(?:memory minimum size|memory limit|memories? .*limit|forcing trap when growing memory)", re.IGNORECASE
)
_RESOURCE_REFUSED = re.compile(r"resource limit exceeded: (.+)")
_HOSTCALL_REFUSED = "too much data is being copied between the host and the guest"

_WORDS = {
    "unreachable": "it reached an `unreachable` instruction, which is how most languages abort or panic",
    "call stack exhausted": "its call stack is exhausted (recursion without end, most likely)",
    "out of bounds memory access": "it read or wrote outside its memory",
    "integer divide by zero": "it divided an integer by zero",
    "integer overflow": "an integer division overflowed",
    "invalid conversion to integer": "it converted a float that no integer can hold",
    "indirect call type mismatch": "it called a function pointer of another type",
    "uninitialized element": "it called an empty function pointer",
    "undefined element": "it called a function pointer outside the table",
    "out of bounds table access": "it indexed a table outside its bounds",
}
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
    if _HOSTCALL_REFUSED in text:
        return OutputLimitExceeded(
            limits.result, detail="The guest returned more values at once than the host copies."
        )
    if _MEMORY_REFUSED.search(text):
        return MemoryLimitExceeded(
            limits.memory, detail="The component asks for more memory than that to begin with."
        )
    return _trap(call, limits, text)


def overdue(call: Call, limits: Limits) -> GuestError | None:
    """Cancelled or past its deadline: what a call is then, whatever it returned."""
    if call.stop.cancelled:
        return Cancelled()
    past = time.monotonic() - call.stop.deadline
    if past >= 0:
        return DeadlineExceeded(limits.deadline, round(limits.deadline + past, 3))
    return None


def _trap(call: Call, limits: Limits, text: str) -> Trap:
    cause = text.rpartition("Caused by:")[2].strip() or text.strip()
    cause = re.sub(r"^\s*(?:\d+:\s*)?(?:wasm trap: )?", "", cause.splitlines()[0]) if cause else "unknown"
    name = re.sub(r"^wasm `?(.+?)`? instruction executed$", r"\1", cause)
    words = next((words for sign, words in _WORDS.items() if sign in name), name[:300])
    frames = [frame[:_FRAME_WIDTH] for frame in _FRAME.findall(text)[:_FRAMES_SHOWN]]
    hint = ""
    if _MEMORY_SIGNS.search(call.stderr.printed().text + text):
        hint = f"It may have hit its memory limit of {limits.memory:,} bytes."
    elif "unreachable" in name:
        hint = f"If it needs much memory, it may have hit its limit of {limits.memory:,} bytes."
    return Trap(words, frames, hint)
