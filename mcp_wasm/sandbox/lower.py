"""JSON values to component values: a plan compiled once per type, run once per call.

A plan validates while it writes. It raises ``Misfit`` at the first value that
does not fit, and ``component.check`` then explains them all; the two accept the
same values (a property test holds them together).

Every value is written into zeroed memory and made consistent before its
children are filled, so that deleting the root frees a half-written tree too.
Source: the component model's ``CanonicalABI.md``; the JSON is that of the table
in ``component.schema``.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from ctypes import byref
from typing import Any

from mcp_wasm.component import types as wit
from mcp_wasm.sandbox.raw import KIND, VAL_SIZE, Val, ffi, put_text
from mcp_wasm.sandbox.scalars import ARRAY_CODE, Lower, Misfit, new_list, pack, primitive, write_bytes

Special = Callable[[wit.Type], "Lower | None"]
"""Plans of some types that a caller has in the place of those here; None leaves a type to these."""

LEFT_OUT = 1_000_000
"""Fields of type ``option`` that the arguments of one call may leave out.

Each takes about 150 bytes here and none there: ``[{}, {}, …]`` for records of a
hundred optional fields would take gigabytes for a megabyte of JSON.
"""


class TooMuchLeftOut(Exception):
    """More than ``LEFT_OUT`` fields were left out."""


class _Room(threading.local):
    """What the arguments that this thread lowers may still leave out."""

    left = LEFT_OUT


_room = _Room()


def begin() -> None:
    """Count anew, before the first value of a call is lowered."""
    _room.left = LEFT_OUT


def _leave_out() -> None:
    _room.left -= 1
    if _room.left < 0:
        raise TooMuchLeftOut


def lower_plan(type_: wit.Type, special: Special | None = None) -> Lower:
    """The plan that writes values of ``type_``; ``special`` has the first word for every type in it.

    Raises:
        Misfit: (from the plan) for a value that the type does not accept.
        TooMuchLeftOut: (from the plan) past ``LEFT_OUT`` fields since ``begin``.
    """
    if special is not None and (plan := special(type_)) is not None:
        return plan
    match type_:
        case wit.Primitive(primitive=name):
            return primitive(name)
        case wit.List(element=element):
            return _list(element, special)
        case wit.Tuple(elements=elements):
            return _tuple(elements, special)
        case wit.Record(fields=fields):
            return _record(fields, special)
        case wit.Variant(cases=cases):
            return _variant(cases, special)
        case wit.Enum(cases=names):
            return _enum(names)
        case wit.Flags(flags=names):
            return _flags(names)
        case wit.Option(payload=payload):
            return _option(payload, special)
        case wit.Result(ok=ok, err=err):
            return _result(ok, err, special)
    raise TypeError(
        f"{type_} cannot be lowered; it should have been refused when the component was inspected"
    )


def _list(element: wit.Type, special: Special | None) -> Lower:
    if element == wit.Primitive("u8"):
        return write_bytes
    one, has_keys = lower_plan(element, special), wit.mapped(wit.List(element)) is not None
    packed = (
        element.primitive if isinstance(element, wit.Primitive) and element.primitive in ARRAY_CODE else ""
    )

    def lower(value: Any, slot: Any) -> None:
        if has_keys and isinstance(value, dict):
            value = tuple(value.items())
        if not isinstance(value, (list, tuple)):
            raise Misfit
        data = new_list(slot, len(value))
        if packed and pack(packed, value, data):
            return
        for index, item in enumerate(value):
            one(item, data[index])

    return lower


def _tuple(elements: tuple[wit.Type, ...], special: Special | None) -> Lower:
    plans = [lower_plan(element, special) for element in elements]
    count = len(plans)

    def lower(value: Any, slot: Any) -> None:
        if not isinstance(value, (list, tuple)) or len(value) != count:
            raise Misfit
        vector = ffi.wasmtime_component_valtuple_t()
        ffi.wasmtime_component_valtuple_new_uninit(byref(vector), count)
        if count:
            ctypes.memset(vector.data, 0, count * VAL_SIZE)
        slot.kind = KIND["tuple"]
        slot.of.tuple = vector
        for index, (plan, item) in enumerate(zip(plans, value, strict=True)):
            plan(item, vector.data[index])

    return lower


_ENTRY_SIZE = ctypes.sizeof(ffi.wasmtime_component_valrecord_entry_t)


def _record(fields: tuple[wit.Field, ...], special: Special | None) -> Lower:
    plans = [
        (f.name, f.name.encode(), isinstance(f.type, wit.Option), lower_plan(f.type, special)) for f in fields
    ]
    names = frozenset(f.name for f in fields)

    def lower(value: Any, slot: Any) -> None:
        if not isinstance(value, dict) or not names.issuperset(value):
            raise Misfit
        vector = ffi.wasmtime_component_valrecord_t()
        ffi.wasmtime_component_valrecord_new_uninit(byref(vector), len(plans))
        ctypes.memset(vector.data, 0, len(plans) * _ENTRY_SIZE)
        slot.kind = KIND["record"]
        slot.of.record = vector
        for index, (name, encoded, optional, plan) in enumerate(plans):
            entry = vector.data[index]
            put_text(entry.name, encoded)
            if name in value:
                plan(value[name], entry.val)
            elif optional:
                _leave_out()
                entry.val.kind = KIND["option"]
            else:
                raise Misfit

    return lower


def _box(plan: Lower, value: Any) -> Any:
    """A heap value that the engine owns, filled by ``plan``; freed here if that fails."""
    box = ffi.wasmtime_component_val_new(byref(Val()))
    try:
        plan(value, box.contents)
    except BaseException:
        ffi.wasmtime_component_val_free(box)
        raise
    return box


def _payload(plan: Lower | None, value: Any, *, given: bool) -> Any:
    if plan is None:
        if given and value is not None:
            raise Misfit
        return None
    if not given:
        raise Misfit
    return _box(plan, value)


def _variant(cases: tuple[wit.Case, ...], special: Special | None) -> Lower:
    plans = {
        c.name: (c.name.encode(), None if c.type is None else lower_plan(c.type, special)) for c in cases
    }
    keys = frozenset(("tag", "val"))

    def lower(value: Any, slot: Any) -> None:
        if not isinstance(value, dict) or not keys.issuperset(value):
            raise Misfit
        tag = value.get("tag")
        if not isinstance(tag, str) or tag not in plans:
            raise Misfit
        encoded, plan = plans[tag]
        if plan is None and "val" in value:
            raise Misfit
        if plan is not None and "val" not in value:
            raise Misfit
        slot.kind = KIND["variant"]
        put_text(slot.of.variant.discriminant, encoded)
        slot.of.variant.val = _payload(plan, value.get("val"), given="val" in value)

    return lower


def _enum(names: tuple[str, ...]) -> Lower:
    encoded = {name: name.encode() for name in names}

    def lower(value: Any, slot: Any) -> None:
        if not isinstance(value, str) or value not in encoded:
            raise Misfit
        slot.kind = KIND["enum"]
        put_text(slot.of.enumeration, encoded[value])

    return lower


def _flags(names: tuple[str, ...]) -> Lower:
    encoded = {name: name.encode() for name in names}

    def lower(value: Any, slot: Any) -> None:
        if not isinstance(value, (list, tuple)):
            raise Misfit
        if not all(isinstance(item, str) and item in encoded for item in value) or len(set(value)) != len(
            value
        ):
            raise Misfit
        vector = ffi.wasmtime_component_valflags_t()
        ffi.wasmtime_component_valflags_new_uninit(byref(vector), len(value))
        if value:
            ctypes.memset(vector.data, 0, len(value) * ctypes.sizeof(ffi.wasm_byte_vec_t))
        for index, item in enumerate(value):
            put_text(vector.data[index], encoded[item])
        slot.kind = KIND["flags"]
        slot.of.flags = vector

    return lower


def _option(payload: wit.Type, special: Special | None) -> Lower:
    plan, nested = lower_plan(payload, special), isinstance(payload, wit.Option)

    def lower(value: Any, slot: Any) -> None:
        slot.kind = KIND["option"]
        if value is None:
            return
        if nested:
            if not isinstance(value, dict) or value.keys() != {"some"}:
                raise Misfit
            value = value["some"]
        slot.of.option = _box(plan, value)

    return lower


def _result(ok: wit.Type | None, err: wit.Type | None, special: Special | None) -> Lower:
    sides = {
        "ok": (True, None if ok is None else lower_plan(ok, special)),
        "err": (False, None if err is None else lower_plan(err, special)),
    }

    def lower(value: Any, slot: Any) -> None:
        if not isinstance(value, dict) or len(value) != 1:
            raise Misfit
        ((side, inner),) = value.items()
        if side not in sides:
            raise Misfit
        is_ok, plan = sides[side]
        slot.kind = KIND["result"]
        slot.of.result.is_ok = is_ok
        slot.of.result.val = _payload(plan, inner, given=True)

    return lower
