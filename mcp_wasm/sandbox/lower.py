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
import math
import re
import struct
from array import array
from collections.abc import Callable
from ctypes import byref
from typing import Any

from mcp_wasm.component import types as wit
from mcp_wasm.component.values import DECIMAL, decode_base64
from mcp_wasm.sandbox.raw import KIND, PAYLOAD, VAL_SIZE, Val, ffi, put_text

Lower = Callable[[Any, Any], None]
"""Writes a JSON value (first) into a zeroed component value (second)."""

ARRAY_CODE = {
    "s8": "b",
    "u8": "B",
    "s16": "h",
    "u16": "H",
    "s32": "i",
    "u32": "I",
    "s64": "q",
    "u64": "Q",
    "f64": "d",
}
"""``array`` type codes of the primitives that are packed as a whole."""

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Misfit(Exception):
    """A value does not fit its type; where and why is for ``component.check`` to say."""


def lower_plan(type_: wit.Type) -> Lower:
    """The plan that writes values of ``type_``.

    Raises:
        Misfit: (from the plan) for a value that the type does not accept.
    """
    match type_:
        case wit.Primitive(primitive=name):
            return _primitive(name)
        case wit.List(element=element):
            return _list(element)
        case wit.Tuple(elements=elements):
            return _tuple(elements)
        case wit.Record(fields=fields):
            return _record(fields)
        case wit.Variant(cases=cases):
            return _variant(cases)
        case wit.Enum(cases=names):
            return _enum(names)
        case wit.Flags(flags=names):
            return _flags(names)
        case wit.Option(payload=payload):
            return _option(payload)
        case wit.Result(ok=ok, err=err):
            return _result(ok, err)
    raise TypeError(
        f"{type_} cannot be lowered; it should have been refused when the component was inspected"
    )


def _primitive(name: str) -> Lower:
    if name in wit.INTEGER_RANGES:
        return _integer(name)
    return {"bool": _bool, "f32": _f32, "f64": _f64, "char": _char, "string": _string}[name]


def integer(value: Any, low: int, high: int, decimal: re.Pattern[str] | None = None) -> int:
    """``value`` as an integer in ``low..high``: an int, a whole float, or digits that ``decimal`` takes."""
    match value:
        case bool():
            raise Misfit
        case int():
            number = value
        case float() if value.is_integer():
            number = int(value)
        case str() if decimal is not None and decimal.fullmatch(value):
            number = int(value)
        case _:
            raise Misfit
    if not low <= number <= high:
        raise Misfit
    return number


def _integer(name: str) -> Lower:
    low, high = wit.INTEGER_RANGES[name]
    kind, decimal = KIND[name], DECIMAL.get(name)

    def lower(value: Any, slot: Any) -> None:
        if value.__class__ is not int or not low <= value <= high:
            value = integer(value, low, high, decimal)
        slot.kind = kind
        setattr(slot.of, name, value)

    return lower


def _bool(value: Any, slot: Any) -> None:
    if value.__class__ is not bool:
        raise Misfit
    slot.kind = KIND["bool"]
    slot.of.boolean = value


def _number(value: Any) -> float:
    match value:
        case float() if math.isfinite(value):
            return value
        case int() if not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                raise Misfit from None
        case str() if value in _SPECIAL:
            return _SPECIAL[value]
    raise Misfit


def _f64(value: Any, slot: Any) -> None:
    slot.of.f64 = _number(value)
    slot.kind = KIND["f64"]


def _f32(value: Any, slot: Any) -> None:
    number = _number(value)
    try:
        struct.pack("<f", number)
    except OverflowError:
        raise Misfit from None
    slot.of.f32 = number
    slot.kind = KIND["f32"]


def _char(value: Any, slot: Any) -> None:
    if not isinstance(value, str) or len(value) != 1 or "\ud800" <= value <= "\udfff":
        raise Misfit
    slot.kind = KIND["char"]
    slot.of.character = ord(value)


