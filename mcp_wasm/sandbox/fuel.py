"""The fuel of a running call: what is left, and what the host takes for work that it does for the guest."""

from __future__ import annotations

import ctypes
from ctypes import byref

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.raw import check, ffi


def left(call: Call) -> int:
    """Units that the guest may still use."""
    found = ctypes.c_uint64(0)
    check(ffi.wasmtime_context_get_fuel(call.context, byref(found)))
    return found.value


def charge(call: Call, units: int) -> None:
    """Take ``units``; a guest that has fewer traps as soon as it goes on."""
    check(ffi.wasmtime_context_set_fuel(call.context, max(0, left(call) - units)))
