"""The JSON Schema form of each WIT type: the table, one entry a type, in both directions.

Plain forms, since some model APIs refuse a whole list of tools for one schema
that they do not like: always an object on top, no boolean schemas but
``additionalProperties: false``, no arrays of types. Equal types share one dict.
It refuses to know bounds and which function it works for (``component.schema``).
Source: DESIGN.md, "Types: WIT to JSON and back".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mcp_wasm.component.shapes import Shapes
from mcp_wasm.component.types import (
    INTEGER_RANGES,
    Enum,
    Field,
    Flags,
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
from mcp_wasm.component.values import HANDLE

SAFE_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

BASE64_PATTERN = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
NOT_NUMBERS = ("NaN", "Infinity", "-Infinity")
"""The floats that JSON has no number for."""

Schema = dict[str, Any]


class Forms:
    """Schemas of types in one direction, one shared dict for each distinct type.

    ``apart`` are the types (by number) that go to ``definitions``, with their names there.
    """

    def __init__(
        self, *, output: bool, shapes: Shapes | None = None, apart: Mapping[int, str] | None = None
    ) -> None:
        self.shapes = shapes or Shapes()
        self.definitions: dict[str, Schema] = {}
        self._output = output
        self._apart = apart or {}
        self._built: dict[int, Schema] = {}
        self._uses: Counter[int] = Counter()

    def arguments(self, params: Iterable[Param]) -> Schema:
        """The object of a function's arguments."""
        return self._object(params, [self.of(param.type) for param in params])

    def wrapped(self, result: Type | None) -> Schema:
        """The object that wraps a result; null stands for no result."""
        return _closed({"result": {"type": "null"} if result is None else self.of(result)})

    def of(self, type_: Type) -> Schema:
        """The form of one type."""
        return self._numbered(self.shapes.number(type_))

    def repeated(self) -> Iterator[tuple[int, Schema]]:
        """The types, by number, that were asked for more than once."""
        return ((number, schema) for number, schema in self._built.items() if self._uses[number] > 1)

    def _numbered(self, number: int) -> Schema:
        self._uses[number] += 1
        if number not in self._built:
            schema = _described(self._build(number), getattr(self.shapes.types[number], "docs", ""))
            if name := self._apart.get(number):
                self.definitions[name] = schema
                schema = {"$ref": f"#/$defs/{name}"}
            self._built[number] = schema
        return self._built[number]

    def _build(self, number: int) -> Schema:
        type_ = self.shapes.types[number]
        if is_bytes(type_):
            return _BYTES_OUT if self._output else _BYTES_IN
        parts = [self._numbered(part) for part in self.shapes.parts[number]]
        match type_:
            case Primitive(primitive=name):
                return (_PRIMITIVES_OUT if self._output else _PRIMITIVES_IN)[name]
            case List() if mapped(type_) is not None and not self._output:
                (pair,) = self.shapes.parts[number]
                return _mapping(parts[0], self._numbered(self.shapes.parts[pair][1]))
            case List():
                return {"type": "array", "items": parts[0]}
            case Tuple():
                return _tuple(parts)
            case Record(fields=fields):
                return self._object(fields, parts)
            case Variant(cases=cases):
                payloads = iter(parts)
                forms = [
                    _described(_case(case.name, None if case.type is None else next(payloads)), case.docs)
                    for case in cases
                ]
                return {"anyOf": forms}
            case Handle():
                return _handle(type_, output=self._output)
            case Enum(cases=names, case_docs=docs):
                return _described({"type": "string", "enum": list(names)}, _listed(names, docs))
            case Flags(flags=names, flag_docs=docs):
                flag = {"type": "string", "enum": list(names)}
                return _described({"type": "array", "items": flag, "uniqueItems": True}, _listed(names, docs))
            case Option(payload=Option()):
                return _any_of(_closed({"some": parts[0]}), {"type": "null"})
            case Option():
                return _any_of(parts[0], {"type": "null"})
            case Result(ok=ok, err=err):
                sides = iter(parts)
                return {
                    "anyOf": [
                        _closed({key: {"type": "null"} if side is None else next(sides)})
                        for key, side in (("ok", ok), ("err", err))
                    ]
                }
            case _:
                raise TypeError(f"{type(type_).__name__} has no schema")

    def _object(self, fields: Iterable[Field | Param], schemas: list[Schema]) -> Schema:
        properties = {f.name: _described(s, f.docs) for f, s in zip(fields, schemas, strict=True)}
        optional = {f.name for f in fields if isinstance(f.type, Option) and not self._output}
        return _closed(properties, optional)


