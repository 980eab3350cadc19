"""What only a guest can call: the engine's own WASI, reached through a small component of ours.

The engine gives a host no way to call its WASI functions. A bridge is a
component of a few lines that imports them and passes calls through; it is
instantiated in the store of the call that first needs it, so that handles of
that store can go through it.
"""

from __future__ import annotations

import functools
import threading
from ctypes import byref
from importlib import resources
from typing import Any

from wasmtime import component

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.handles import Native
from mcp_wasm.sandbox.raw import EngineError, Val, check, ffi

_loading = threading.Lock()


class Bridge:
    """The bridge whose text is ``file``, beside this module."""

    def __init__(self, file: str) -> None:
        self._file = file

    def call(self, call: Call, name: str, arguments: Any, count: int, result: Any) -> None:
        """Call the bridge's export ``name`` with ``count`` component values, in the store of ``call``.

        Raises:
            EngineError: if it traps, with its store.
        """
        function = self._function(call, name)
        check(
            ffi.wasmtime_component_func_call(
                byref(function), call.context, arguments, count, byref(result), 1
            )
        )

    def _function(self, call: Call, name: str) -> Any:
        found = call.state.setdefault(self, {})
        if name not in found:
            if "" not in found:
                found[""] = self._instantiate(call)
            _, compiled = _load(self._file)
            index, function = compiled.get_export_index(name), ffi.wasmtime_component_func_t()
            if index is None or not ffi.wasmtime_component_instance_get_func(
                byref(found[""]), call.context, index.ptr(), byref(function)
            ):
                raise EngineError(f"the bridge {self._file} has no `{name}`")
            found[name] = function
        return found[name]

    def _instantiate(self, call: Call) -> Any:
        linker, compiled = _load(self._file)
        instance = ffi.wasmtime_component_instance_t()
        check(
            ffi.wasmtime_component_linker_instantiate(
                linker.ptr(), call.context, compiled.ptr(), byref(instance)
            )
        )
        return instance


def _load(file: str) -> tuple[component.Linker, component.Component]:
    with _loading:
        return _loaded(file)


@functools.cache
def _loaded(file: str) -> tuple[component.Linker, component.Component]:
    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    linker = component.Linker(engine())
    linker.add_wasip2()
    return linker, component.Component(engine(), text)


def take(result: Any) -> Native:
    """The handle that a bridge returned in ``result``, which is emptied."""
    native = Native(ffi.wasmtime_component_resource_any_clone(result.of.resource))
    ffi.wasmtime_component_val_delete(byref(result))
    return native


def values(count: int) -> Any:
    """Room for ``count`` arguments."""
    return (Val * count)()
