"""Functions that the host gives to guests: signature, trampoline, linking.

The engine does not compare what a guest declares for a dynamic host function
with anything, so the linker does (``mismatch``), before it links. The trampoline
lets no exception out, BaseException included: one that crossed into the engine
would end the process.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterable
from ctypes import byref
from dataclasses import dataclass
from typing import Any

from mcp_wasm.component import types as wit
from mcp_wasm.sandbox.call import Call, find
from mcp_wasm.sandbox.lift import lift_plan
from mcp_wasm.sandbox.lower import lower_plan
from mcp_wasm.sandbox.raw import check, ffi, new_error

Raw = Callable[[Call, Any, Any, Any], None]
"""Gets the call, the store's context, the argument values and the result slots."""


@dataclass(frozen=True, slots=True)
class HostFunction:
    """One host function: what a guest must declare for it, and what runs.

    ``signature.interface`` is the interface without its version.
    """

    signature: wit.Function
    run: Raw


def plain(signature: wit.Function, run: Callable[..., Any]) -> HostFunction:
    """A host function over JSON values: ``run(call, *arguments)`` returns the result's JSON.

    A result that does not fit the signature (a lone surrogate as a ``char``,
    300 as a ``u8``) is a fault of ours and never reaches the engine.
    """
    lifts = [lift_plan(param.type) for param in signature.params]
    lower = None if signature.result is None else lower_plan(signature.result)

    def raw(call: Call, _context: Any, arguments: Any, results: Any) -> None:
        value = run(call, *(lift(arguments[index]) for index, lift in enumerate(lifts)))
        if lower is not None:
            ctypes.memset(byref(results[0]), 0, ctypes.sizeof(results[0]))
            lower(value, results[0])

    return HostFunction(signature, raw)


def mismatch(functions: Iterable[HostFunction], imports: Iterable[wit.Import]) -> str:
    """Where a component declares another signature than ours for a host function; ``""`` if nowhere."""
    ours = {(f.signature.interface, f.signature.name): _shape(f.signature) for f in functions}
    for item in imports:
        for declared in item.functions:
            expected = ours.get((item.name.partition("@")[0], declared.name))
            if expected is not None and _shape(declared) != expected:
                return f"it imports {item.name}#{declared.name} with another signature than the host's"
    return ""


def _shape(function: wit.Function) -> tuple[object, ...]:
    return (tuple((p.name, p.type) for p in function.params), function.result)


_functions: list[HostFunction] = []
_adding = threading.Lock()


@ffi.wasmtime_component_func_callback_t  # type: ignore[untyped-decorator]
def _trampoline(
    number: int, context: Any, _type: Any, arguments: Any, count: int, results: Any, _n: int
) -> int:
    call = None
    try:
        call = find(context)
        function = _functions[number or 0]  # ctypes gives None for the number 0
        if count != len(function.signature.params):
            raise TypeError(f"{function.signature.path} was called with {count} arguments")
        function.run(call, context, arguments, results)
        return 0
    except BaseException as error:  # noqa: BLE001 - nothing may leave a callback
        if call is not None and call.fault is None:
            call.fault = error
        return new_error("stopped by the host")


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def _kept(_number: int) -> None:
    """Host functions live as long as the process."""


def define(instance: Any, function: HostFunction) -> None:
    """Define ``function`` in a linker instance."""
    with _adding:
        if not any(known is function for known in _functions):
            _functions.append(function)
        number = next(n for n, known in enumerate(_functions) if known is function)
    name = function.signature.name.encode()
    check(
        ffi.wasmtime_component_linker_instance_add_func(
            instance.ptr(), ctypes.create_string_buffer(name), len(name), _trampoline, number, _kept
        )
    )
