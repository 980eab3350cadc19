"""What each type accepts, in a phrase for people and models.

It refuses to know values: whether one fits is ``component.check``'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from mcp_wasm.component.shown import quoted
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


def expectation(type_: Type) -> str:
    """What ``type_`` accepts, as a phrase that follows "expected"."""
    match type_:
        case Primitive(primitive=name):
            return _PRIMITIVES[name]
        case List() if is_bytes(type_):
            return "base64 text (padded, standard alphabet) or an array of bytes"
        case List() if mapped(type_) is not None:
            return 'an object, or an array of pairs [["key", value], …]'
        case List():
            return "an array"
        case Tuple(elements=elements):
            return f"an array of {len(elements)} items"
        case Record(fields=fields):
            return f"an object with {names_of('field', fields)}"
        case Variant(cases=cases):
            return f'an object {{"tag": …, "val": …}} whose tag is one of {some(c.name for c in cases)}'
        case Enum(cases=cases):
            return f"one of {some(cases)}"
        case Flags(flags=flags):
            return f"an array of some of {some(flags)}"
        case Option(payload=Option()):
            return 'null or an object {"some": …}'
        case Option(payload=payload):
            return f"null or {expectation(payload)}"
        case Handle(name=name):
            return f"a handle to a {name or 'resource'} that another tool of this component returned"
        case Result():
            return 'an object {"ok": …} or {"err": …}'
        case _:
            return "nothing: no value of this type can be given"


def names_of(noun: str, fields: Sequence[Field | Param]) -> str:
    """Which fields or parameters there are, in words."""
    return f"the {noun}s {some(f.name for f in fields)}" if fields else f"no {noun}s"


def some(names: Iterable[str]) -> str:
    """The first of ``names``, quoted."""
    first = list(islice(names, 13))
    return ", ".join(map(quoted, first[:12])) + (", …" if len(first) > 12 else "")


_OR_DIGITS = ", or its decimal digits as a string"
_PRIMITIVES = {
    **{
        name: f"an integer from {low} to {high}" + (_OR_DIGITS if name in ("u64", "s64") else "")
        for name, (low, high) in INTEGER_RANGES.items()
    },
    "bool": "true or false",
    "f32": 'a number in the range of an f32, or "NaN", "Infinity" or "-Infinity"',
    "f64": 'a number in the range of an f64, or "NaN", "Infinity" or "-Infinity"',
    "char": "a string of one character",
    "string": "a string (without lone surrogates)",
}