def _encoded(value: Any) -> bytes:
    if not isinstance(value, str):
        raise Misfit
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise Misfit from None


def _string(value: Any, slot: Any) -> None:
    text = _encoded(value)
    slot.kind = KIND["string"]
    put_text(slot.of.string, text)


def _new_list(slot: Any, count: int) -> Any:
    """Make ``slot`` a list of ``count`` zeroed values (kind 0 is a bool, safe to delete)."""
    vector = ffi.wasmtime_component_vallist_t()
    ffi.wasmtime_component_vallist_new_uninit(byref(vector), count)
    if count:
        ctypes.memset(vector.data, 0, count * VAL_SIZE)
    slot.kind = KIND["list"]
    slot.of.list = vector
    return vector.data


def _list(element: wit.Type) -> Lower:
    if element == wit.Primitive("u8"):
        return _bytes
    one = lower_plan(element)
    packed = (
        element.primitive if isinstance(element, wit.Primitive) and element.primitive in ARRAY_CODE else ""
    )

    def lower(value: Any, slot: Any) -> None:
        if not isinstance(value, (list, tuple)):
            raise Misfit
        data = _new_list(slot, len(value))
        if packed and _pack(packed, value, data):
            return
        for index, item in enumerate(value):
            one(item, data[index])

    return lower


def _pack(name: str, values: Any, data: Any) -> bool:
    """Write a homogeneous array of numbers in a few slice operations; False where it is not one."""
    if set(map(type, values)) != ({float} if name == "f64" else {int}):
        return False
    try:
        numbers = array(ARRAY_CODE[name], values)
    except OverflowError:
        raise Misfit from None
    # A number that JSON wrote as 1e999 is out of range; a finite sum says that there is none.
    if name == "f64" and not math.isfinite(sum(numbers)) and not all(map(math.isfinite, numbers)):
        raise Misfit
    _spread(numbers.tobytes(), numbers.itemsize, KIND[name], data)
    return True


def _spread(packed: bytes, width: int, kind: int, data: Any) -> None:
    count = len(packed) // width
    if not count:
        return
    buffer = bytearray(count * VAL_SIZE)
    buffer[0::VAL_SIZE] = bytes([kind]) * count
    for byte in range(width):
        buffer[PAYLOAD + byte :: VAL_SIZE] = packed[byte::width]
    ctypes.memmove(data, (ctypes.c_char * len(buffer)).from_buffer(buffer), len(buffer))


def _bytes(value: Any, slot: Any) -> None:
    if isinstance(value, str):
        decoded = decode_base64(value)
        if decoded is None:
            raise Misfit
        raw = decoded
    elif isinstance(value, (bytes, bytearray)):
        raw = bytes(value)
    elif isinstance(value, (list, tuple)):
        raw = _byte_array(value)
    else:
        raise Misfit
    _spread(raw, 1, KIND["u8"], _new_list(slot, len(raw)))


def _byte_array(values: Any) -> bytes:
    if set(map(type, values)) == {int}:
        try:
            return bytes(values)
        except ValueError:
            raise Misfit from None
    return bytes([integer(item, 0, 255) for item in values])


def _tuple(elements: tuple[wit.Type, ...]) -> Lower:
    plans = [lower_plan(element) for element in elements]
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


def _record(fields: tuple[wit.Field, ...]) -> Lower:
    plans = [(f.name, f.name.encode(), isinstance(f.type, wit.Option), lower_plan(f.type)) for f in fields]
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


def _variant(cases: tuple[wit.Case, ...]) -> Lower:
    plans = {c.name: (c.name.encode(), None if c.type is None else lower_plan(c.type)) for c in cases}
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


def _option(payload: wit.Type) -> Lower:
    plan, nested = lower_plan(payload), isinstance(payload, wit.Option)

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


def _result(ok: wit.Type | None, err: wit.Type | None) -> Lower:
    sides = {
        "ok": (True, None if ok is None else lower_plan(ok)),
        "err": (False, None if err is None else lower_plan(err)),
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
