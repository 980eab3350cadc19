"""Functions that the host gives to guests: signature, trampoline, linking.

The engine does not compare what a guest declares for a dynamic host function
with anything, so the linker does (``mismatch``), before it links. The trampoline
lets no exception out, BaseException included: one that crossed into the engine
would end the process.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterable, Mapping
from ctypes import byref
from dataclasses import dataclass
from typing import Any

from mcp_wasm.component import types as wit
from mcp_wasm.sandbox.call import Call, find
from mcp_wasm.sandbox.handles import Native, let_go, native_of, number_of, put_handle, put_native, type_number
from mcp_wasm.sandbox.lift import Lift, gather, lift_plan
from mcp_wasm.sandbox.lower import lower_plan
from mcp_wasm.sandbox.raw import EngineError, check, ffi, new_error
from mcp_wasm.sandbox.scalars import Lower, Misfit, write_bytes

Raw = Callable[[Call, Any, Any, Any], None]
"""Gets the call, the store's context, the argument values and the result slots."""

Run = Callable[..., Any]
"""Gets the call and plain arguments, gives a plain result: ``list<u8>`` is bytes, a handle is its object."""


@dataclass(frozen=True, slots=True)
class HostFunction:
    """One host function: what a guest must declare for it, and what runs.

    ``signature.interface`` is the interface with the version under which it is defined.
    """

    signature: wit.Function
    run: Raw


class _Now(threading.local):
    """The call whose host function runs on this thread, and the native handles lent to that function."""

    call: Call | None = None
    lent: list[Native] | None = None


_now = _Now()


def plain(signature: wit.Function, run: Run, resources: Mapping[str, type]) -> HostFunction:
    """A host function over plain values: ``run(call, *arguments)`` returns the result.

    ``resources`` are the classes of our own resources by name; a handle of any
    other is ``Native``. A result that does not fit the signature (a lone
    surrogate as a ``char``, 300 as a ``u8``) is a fault of ours and never
    reaches the engine.
    """
    lifts = [lift_plan(param.type, _lifting(resources)) for param in signature.params]
    lower = None if signature.result is None else lower_plan(signature.result, _lowering(resources))

    def raw(call: Call, context: Any, arguments: Any, results: Any) -> None:
        outer = _now.call, _now.lent  # of a call on this thread that calls another tool
        lent: list[Native] = []
        _now.call, _now.lent = call, lent
        try:
            value = run(call, *[lift(arguments[index]) for index, lift in enumerate(lifts)])
            if lower is not None:
                ctypes.memset(byref(results[0]), 0, ctypes.sizeof(results[0]))
                lower(value, results[0])
        finally:
            for native in lent:
                let_go(context, native)
            _now.call, _now.lent = outer

    return HostFunction(signature, raw)


def _lifting(resources: Mapping[str, type]) -> Callable[[wit.Type], Lift | None]:
    def special(type_: wit.Type) -> Lift | None:
        if wit.is_bytes(type_):
            return lambda slot: gather(slot.of.list, 1)
        if isinstance(type_, wit.Primitive) and type_.primitive in {"u64", "s64"}:
            name = type_.primitive
            return lambda slot: getattr(slot.of, name)
        if isinstance(type_, wit.Handle):
            return _lift_handle(type_, resources.get(type_.name))
        return None

    return special


def _lift_handle(type_: wit.Handle, class_: type | None) -> Lift:
    if class_ is None:
        return _lift_native(type_)

    def lift(slot: Any) -> Any:
        call = _now.call
        assert call is not None
        number = number_of(call.context, slot.of.resource)
        found = None if number is None else call.resources.get(number)
        if number is None or not isinstance(found, class_):
            raise EngineError(f"a handle of another resource was given for a {type_.name}")
        return call.resources.take(number) if type_.owned else found

    return lift


def _lift_native(type_: wit.Handle) -> Lift:
    def lift_native(slot: Any) -> Native:
        native = native_of(slot)
        if not type_.owned and _now.lent is not None:
            _now.lent.append(native)
        return native

    return lift_native


def _lowering(resources: Mapping[str, type]) -> Callable[[wit.Type], Lower | None]:
    def special(type_: wit.Type) -> Lower | None:
        if wit.is_bytes(type_):
            return _lower_bytes
        return _lower_handle(resources.get(type_.name)) if isinstance(type_, wit.Handle) else None

    return special


def _lower_bytes(value: Any, slot: Any) -> None:
    if not isinstance(value, (bytes, bytearray)):
        raise Misfit  # a text would be taken for base64
    write_bytes(value, slot)


def _lower_handle(class_: type | None) -> Lower:
    if class_ is None:
        return _lower_native

    def lower(value: Any, slot: Any) -> None:
        call = _now.call
        if call is None or not isinstance(value, class_):
            raise Misfit
        put_handle(call.context, slot, call.resources.put(value), class_)

    return lower


def _lower_native(value: Any, slot: Any) -> None:
    if not isinstance(value, Native):
        raise Misfit
    put_native(slot, value)


def mismatch(functions: Iterable[HostFunction], item: wit.Import, *, whole: bool) -> str:
    """Where the import ``item`` declares what we have otherwise, or not at all; ``""`` if nowhere.

    ``whole`` says that ``functions`` are all that the interface has.
    """
    ours = {f.signature.name: _shape(f.signature) for f in functions}
    for declared in item.functions:
        expected = ours.get(declared.name)
        if expected is None and whole:
            return f"it imports {item.name}#{declared.name}, which this host does not provide"
        if expected is not None and _shape(declared) != expected:
            return f"it imports {item.name}#{declared.name} with another signature than the host's"
    return ""


def _shape(function: wit.Function) -> tuple[object, ...]:
    return (tuple((p.name, p.type) for p in function.params), function.result)


_functions: list[HostFunction] = []
_numbers: dict[int, int] = {}
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


@ffi.wasmtime_component_resource_destructor_t  # type: ignore[untyped-decorator]
def _destructor(_data: Any, context: Any, number: int) -> int:
    call = None
    try:
        call = find(context)
        call.resources.drop(number)
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
        number = _numbers.get(id(function))
        if number is None:
            number = _numbers[id(function)] = len(_functions)
            _functions.append(function)
    name = function.signature.name.encode()
    check(
        ffi.wasmtime_component_linker_instance_add_func(
            instance.ptr(), ctypes.create_string_buffer(name), len(name), _trampoline, number, _kept
        )
    )


def define_resource(instance: Any, name: str, class_: type) -> None:
    """Define the resource ``name``, whose handles stand for objects of ``class_``, in a linker instance."""
    encoded = name.encode()
    type_ = ffi.wasmtime_component_resource_type_new_host(type_number(class_))
    try:
        check(
            ffi.wasmtime_component_linker_instance_add_resource(
                instance.ptr(),
                ctypes.create_string_buffer(encoded),
                len(encoded),
                type_,
                _destructor,
                None,
                _kept,
            )
        )
    finally:
        ffi.wasmtime_component_resource_type_delete(type_)
