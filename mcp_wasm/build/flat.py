"""How values are passed to and from a core function: the core types that a WIT type flattens to.

Pure. Source: the component model's ``CanonicalABI.md``, "Flattening".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mcp_wasm.component.types import Enum, Function, List, Option, Primitive, Result, Type, Variant, children

MOST_PARAMETERS = 16
"""Core parameters; what has more is passed in memory."""

_WIDE = {"u64": "i64", "s64": "i64", "f32": "f32", "f64": "f64"}


@dataclass(frozen=True, slots=True)
class Core:
    """The core signature of an exported function.

    ``parameters`` is one address where the flat values are too many (``in_memory``).
    ``result`` is ``""`` for none, and an address with ``by_address``.
    """

    parameters: tuple[str, ...]
    result: str
    in_memory: bool
    by_address: bool


def core(function: Function) -> Core:
    """The core signature of ``function`` as an export."""
    flat = [each for param in function.params for each in flattened(param.type)]
    in_memory = len(flat) > MOST_PARAMETERS
    given = flattened(function.result)
    by_address = len(given) > 1
    result = "i32" if by_address else "".join(given)
    return Core(("i32",) if in_memory else tuple(flat), result, in_memory, by_address)


def flattened(type_: Type | None) -> list[str]:
    """The core types of ``type_``; none for None."""
    match type_:
        case None:
            return []
        case Primitive(primitive="string") | List():
            return ["i32", "i32"]
        case Primitive(primitive=name):
            return [_WIDE.get(name, "i32")]
        case Enum():
            return ["i32"]
        case Variant(cases=cases):
            return _joined(case.type for case in cases)
        case Option(payload=payload):
            return _joined([payload])
        case Result(ok=ok, err=err):
            return _joined([ok, err])
        case _:
            return [each for part in children(type_) for each in flattened(part)]


def _joined(cases: Iterable[Type | None]) -> list[str]:
    """A tag, and core types that hold the values of any case."""
    held: list[str] = []
    for case in cases:
        for at, each in enumerate(flattened(case)):
            if at == len(held):
                held.append(each)
            elif held[at] != each:
                held[at] = "i32" if {held[at], each} == {"i32", "f32"} else "i64"
    return ["i32", *held]
