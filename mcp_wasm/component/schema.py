"""JSON Schema (2020-12) of what a function takes and gives, from its WIT types.

Input and output differ: what is accepted is wider than what is returned. Some
model APIs refuse a whole list of tools for one schema that they do not like, so
the forms are plain: always an object, no ``anyOf`` at the top, no boolean
schemas but ``additionalProperties: false``, no arrays of types, everything
inline unless that grows past ``INLINE`` bytes. A schema is never larger than
``LARGEST`` bytes and never nests past ``NESTING``, whatever the component
declares. It refuses to know how values are checked (``component.check``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from mcp_wasm.component.forms import Forms, Schema
from mcp_wasm.component.shapes import Shapes, TooDeep
from mcp_wasm.component.types import Enum, Function, Handle, Record, Result, Type, Unsupported, Variant
from mcp_wasm.errors import CallerError

INLINE = 16 * 1024
"""Bytes of JSON past which repeated types go to ``$defs``."""

LARGEST = 256 * 1024
"""Bytes of JSON, all types inline, past which a function is not published."""

NESTING = 100
"""JSON levels of a schema: parsers of clients stop at 128 to 200, for the whole list of tools."""

KEY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
"""What model APIs take as the name of a property."""


class Unpublishable(CallerError):
    """A function has no schema; the message is the reason."""


def input_schema(function: Function) -> Schema:
    """The schema of the arguments object of ``function``.

    Raises:
        Unpublishable: when ``unpublishable(function)`` has a reason.
    """
    _refuse_types(function)
    return _within_bounds(lambda forms: forms.arguments(function.params), output=False)


def output_schema(function: Function) -> Schema:
    """The schema of ``{"result": …}``, where ``…`` is null for a function without result.

    Of a function that returns ``result<ok, err>`` only the ok side is described:
    an err is an error of the call, not a value.

    Raises:
        Unpublishable: when ``unpublishable(function)`` has a reason.
    """
    _refuse_types(function)
    result = function.result.ok if isinstance(function.result, Result) else function.result
    return _within_bounds(lambda forms: forms.wrapped(result), output=True)


def unpublishable(function: Function) -> str | None:
    """Why ``function`` cannot be a tool, in words, or None when it can."""
    try:
        input_schema(function)
        output_schema(function)
    except Unpublishable as refusal:
        return str(refusal)
    return None


def _refuse_types(function: Function) -> None:
    for param in function.params:
        if not KEY.fullmatch(param.name):
            raise Unpublishable(f"parameter `{param.name[:80]}`: {_BAD_KEY}")
        if problem := _problem(param.type, "takes"):
            raise Unpublishable(f"parameter `{param.name}`: {problem}")
    if function.result is not None and (problem := _problem(function.result, "returns")):
        raise Unpublishable(f"the result: {problem}")


_BAD_KEY = "its name is longer than 64 characters or has others than letters, digits and - _ ."


def _problem(type_: Type, verb: str) -> str | None:
    shapes = Shapes()
    try:
        shapes.number(type_)
    except TooDeep as refusal:
        return str(refusal)
    return next(filter(None, (_own_problem(part, verb) for part in shapes.types)), None)


def _own_problem(type_: Type, verb: str) -> str | None:
    match type_:
        case Handle(name=name, exported=False):
            which = f" (`{name}`)" if name else ""
            return f"{verb} a handle{which} to a resource that it imports, which no caller can have"
        case Unsupported(what=what):
            return f"{verb} `{what}`, which no JSON value can carry"
        case Record(fields=fields):
            bad = next((f.name for f in fields if not KEY.fullmatch(f.name)), None)
            return None if bad is None else f"field `{bad[:80]}`: {_BAD_KEY}"
        case Variant(cases=()) | Enum(cases=()):
            return f"{verb} a type without cases, which has no value"
        case _:
            return None


def _within_bounds(build: Callable[[Forms], Schema], *, output: bool) -> Schema:
    what = "result" if output else "parameters"
    forms = Forms(output=output)
    schema = build(forms)
    size, nesting = _weigh(schema, {})
    if size > LARGEST:
        raise Unpublishable(f"the schema of its {what} would be larger than {LARGEST // 1024} KiB")
    if size > INLINE or nesting > NESTING:
        forms = Forms(output=output, shapes=forms.shapes, apart=_worth_a_name(forms))
        schema = build(forms) | {"$defs": forms.definitions}
        nesting = _weigh(schema, {})[1]
    if nesting > NESTING:
        raise Unpublishable(f"the schema of its {what} would nest more than {NESTING} levels deep")
    # Types share their dicts up to here; nobody outside should find one change with another.
    plain: Schema = json.loads(json.dumps(schema))
    return plain


def _worth_a_name(forms: Forms) -> dict[int, str]:
    """The types that are used again and are not small, each with a name of its own."""
    known: dict[int, tuple[int, int]] = {}
    names: dict[int, str] = {}
    for number, schema in forms.repeated():
        if _weigh(schema, known)[0] > _SMALL:
            names[number] = f"{_stem(forms.shapes.types[number])}{number}"
    return names


def _stem(type_: Type) -> str:
    name = getattr(type_, "name", "")
    return f"{name}." if KEY.fullmatch(name) else "type."


def _weigh(node: object, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Bytes of JSON (at most) and levels of ``node``; each shared dict is looked at once."""
    if isinstance(node, dict):
        if id(node) not in known:
            keys = sum(len(json.dumps(key)) + 2 for key in node)
            known[id(node)] = _sum_up(keys, node.values(), known)
        return known[id(node)]
    if isinstance(node, list):
        return _sum_up(len(node), node, known)
    return len(json.dumps(node)), 0


def _sum_up(extra: int, parts: Iterable[object], known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    weights = [_weigh(part, known) for part in parts]
    return 2 + extra + sum(w[0] for w in weights), 1 + max((w[1] for w in weights), default=0)


_SMALL = 80
"""Bytes of JSON below which a reference saves nothing."""
