"""Any Python value as plain JSON, where that loses nothing of its meaning; else its repr.

What is converted is shown with its repr beside it, so that a reader sees what it
was: a tuple is an array, a set a sorted array, a dataclass an object.
"""

from __future__ import annotations

import array
import base64
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import math
import pathlib
import reprlib
import uuid
from collections.abc import Mapping
from typing import Any

SAFE = 2**53
"""The largest integer that every reader of JSON keeps exactly."""

_REPR = 8 * 1024
_DEEPEST = 90
"""Levels; what nests deeper is shown as text, by every door."""
_AS_TEXT = (
    dt.date,
    dt.time,
    decimal.Decimal,
    fractions.Fraction,
    complex,
    pathlib.PurePath,
    uuid.UUID,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    dt.timedelta,
)
_ARRAYS = (
    list,
    tuple,
    range,
    collections.deque,
    array.array,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
)
_SPECIAL = {math.inf: "Infinity", -math.inf: "-Infinity"}


class NotPlain(Exception):
    """The value, or a part of it, has no form in JSON."""


class TooDeep(NotPlain):
    """It nests more levels deep than is shown."""


def shown(value: Any) -> dict[str, Any]:
    """``value`` and ``text`` of an answer: its form in JSON, and its repr where the one is not the other."""
    try:
        made = to_plain(value)
    except TooDeep:
        # Its repr would nest as deep, and there end the whole run.
        return {"text": f"<a {type(value).__name__} that nests more than {_DEEPEST} levels deep>"}
    except (NotPlain, RecursionError):
        return {"text": cut_repr(value)}
    return {"value": made} if _same(made, value) else {"value": made, "text": cut_repr(value)}


def to_plain(value: Any, depth: int = 0) -> Any:
    """``value`` as plain JSON.

    Raises:
        NotPlain: a part of it has no form in JSON, or it nests more than 90 levels deep.
    """
    if depth > _DEEPEST:
        raise TooDeep
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum) and not isinstance(value, enum.Flag):
        return to_plain(value.value, depth + 1)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        return int(value) if -SAFE <= value <= SAFE else str(int(value))
    if isinstance(value, float):
        return number(float(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, _AS_TEXT):
        return value.isoformat() if isinstance(value, dt.datetime) else str(value)
    return _container(value, depth + 1)


def text(value: str) -> str:
    """``value`` without lone surrogates, which are in no Unicode text; they are shown escaped."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()


def number(value: float) -> float | str:
    """A float, or the name of one that JSON has not."""
    return value if math.isfinite(value) else _SPECIAL.get(value, "NaN")


def cut_repr(value: Any) -> str:
    """The repr of ``value``, its middle left out where it is long."""
    try:
        found = text(repr(value))
    except Exception as error:
        # A repr is the program's own code and may do anything.
        found = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    if len(found) <= _REPR:
        return found
    return f"{found[: _REPR // 2]} … {found[-_REPR // 2 :]}"


def _container(value: Any, depth: int) -> Any:
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: to_plain(getattr(value, name), depth) for name in value._fields}
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, _ARRAYS):
        return [to_plain(each, depth) for each in value]
    if isinstance(value, (set, frozenset)):
        return [to_plain(each, depth) for each in _sorted(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_plain(getattr(value, each.name), depth) for each in dataclasses.fields(value)}
    if hasattr(type(value), "__attrs_attrs__"):
        return {each.name: to_plain(getattr(value, each.name), depth) for each in type(value).__attrs_attrs__}
    raise NotPlain


def _object(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    found = {_key(key): to_plain(part, depth) for key, part in value.items()}
    if len(found) < len(value):
        raise NotPlain  # two keys that JSON cannot tell apart, such as 1 and "1"
    return found


def _key(key: Any) -> str:
    plain = to_plain(key)
    if isinstance(plain, str):
        return plain
    if isinstance(plain, bool) or plain is None:
        return {True: "true", False: "false", None: "null"}[plain]
    return str(key) if isinstance(plain, (int, float, list)) else cut_repr(key)


def _sorted(value: set[Any] | frozenset[Any]) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:
        return sorted(value, key=reprlib.repr)


def _same(made: Any, value: Any) -> bool:
    """Whether ``value`` is plain JSON as it is."""
    if type(made) is not type(value):
        return False
    if isinstance(made, dict):
        return made.keys() == value.keys() and all(_same(made[key], value[key]) for key in made)
    if isinstance(made, list):
        return all(map(_same, made, value))
    return bool(made == value)
