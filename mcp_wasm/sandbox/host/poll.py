"""``wasi:io/poll`` whose waits end at the call's deadline and at its cancellation.

The native implementation blocks its thread until a pollable is ready, which the
engine's epochs do not interrupt: a guest that sleeps an hour holds its thread an
hour. This one waits in slices. Only a guest can call the native functions, so a
small component of ours (``poll_bridge.wat``) is instantiated in the same store
and adds a timer to each wait. Source: WASI 0.2, ``wasi:io/poll``.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from ctypes import byref
from importlib import resources
from typing import Any

from wasmtime import component

from mcp_wasm.component import types as wit
from mcp_wasm.sandbox.call import Call, Stopped
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.host.interface import NATIVE, Interface
from mcp_wasm.sandbox.hostfunc import HostFunction
from mcp_wasm.sandbox.raw import KIND, EngineError, Val, check, ffi
from mcp_wasm.sandbox.scalars import new_list

INTERFACE = "wasi:io/poll"
_SLICE_NS = 20_000_000
"""The longest single wait, in nanoseconds; what a cancellation takes at most."""


@functools.cache
def _bridge() -> tuple[component.Linker, component.Component, component.ExportIndex]:
    text = resources.files(__package__).joinpath("poll_bridge.wat").read_text(encoding="utf-8")
    linker = component.Linker(engine())
    linker.add_wasip2()
    compiled = component.Component(engine(), text)
    index = compiled.get_export_index("wait")
    if index is None:
        raise EngineError("the poll bridge has no `wait`")
    return linker, compiled, index


def _wait_function(call: Call, context: Any) -> Any:
    """The bridge's ``wait`` in this call's store, instantiated at the first wait."""
    if call.bridge is None:
        linker, compiled, index = _bridge()
        instance, function = ffi.wasmtime_component_instance_t(), ffi.wasmtime_component_func_t()
        check(
            ffi.wasmtime_component_linker_instantiate(linker.ptr(), context, compiled.ptr(), byref(instance))
        )
        if not ffi.wasmtime_component_instance_get_func(
            byref(instance), context, index.ptr(), byref(function)
        ):
            raise EngineError("the poll bridge has no `wait`")
        call.bridge = function
    return call.bridge


def _wait(call: Call, context: Any, pollables: Any) -> list[int]:
    """Wait until one of ``pollables`` (a list value, owned here) is ready; the indexes that are.

    Raises:
        Stopped: when the call is due first.
    """
    arguments = (Val * 2)()
    arguments[0] = pollables
    count = pollables.of.list.size
    arguments[1].kind = KIND["u64"]
    function = _wait_function(call, context)
    try:
        while not call.stop.due():
            left = call.stop.deadline - time.monotonic()
            arguments[1].of.u64 = max(1, min(_SLICE_NS, int(min(left, 1.0) * 1e9)))
            result = Val()
            check(ffi.wasmtime_component_func_call(byref(function), context, arguments, 2, byref(result), 1))
            found = result.of.list
            ready = [index for i in range(found.size) if (index := found.data[i].of.u32) < count]
            ffi.wasmtime_component_val_delete(byref(result))
            if ready:
                return ready
        raise Stopped
    finally:
        # The guest lent these handles for the length of its call; the engine traps it if one is still held.
        for i in range(count):
            ffi.wasmtime_component_resource_any_drop(context, arguments[0].of.list.data[i].of.resource)
        ffi.wasmtime_component_val_delete(byref(arguments[0]))


def _poll(call: Call, context: Any, arguments: Any, results: Any) -> None:
    if not arguments[0].of.list.size:
        raise EngineError("wasi:io/poll#poll was called with an empty list, which traps by its definition")
    pollables = Val()
    ffi.wasmtime_component_val_clone(byref(arguments[0]), byref(pollables))
    ready = _wait(call, context, pollables)
    data = new_list(results[0], len(ready))
    for i, index in enumerate(ready):
        data[i].kind, data[i].of.u32 = KIND["u32"], index


def _block(call: Call, context: Any, arguments: Any, _results: Any) -> None:
    pollables = Val()
    data = new_list(pollables, 1)
    data[0].kind = KIND["resource"]
    data[0].of.resource = ffi.wasmtime_component_resource_any_clone(arguments[0].of.resource)
    _wait(call, context, pollables)


_POLLABLE = wit.Handle(owned=False)


def _function(
    name: str, param: str, type_: wit.Type, result: wit.Type | None, run: Callable[..., None]
) -> HostFunction:
    return HostFunction(wit.Function(INTERFACE, name, (wit.Param(param, type_),), result), run)


INTERFACES = (
    Interface(
        INTERFACE,
        (NATIVE,),
        {
            "poll": _function("poll", "in", wit.List(_POLLABLE), wit.List(wit.Primitive("u32")), _poll),
            "[method]pollable.block": _function("[method]pollable.block", "self", _POLLABLE, None, _block),
        },
        bridge=(2, 1),
    ),
)
