"""Hypothesis strategies for WIT types and the JSON values that belong to them.

``types()`` and ``functions()`` draw from the type model, ``valid(type)`` draws a
value that must be accepted for a type, and ``normal(type, value)`` is the JSON
that the value comes back as from a component that returns what it is given.
"""

from __future__ import annotations

import base64
import struct
from typing import Any

from hypothesis import strategies as st

from mcp_wasm.component.forms import NOT_NUMBERS, SAFE_INTEGER
from mcp_wasm.component.types import (
    INTEGER_RANGES,
    Case,
    Enum,
    Field,
    Flags,
    Function,
    Handle,
    List,
    Option,
    Param,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
    is_bytes,
    mapped,
)
from mcp_wasm.component.values import HANDLE, shortest_f32

PRIMITIVES = tuple(
    Primitive(name)
    for name in (
        "bool", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64", "char", "string",
    )
)  # fmt: skip

_names = st.from_regex(r"[a-z][a-z0-9]{0,4}(-[a-z][a-z0-9]{0,3})?", fullmatch=True)
# Whatever UTF-8 can carry: all but lone surrogates.
_characters = st.characters(codec="utf-8")
TEXT = st.text(_characters, max_size=20)


def _some_names(most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(_names, min_size=1, max_size=most, unique=True)


def types(most: int = 12) -> st.SearchStrategy[Type]:
    """Types of every class that JSON carries, with about ``most`` leaves at most, no names and no docs."""
    leaves: st.SearchStrategy[Type] = st.one_of(
        st.sampled_from(PRIMITIVES),
        _some_names(6).map(lambda names: Enum(tuple(names))),
        _some_names(12).map(lambda names: Flags(tuple(names))),
        st.just(List(Primitive("u8"))),
    )
    return st.recursive(leaves, _composites, max_leaves=most)


def _composites(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    maybe = st.none() | inner
    return st.one_of(
        inner.map(List),
        inner.map(lambda value: List(Tuple((Primitive("string"), value)))),
        inner.map(Option),
        st.lists(inner, min_size=1, max_size=4).map(lambda parts: Tuple(tuple(parts))),
        st.builds(Result, maybe, maybe),
        _named(inner).map(lambda pairs: Record(tuple(Field(n, t) for n, t in pairs))),
        _named(maybe).map(lambda pairs: Variant(tuple(Case(n, t) for n, t in pairs))),
    )


def _named(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[str, Any]]]:
    return st.lists(st.tuples(_names, inner), min_size=1, max_size=4, unique_by=lambda pair: pair[0])


def functions(most: int = 8) -> st.SearchStrategy[Function]:
    """Functions of a world or of an interface, with up to four parameters."""
    named = st.lists(st.tuples(_names, types(most)), max_size=4, unique_by=lambda pair: pair[0])
    return st.builds(
        Function,
        st.sampled_from(["", "demo:t/ops@1.0.0", "demo:t/ops@2.0.0", "other:t/ops", "inline"]),
        _names,
        named.map(lambda pairs: tuple(Param(name, type_) for name, type_ in pairs)),
        st.none() | types(most),
    )


def arguments(function: Function) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments that must be accepted."""
    return _fields(function.params)


def valid(type_: Type) -> st.SearchStrategy[Any]:
    """Values, as ``json.loads`` gives them, that must be accepted for ``type_``."""
    match type_:
        case Primitive(primitive=name):
            return _primitive(name)
        case List() if is_bytes(type_):
            numbers = st.lists(_primitive("u8"), max_size=6)
            return numbers | st.binary(max_size=40).map(lambda raw: base64.b64encode(raw).decode())
        case List(element=element):
            value = mapped(type_)
            pairs = st.lists(valid(element), max_size=4)
            return pairs if value is None else pairs | st.dictionaries(TEXT, valid(value), max_size=4)
        case Tuple(elements=elements):
            return st.tuples(*map(valid, elements)).map(list)
        case Record(fields=fields):
            return _fields(fields)
        case Variant(cases=cases):
            return st.one_of(*map(_case, cases))
        case Enum(cases=names):
            return st.sampled_from(names)
        case Flags(flags=names):
            return st.lists(st.sampled_from(names), unique=True)
        case Option(payload=payload):
            inner = valid(payload)
            nested = isinstance(payload, Option)
            return st.none() | (inner.map(lambda value: {"some": value}) if nested else inner)
        case Result(ok=ok, err=err):
            return _side("ok", ok) | _side("err", err)
        case Handle(exported=True):
            return st.from_regex(HANDLE, fullmatch=True)
        case _:
            raise TypeError(type_)


def normal(type_: Type, value: Any) -> Any:
    """What an accepted ``value`` comes back as, by the table of types in DESIGN.md."""
    match type_:
        case Primitive(primitive=name):
            return _normal_primitive(name, value)
        case List() if is_bytes(type_):
            raw = base64.b64decode(value) if isinstance(value, str) else bytes(map(int, value))
            return base64.b64encode(raw).decode()
        case List(element=element):
            items = [list(pair) for pair in value.items()] if isinstance(value, dict) else value
            return [normal(element, item) for item in items]
        case Tuple(elements=elements):
            return [normal(element, item) for element, item in zip(elements, value, strict=True)]
        case Record(fields=fields):
            return {field.name: normal(field.type, value.get(field.name)) for field in fields}
        case Variant(cases=cases):
            payload = next(case.type for case in cases if case.name == value["tag"])
            return value if payload is None else {"tag": value["tag"], "val": normal(payload, value["val"])}
        case Flags(flags=names):
            return [name for name in names if name in value]
        case Option(payload=payload) if value is not None:
            nested = isinstance(payload, Option)
            return {"some": normal(payload, value["some"])} if nested else normal(payload, value)
        case Result(ok=ok, err=err):
            ((key, inner),) = value.items()
            side = ok if key == "ok" else err
            return {key: None if side is None else normal(side, inner)}
        case _:
            return value


def _fields(fields: tuple[Field, ...] | tuple[Param, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {f.name: valid(f.type) for f in fields if not isinstance(f.type, Option)},
        optional={f.name: valid(f.type) for f in fields if isinstance(f.type, Option)},
    )


def _case(case: Case) -> st.SearchStrategy[dict[str, Any]]:
    if case.type is None:
        return st.just({"tag": case.name})
    return st.fixed_dictionaries({"tag": st.just(case.name), "val": valid(case.type)})


def _side(key: str, side: Type | None) -> st.SearchStrategy[dict[str, Any]]:
    return (st.none() if side is None else valid(side)).map(lambda value: {key: value})


def _primitive(name: str) -> st.SearchStrategy[Any]:
    if name in INTEGER_RANGES:
        return _integer(name)
    special = st.sampled_from(NOT_NUMBERS)
    small = st.integers(-(2**60), 2**60)
    return {
        "bool": st.booleans(),
        "f32": st.floats(width=32, allow_nan=False, allow_infinity=False) | special | small,
        "f64": st.floats(allow_nan=False, allow_infinity=False) | special | small,
        "char": _characters,
        "string": TEXT,
    }[name]


def _integer(name: str) -> st.SearchStrategy[Any]:
    low, high = INTEGER_RANGES[name]
    whole = st.integers(low, high) | st.sampled_from([low, high])
    written = st.integers(max(low, -SAFE_INTEGER), min(high, SAFE_INTEGER)).map(float)
    return whole | written | whole.map(str) if name in ("u64", "s64") else whole | written


def _normal_primitive(name: str, value: Any) -> Any:
    if name in ("u64", "s64"):
        number = int(value)
        return number if abs(number) <= SAFE_INTEGER else str(number)
    if name in INTEGER_RANGES:
        return int(value)
    if name in ("f32", "f64") and not isinstance(value, str):
        near = float(value)
        return near if name == "f64" else shortest_f32(struct.unpack("<f", struct.pack("<f", near))[0])
    return value
