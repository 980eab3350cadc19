"""A world as JSON and back, exactly: what the cache keeps of a component.

Types stand in one list, each after its parts and named by its place, so that
types that share parts stay small. Nothing here trusts what it reads: whatever is
not what ``world_to_json`` writes is a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast, get_args

from mcp_wasm.component.shapes import Shapes
from mcp_wasm.component.types import (
    Case,
    Enum,
    Field,
    Flags,
    Function,
    Handle,
    Import,
    List,
    Option,
    Param,
    Primitive,
    PrimitiveName,
    Record,
    Result,
    Tuple,
    Type,
    Unsupported,
    Variant,
    World,
)
from mcp_wasm.component.values import has_lone_surrogate

VERSION = 1
"""The version of the form; another one is not read."""

DEEPEST = 200
"""How deep types may nest here; the validator of binaries stops at 100."""

_KINDS = ("interface", "function", "module", "component", "type", "other")
_T = TypeVar("_T")


def world_to_json(world: World) -> dict[str, Any]:
    """``world`` as plain JSON values.

    Raises:
        ValueError: when a type nests deeper than ``DEEPEST``.
    """
    shapes = Shapes(DEEPEST)
    imports = [[i.name, i.kind, [_function_out(f, shapes) for f in i.functions]] for i in world.imports]
    exports = [_function_out(f, shapes) for f in world.exports]
    types = [_type_out(type_, shapes) for type_ in shapes.types]
    return {"version": VERSION, "docs": world.docs, "types": types, "imports": imports, "exports": exports}


def world_from_json(data: object) -> World:
    """The world that ``world_to_json`` made ``data`` from.

    Raises:
        ValueError: when ``data`` is of another version or damaged.
    """
    version, docs, types, imports, exports = _object(data, "version", "docs", "types", "imports", "exports")
    if type(version) is not int or version != VERSION:
        raise ValueError(f"a world of version {version!r:.40}, expected {VERSION}")
    known: list[Type] = []
    for item in _list(types):
        known.append(_type_in(item, known))
    functions = _each(lambda item: _function_in(item, known))
    return World(_each(lambda item: _import_in(item, functions))(imports), functions(exports), _text(docs))


def _function_out(function: Function, shapes: Shapes) -> list[Any]:
    params = [[p.name, shapes.number(p.type), p.docs] for p in function.params]
    result = None if function.result is None else shapes.number(function.result)
    return [function.interface, function.name, params, result, function.docs]


def _type_out(type_: Type, shapes: Shapes) -> list[Any]:
    parts = iter(shapes.parts[shapes.number(type_)])
    match type_:
        case Primitive(primitive=primitive):
            return ["primitive", primitive]
        case List(name=name, docs=docs):
            return ["list", name, docs, next(parts)]
        case Tuple(name=name, docs=docs):
            return ["tuple", name, docs, list(parts)]
        case Record(fields=fields, name=name, docs=docs):
            return ["record", name, docs, [[f.name, next(parts), f.docs] for f in fields]]
        case Variant(cases=cases, name=name, docs=docs):
            forms = [[c.name, None if c.type is None else next(parts), c.docs] for c in cases]
            return ["variant", name, docs, forms]
        case Enum(cases=names, name=name, docs=docs, case_docs=texts):
            return ["enum", name, docs, list(names), list(texts)]
        case Flags(flags=names, name=name, docs=docs, flag_docs=texts):
            return ["flags", name, docs, list(names), list(texts)]
        case Option(name=name, docs=docs):
            return ["option", name, docs, next(parts)]
        case Result(ok=ok, err=err, name=name, docs=docs):
            sides = [None if side is None else next(parts) for side in (ok, err)]
            return ["result", name, docs, *sides]
        case Handle(owned=owned, name=name, exported=exported):
            return ["handle", owned, name, *([True] if exported else [])]
        case Unsupported(what=what):
            return ["unsupported", what]


def _type_in(item: object, known: list[Type]) -> Type:
    match item:
        case ["primitive", str() as primitive] if primitive in get_args(PrimitiveName):
            return Primitive(cast(PrimitiveName, primitive))
        case ["list", name, docs, element]:
            return List(_type_at(element, known), _text(name), _text(docs))
        case ["tuple", name, docs, elements]:
            return Tuple(_each(lambda part: _type_at(part, known))(elements), _text(name), _text(docs))
        case ["record", name, docs, fields]:
            return Record(_each(lambda part: _field_in(part, known))(fields), _text(name), _text(docs))
        case ["variant", name, docs, cases]:
            return Variant(_each(lambda part: _case_in(part, known))(cases), _text(name), _text(docs))
        case ["enum", name, docs, cases, texts]:
            return Enum(_texts(cases), _text(name), _text(docs), _texts(texts))
        case ["flags", name, docs, flags, texts]:
            return Flags(_texts(flags), _text(name), _text(docs), _texts(texts))
        case ["option", name, docs, payload]:
            return Option(_type_at(payload, known), _text(name), _text(docs))
        case ["result", name, docs, ok, err]:
            return Result(_maybe_at(ok, known), _maybe_at(err, known), _text(name), _text(docs))
        case ["handle", bool() as owned, name]:
            return Handle(owned, _text(name))
        case ["handle", bool() as owned, name, True]:
            return Handle(owned, _text(name), exported=True)
        case ["unsupported", what]:
            return Unsupported(_text(what))
        case _:
            raise ValueError(f"no type: {item!r:.80}")


def _function_in(item: object, known: list[Type]) -> Function:
    interface, name, params, result, docs = _list(item, 5)
    return Function(
        _text(interface),
        _text(name),
        _each(lambda part: _param_in(part, known))(params),
        _maybe_at(result, known),
        _text(docs),
    )


def _param_in(item: object, known: list[Type]) -> Param:
    name, type_, docs = _list(item, 3)
    return Param(_text(name), _type_at(type_, known), _text(docs))


def _field_in(item: object, known: list[Type]) -> Field:
    name, type_, docs = _list(item, 3)
    return Field(_text(name), _type_at(type_, known), _text(docs))


def _case_in(item: object, known: list[Type]) -> Case:
    name, type_, docs = _list(item, 3)
    return Case(_text(name), _maybe_at(type_, known), _text(docs))


def _import_in(item: object, functions: Callable[[object], tuple[Function, ...]]) -> Import:
    name, kind, inside = _list(item, 3)
    if kind not in _KINDS:
        raise ValueError(f"no kind of import: {kind!r:.80}")
    return Import(_text(name), kind, functions(inside))


def _each(read: Callable[[object], _T]) -> Callable[[object], tuple[_T, ...]]:
    return lambda items: tuple(read(item) for item in _list(items))


def _type_at(index: object, known: list[Type]) -> Type:
    # Only types that stand before: there is no way to make a circle.
    if type(index) is not int or not 0 <= index < len(known):
        raise ValueError(f"no place of a type: {index!r:.80}")
    return known[index]


def _maybe_at(index: object, known: list[Type]) -> Type | None:
    return None if index is None else _type_at(index, known)


def _object(data: object, *keys: str) -> Iterable[Any]:
    if not isinstance(data, dict) or data.keys() != set(keys):
        raise ValueError("the data is not that of a world")
    return (data[key] for key in keys)


def _list(data: object, length: int | None = None) -> list[Any]:
    if not isinstance(data, list) or (length is not None and len(data) != length):
        raise ValueError(f"expected a list{'' if length is None else f' of {length}'}, got {data!r:.80}")
    return data


def _text(data: object) -> str:
    if not isinstance(data, str) or has_lone_surrogate(data):
        raise ValueError(f"expected text, got {data!r:.80}")
    return data


def _texts(data: object) -> tuple[str, ...]:
    return _each(_text)(data)
