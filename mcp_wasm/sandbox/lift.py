"""Component values to JSON values: a plan compiled once per type, run once per result.

Reads only; whoever holds the component value deletes it. The JSON is that of
the table in ``component.schema``: big integers as decimal text, bytes as
base64, non-finite floats by name, ``f32`` with its shortest digits.
"""

from __future__ import annotations

import base64
import ctypes
import math
import threading
from array import array
from collections.abc import Callable
from typing import Any

from mcp_wasm.component import types as wit
from mcp_wasm.component.values import shortest_f32
from mcp_wasm.sandbox.raw import PAYLOAD, VAL_SIZE, get_bytes, get_text
from mcp_wasm.sandbox.scalars import ARRAY_CODE

Lift = Callable[[Any], Any]
"""Reads a component value into a JSON value."""

Special = Callable[[wit.Type], "Lift | None"]
"""Plans of some types that a caller has in the place of those here; None leaves a type to these."""

_SAFE = 2**53 - 1
"""The largest integer that every JSON reader keeps exact (RFC 8259, section 6)."""


_ESCAPED_SHORT = b'\n\r\t\b\f"\\'
_ESCAPED_LONG = bytes(set(range(32)) - set(_ESCAPED_SHORT))
_COUNTED_BYTES = 64 * 1024
"""Strings longer than this have their JSON escapes counted before they are decoded."""

_CHUNK = 4096
"""Elements of a list that are read between two looks at whether somebody still waits."""


class TooMuchText(Exception):
    """The strings of a result need more bytes of JSON than there is room for."""


class Overdue(Exception):
    """The call ended by its deadline or was cancelled while its result was read."""


class _Room(threading.local):
    """What holds for the value being lifted on this thread.

    ``left`` is how many bytes of JSON text its strings may still take, ``due``
    whether nobody waits for it any more.
    """

    left = math.inf
    due: Callable[[], bool] | None = None


_room = _Room()


def lift_within(plan: Lift, slot: Any, room: int, due: Callable[[], bool]) -> Any:
    """``plan(slot)``, refusing huge text before it is copied: escapes make it six times as long.

    A list of millions takes seconds to read; ``due`` is asked every few thousand elements.

    Raises:
        TooMuchText: past ``room`` bytes of JSON text in strings.
        Overdue: once ``due()``.
    """
    _room.left, _room.due = room, due
    try:
        return plan(slot)
    finally:
        _room.left, _room.due = math.inf, None


def _string(slot: Any) -> str:
    size = slot.of.string.size
    _room.left -= size
    if _room.left < 0:
        raise TooMuchText
    if size <= _COUNTED_BYTES:
        return get_text(slot.of.string)
    encoded = get_bytes(slot.of.string)
    short = size - len(encoded.translate(None, _ESCAPED_SHORT))
    long = size - len(encoded.translate(None, _ESCAPED_LONG))
    _room.left -= short + 5 * long
    if _room.left < 0:
        raise TooMuchText
    return encoded.decode()


def lift_plan(type_: wit.Type, special: Special | None = None) -> Lift:
    """The plan that reads values of ``type_``; ``special`` has the first word for every type in it."""
    if special is not None and (plan := special(type_)) is not None:
        return plan
    match type_:
        case wit.Primitive(primitive=name):
            return _primitive(name)
        case wit.List(element=element):
            return _list(element, special)
        case wit.Tuple(elements=elements):
            plans = [lift_plan(element, special) for element in elements]
            return lambda slot: _each(plans, slot.of.tuple.data)
        case wit.Record(fields=fields):
            return _record(fields, special)
        case wit.Variant(cases=cases):
            return _variant(cases, special)
        case wit.Enum():
            return lambda slot: get_text(slot.of.enumeration)
        case wit.Flags(flags=names):
            return _flags(names)
        case wit.Option(payload=payload):
            return _option(payload, special)
        case wit.Result(ok=ok, err=err):
            return _result(ok, err, special)
    raise TypeError(f"{type_} cannot be lifted; it should have been refused when the component was inspected")