def _closed(properties: dict[str, Schema], optional: Iterable[str] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _case(name: str, payload: Schema | None) -> Schema:
    tag: Schema = {"tag": {"type": "string", "const": name}}
    return _closed(tag if payload is None else tag | {"val": payload})


def _handle(type_: Handle, *, output: bool) -> Schema:
    what = type_.name or "resource"
    if output:
        said = f"A handle to a {what}: pass it to the other tools of this component while its session lasts."
    elif type_.owned:
        said = f"A handle to a {what} that another tool returned. It cannot be used again after this call."
    else:
        said = f"A handle to a {what} that another tool returned."
    return {"type": "string", "pattern": f"^{HANDLE.pattern}$", "description": said}


def _tuple(elements: list[Schema]) -> Schema:
    # Clients refuse an array without `items` and one whose `items` is false.
    distinct = list({id(element): element for element in elements}.values())
    return {
        "type": "array",
        **({"prefixItems": elements} if elements else {}),
        "items": {"anyOf": distinct} if distinct else {"type": "null"},
        "minItems": len(elements),
        "maxItems": len(elements),
    }


def _mapping(pair: Schema, value: Schema) -> Schema:
    return {
        "anyOf": [{"type": "object", "additionalProperties": value}, {"type": "array", "items": pair}],
        "description": 'An object, or an array of its pairs: [["key", value], …].',
    }


def _any_of(first: Schema, second: Schema) -> Schema:
    """Either schema; a first one that is a choice itself is not nested."""
    if "anyOf" in first:
        return first | {"anyOf": [*first["anyOf"], second]}
    return {"anyOf": [first, second]}


def _described(schema: Schema, docs: str) -> Schema:
    own = schema.get("description")
    if not docs or docs == own:
        return schema
    return schema | {"description": f"{docs}\n\n{own}" if own else docs}


def _listed(names: Iterable[str], docs: tuple[str, ...]) -> str:
    # A single case of an enum has no place for a description of its own.
    lines = (f"- `{name}`: {text}" for name, text in zip(names, docs, strict=False) if text)
    return "\n".join(lines)


def _integer(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def _long_integer(name: str, *, output: bool) -> Schema:
    sign, digits = ("", 20) if name == "u64" else ("-?", 19)
    if not output:
        text = {"type": "string", "pattern": f"^{sign}[0-9]{{1,{digits}}}$"}
        return {"anyOf": [_integer(*INTEGER_RANGES[name]), text]}
    low, high = INTEGER_RANGES[name]
    return {
        "anyOf": [
            _integer(max(low, -SAFE_INTEGER), min(high, SAFE_INTEGER)),
            {"type": "string", "pattern": f"^{sign}[0-9]{{16,{digits}}}$"},
        ],
        "description": "An integer; past 2^53 - 1 in size a decimal string.",
    }


def _primitives(*, output: bool) -> dict[str, Schema]:
    number = {"anyOf": [{"type": "number"}, {"type": "string", "enum": list(NOT_NUMBERS)}]}
    return {
        "bool": {"type": "boolean"},
        "f32": number,
        "f64": number,
        "char": {"type": "string", "minLength": 1, "maxLength": 1},
        "string": {"type": "string"},
        "u64": _long_integer("u64", output=output),
        "s64": _long_integer("s64", output=output),
        **{name: _integer(*INTEGER_RANGES[name]) for name in ("u8", "u16", "u32", "s8", "s16", "s32")},
    }


_PRIMITIVES_IN = _primitives(output=False)
_PRIMITIVES_OUT = _primitives(output=True)
_BASE64 = {"type": "string", "contentEncoding": "base64"}
_BYTES_OUT: Schema = _BASE64 | {"description": "Base64."}
_BYTES_IN: Schema = {
    "anyOf": [_BASE64 | {"pattern": BASE64_PATTERN}, {"type": "array", "items": _integer(0, 255)}],
    "description": "Base64, or an array of bytes.",
}
