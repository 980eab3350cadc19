"""Primitive values, and lists of numbers as a whole, from JSON into component values.

The leaves of the plans in ``lower``. A list of a million numbers is written by a
few slice operations instead of a million assignments.
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
from mcp_wasm.sandbox.raw import KIND, PAYLOAD, VAL_SIZE, ffi, put_text

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

_PIECE = 16 * 1024
"""Numbers that are spread over component values at once."""

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Misfit(Exception):
    """A value does not fit its type; where and why is for ``component.check`` to say."""


def primitive(name: str) -> Lower:
    """The plan that writes values of the primitive type ``name``."""
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


def new_list(slot: Any, count: int) -> Any:
    """Make ``slot`` a list of ``count`` zeroed values (kind 0 is a bool, safe to delete)."""
    vector = ffi.wasmtime_component_vallist_t()
    ffi.wasmtime_component_vallist_new_uninit(byref(vector), count)
    if count:
        ctypes.memset(vector.data, 0, count * VAL_SIZE)
    slot.kind = KIND["list"]
    slot.of.list = vector
    return vector.data


def pack(name: str, values: Any, data: Any) -> bool:
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
    """Write packed numbers into component values, in pieces: all at once would take the memory twice."""
    start = ctypes.cast(data, ctypes.c_void_p).value or 0
    for at in range(0, len(packed), _PIECE * width):
        piece = packed[at : at + _PIECE * width]
        count = len(piece) // width
        buffer = bytearray(count * VAL_SIZE)
        buffer[0::VAL_SIZE] = bytes([kind]) * count
        for byte in range(width):
            buffer[PAYLOAD + byte :: VAL_SIZE] = piece[byte::width]
        source = (ctypes.c_char * len(buffer)).from_buffer(buffer)
        ctypes.memmove(start + at // width * VAL_SIZE, source, len(buffer))


def write_bytes(value: Any, slot: Any) -> None:
    """Write a ``list<u8>``: from base64, from bytes or from an array of integers."""
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
    _spread(raw, 1, KIND["u8"], new_list(slot, len(raw)))


def _byte_array(values: Any) -> bytes:
    if set(map(type, values)) == {int}:
        try:
            return bytes(values)
        except ValueError:
            raise Misfit from None
    return bytes([integer(item, 0, 255) for item in values])