def number(value: float) -> float | str:
    """A float as JSON: itself, or its name where JSON has no number for it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def whole(value: int) -> int | str:
    """A 64-bit integer as JSON: itself, or its decimal digits where readers would round it."""
    return value if -_SAFE <= value <= _SAFE else str(value)


def _primitive(name: str) -> Lift:
    if name in ("u64", "s64"):
        return lambda slot: whole(getattr(slot.of, name))
    return {
        "bool": lambda slot: bool(slot.of.boolean),
        "f32": lambda slot: number(shortest_f32(slot.of.f32)),
        "f64": lambda slot: number(slot.of.f64),
        "char": lambda slot: chr(slot.of.character),
        "string": _string,
    }.get(name, lambda slot: getattr(slot.of, name))


def _each(plans: list[Lift], data: Any) -> list[Any]:
    return [plan(data[index]) for index, plan in enumerate(plans)]


def _list(element: wit.Type, special: Special | None) -> Lift:
    if element == wit.Primitive("u8"):
        return lambda slot: base64.b64encode(gather(slot.of.list, 1)).decode("ascii")
    if (
        isinstance(element, wit.Primitive)
        and element.primitive in ARRAY_CODE
        and (special is None or special(element) is None)
    ):
        return _numbers(element.primitive)
    one = lift_plan(element, special)

    def lift(slot: Any) -> list[Any]:
        vector = slot.of.list
        data, size = vector.data, vector.size
        if size <= _CHUNK:
            return [one(data[index]) for index in range(size)]
        found: list[Any] = []
        for begin in range(0, size, _CHUNK):
            if _room.due is not None and _room.due():
                raise Overdue
            found += [one(data[index]) for index in range(begin, min(begin + _CHUNK, size))]
        return found

    return lift


def gather(vector: Any, width: int) -> bytes:
    """The payloads of a list of numbers ``width`` bytes wide, packed; a few slices whatever its length."""
    if not vector.size:
        return b""
    data = ctypes.string_at(vector.data, vector.size * VAL_SIZE)
    packed = bytearray(vector.size * width)
    for byte in range(width):
        packed[byte::width] = data[PAYLOAD + byte :: VAL_SIZE]
    return bytes(packed)


def _numbers(name: str) -> Lift:
    code = ARRAY_CODE[name]
    width = array(code).itemsize
    wrap: Callable[[Any], Any] | None = {"u64": whole, "s64": whole, "f64": number}.get(name)

    def lift(slot: Any) -> list[Any]:
        values = array(code, gather(slot.of.list, width)).tolist()
        return values if wrap is None else [wrap(value) for value in values]

    return lift


def _record(fields: tuple[wit.Field, ...], special: Special | None) -> Lift:
    plans = [(f.name, lift_plan(f.type, special)) for f in fields]

    def lift(slot: Any) -> dict[str, Any]:
        data = slot.of.record.data
        return {name: plan(data[index].val) for index, (name, plan) in enumerate(plans)}

    return lift


def _variant(cases: tuple[wit.Case, ...], special: Special | None) -> Lift:
    plans = {c.name: None if c.type is None else lift_plan(c.type, special) for c in cases}

    def lift(slot: Any) -> dict[str, Any]:
        tag = get_text(slot.of.variant.discriminant)
        plan = plans[tag]
        if plan is None:
            return {"tag": tag}
        return {"tag": tag, "val": plan(slot.of.variant.val.contents)}

    return lift


def _flags(names: tuple[str, ...]) -> Lift:
    def lift(slot: Any) -> list[str]:
        vector = slot.of.flags
        given = {get_text(vector.data[index]) for index in range(vector.size)}
        return [name for name in names if name in given]

    return lift


def _option(payload: wit.Type, special: Special | None) -> Lift:
    plan, nested = lift_plan(payload, special), isinstance(payload, wit.Option)

    def lift(slot: Any) -> Any:
        box = slot.of.option
        if not box:
            return None
        value = plan(box.contents)
        return {"some": value} if nested else value

    return lift


def _result(ok: wit.Type | None, err: wit.Type | None, special: Special | None) -> Lift:
    plans = tuple(None if side is None else lift_plan(side, special) for side in (err, ok))

    def lift(slot: Any) -> dict[str, Any]:
        is_ok = bool(slot.of.result.is_ok)
        plan = plans[is_ok]
        return {"ok" if is_ok else "err": None if plan is None else plan(slot.of.result.val.contents)}

    return lift
