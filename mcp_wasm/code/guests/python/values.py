"""Plain JSON to typed Python values and back, by WIT types and type hints.

A WIT type is what the host sends for it: its kind, then its parts, as in
``["list", ["primitive", "u8"]]``. It says what the JSON looks like; the hint says
which Python value that is. Where a hint says nothing, the JSON is passed as it
is, with bytes for ``list<u8>``. Knows no runner: components that are compiled
from Python use it too.
"""

from __future__ import annotations

import base64
import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import inspect
import math
import pathlib
import typing
import uuid
from typing import Any

import annotated

_SAFE = 2**53
_BYTES = ["list", ["primitive", "u8"]]
_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_SETS = (set, collections.abc.Set, collections.abc.MutableSet)
_TEXTS: dict[Any, Any] = {
    dt.datetime: dt.datetime.fromisoformat,
    dt.date: dt.date.fromisoformat,
    dt.time: dt.time.fromisoformat,
    decimal.Decimal: decimal.Decimal,
    uuid.UUID: uuid.UUID,
    pathlib.Path: pathlib.Path,
    pathlib.PurePath: pathlib.PurePath,
    pathlib.PurePosixPath: pathlib.PurePosixPath,
}
"""Types whose JSON is a text, with what reads it."""


def arguments(function: Any, given: dict[str, Any], wit_types: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call of ``function``: those by place and those by name.

    ``given`` is plain JSON by WIT name. One that is null or left out takes its default where there is one.

    Raises:
        ValueError: a text is not what its type says, as a date that is none.
    """
    hints, wit = annotated.of(function), dict(wit_types)
    by_place, by_name = [], {}
    for name, parameter in inspect.signature(function).parameters.items():
        label = annotated.kebab(name)
        if label not in wit:
            continue
        value = given.get(label)
        if value is None and parameter.default is not parameter.empty:
            made = parameter.default
        else:
            made = _named(name, value, wit[label], hints.get(name))
        if parameter.kind is parameter.POSITIONAL_ONLY:
            by_place.append(made)
        else:
            by_name[name] = made
    return by_place, by_name


def returned(function: Any, value: Any, type_: Any) -> Any:
    """What ``function`` returned, as plain JSON of the WIT type (None: it returns nothing).

    Raises:
        TypeError: the value is not of that type.
    """
    if type_ is None:
        return None
    try:
        return to_json(value, type_, annotated.of(function).get("return"))
    except TypeError as error:
        raise TypeError(f"{function.__name__} returned what its signature does not say: {error}") from None


def to_python(value: Any, type_: Any, hint: Any = None) -> Any:
    """Plain JSON of a WIT type as the Python value that the hint wants.

    Raises:
        ValueError: a text is not what its type says.
    """
    hint = annotated.bare(hint)
    kind = type_[0]
    if kind == "option":
        return _from_option(value, type_[1], hint)
    if hint in _TEXTS:
        return _TEXTS[hint](value)
    if type_ == _BYTES:
        octets = base64.b64decode(value)
        return octets if hint in (None, Any, bytes) else _collected(list(octets), hint)
    match kind:
        case "primitive":
            return _from_primitive(value, type_[1], hint)
        case "list" if (pair := _mapping(type_, hint)) is not None:
            return {to_python(k, pair[0], pair[1]): to_python(v, pair[2], pair[3]) for k, v in value}
        case "list":
            element = annotated.element(hint)
            return _collected([to_python(each, type_[1], element) for each in value], hint)
        case "tuple":
            hints = annotated.parts(hint, len(type_[1]))
            return tuple(to_python(*each) for each in zip(value, type_[1], hints, strict=True))
        case "record":
            return _from_record(value, type_[1], hint)
        case "enum":
            return annotated.cases(hint).get(value, value)
        case "flags" if isinstance(hint, type) and issubclass(hint, enum.Flag):
            cases = {annotated.kebab(member.name or ""): member for member in hint}
            return hint(sum(cases[each].value for each in value))
        case "variant" if len(members := annotated.members(hint)) == len(type_[1]):
            labels = {
                label: (inner, member) for (label, inner), member in zip(type_[1], members, strict=True)
            }
            return to_python(value["val"], *labels[value["tag"]])
    return value


def to_json(value: Any, type_: Any, hint: Any = None) -> Any:
    """A Python value as plain JSON of a WIT type.

    Raises:
        TypeError: the value is not of that type.
    """
    hint = annotated.bare(hint)
    match type_:
        case ["option", inner]:
            nested = inner[0] == "option"
            if value is None:
                return None
            made = to_json(value, inner, annotated.without_none(hint))
            return {"some": made} if nested else made
        case ["list", ["primitive", "u8"]] if isinstance(value, (bytes, bytearray, memoryview)):
            return base64.b64encode(value).decode()
        case ["primitive", name]:
            return _to_primitive(value, name)
        case ["list", ["tuple", [key, item]]] if isinstance(value, collections.abc.Mapping):
            hints = annotated.parts(hint, 2)
            return [[to_json(k, key, hints[0]), to_json(v, item, hints[1])] for k, v in value.items()]
        case ["list", element] if isinstance(value, collections.abc.Iterable) and not isinstance(value, str):
            made = [to_json(each, element, annotated.element(hint)) for each in _ordered(value)]
            return base64.b64encode(bytes(made)).decode() if type_ == _BYTES else made
        case ["tuple", elements] if isinstance(value, (tuple, list)) and len(value) == len(elements):
            hints = annotated.parts(hint, len(elements))
            return [to_json(*each) for each in zip(value, elements, hints, strict=True)]
        case ["record", fields]:
            return _to_record(value, fields, hint)
        case ["enum", labels]:
            return _to_case(value, labels)
        case ["flags", _] if isinstance(value, enum.Flag):
            return [annotated.kebab(member.name or "") for member in type(value) if member in value]
        case ["variant", cases] if len(members := annotated.members(hint)) == len(cases):
            return _to_variant(value, cases, members)
        case ["flags" | "variant" | "result", *_]:
            return value
    raise _unfit(value, type_)


def _named(name: str, value: Any, type_: Any, hint: Any) -> Any:
    try:
        return to_python(value, type_, hint)
    except (ValueError, decimal.InvalidOperation) as error:
        raise ValueError(f"{name}: {str(value)!r:.200} is not what its type says ({error})") from None


def _from_option(value: Any, inner: Any, hint: Any) -> Any:
    if value is None:
        return None
    if inner[0] == "option":
        value = value["some"]
    return to_python(value, inner, annotated.without_none(hint))


def _from_primitive(value: Any, name: str, hint: Any) -> Any:
    if name in ("f32", "f64"):
        return _FLOATS[value] if isinstance(value, str) else float(value)
    if name not in ("bool", "string", "char"):
        value = int(value)
    return hint(value) if isinstance(hint, type) and issubclass(hint, enum.Enum) else value


def _to_primitive(value: Any, name: str) -> Any:
    if isinstance(value, enum.Enum):
        value = value.value
    if name in ("f32", "f64") and isinstance(value, (int, float)):
        number = float(value)
        special = "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
        return number if math.isfinite(number) else special
    if name == "bool" and isinstance(value, bool):
        return value
    if name in ("string", "char") and isinstance(value, (str, *_TEXTS)):
        return value.isoformat() if isinstance(value, dt.datetime) else str(value)
    if name[0] in "us" and name != "string" and isinstance(value, int):
        return int(value) if -_SAFE <= value <= _SAFE else str(int(value))
    raise _unfit(value, ["primitive", name])


def _mapping(type_: Any, hint: Any) -> tuple[Any, Any, Any, Any] | None:
    """The types and hints of keys and values, where the hint is a mapping."""
    origin = typing.get_origin(hint) or hint
    if not (isinstance(origin, type) and issubclass(origin, collections.abc.Mapping)):
        return None
    (key, value), (key_hint, value_hint) = type_[1][1], annotated.parts(hint, 2)
    return key, key_hint, value, value_hint


def _collected(items: list[Any], hint: Any) -> Any:
    origin = typing.get_origin(hint) or hint
    if origin in _SETS:
        return set(items)
    return {frozenset: frozenset, tuple: tuple}.get(origin, list)(items)


def _from_record(value: dict[str, Any], fields: list[Any], hint: Any) -> Any:
    if not annotated.is_record(hint):
        return value
    hints, defaults = annotated.of(hint), annotated.optional_fields(hint)
    names, made = {annotated.kebab(name): name for name in hints}, {}
    for label, type_ in fields:
        name = names.get(label, label)
        if value.get(label) is not None or name not in defaults:
            made[name] = to_python(value.get(label), type_, hints.get(name))
    return hint(**made)


def _to_record(value: Any, fields: list[Any], hint: Any) -> dict[str, Any]:
    if isinstance(value, collections.abc.Mapping):
        found = {annotated.kebab(str(key)): part for key, part in value.items()}
    else:
        names = getattr(value, "_fields", None) or [each.name for each in _fields(value)]
        found, hint = {annotated.kebab(name): getattr(value, name) for name in names}, type(value)
    hints = (
        {annotated.kebab(name): part for name, part in annotated.of(hint).items()}
        if annotated.is_record(hint)
        else {}
    )
    known = {label for label, _ in fields}
    missing = [label for label, type_ in fields if label not in found and type_[0] != "option"]
    if missing or found.keys() - known:
        wrong = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(sorted(found.keys() - known))}"
        raise TypeError(f"a {type(value).__name__} {wrong}, which its type does not say")
    return {label: to_json(found.get(label), type_, hints.get(label)) for label, type_ in fields}


def _fields(value: Any) -> tuple[Any, ...]:
    if not dataclasses.is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is no dataclass, NamedTuple or dict")
    return dataclasses.fields(value)


def _to_case(value: Any, labels: list[str]) -> str:
    label = (
        annotated.label(value)
        if isinstance(value, enum.Enum)
        else annotated.kebab(value)
        if isinstance(value, str)
        else ""
    )
    if label not in labels:
        raise TypeError(f"{value!r:.200} is none of {', '.join(labels)}")
    return label


def _to_variant(value: Any, cases: list[Any], members: list[Any]) -> dict[str, Any]:
    pairs = list(zip(cases, members, strict=True))
    for exact in (True, False):
        for (label, type_), member in pairs:
            if exact and type(value) is not (
                typing.get_origin(annotated.bare(member)) or annotated.bare(member)
            ):
                continue
            try:
                return {"tag": label, "val": to_json(value, type_, member)}
            except TypeError:
                continue
    raise _unfit(value, ["variant", cases])


def _ordered(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        try:
            return sorted(value)
        except TypeError:
            return sorted(value, key=repr)
    return value


def _unfit(value: Any, type_: Any) -> TypeError:
    wanted = type_[1] if type_[0] == "primitive" else type_[0]
    return TypeError(f"{value!r:.200} is a {type(value).__name__}, and the signature says {wanted}")
