"""A component that is source code: what takes the place of its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mcp_wasm.component import types as wit


@dataclass(frozen=True, slots=True)
class Script:
    """Source code of which some functions are tools.

    ``language`` names its runner, ``file`` is what tracebacks call it, and
    ``names`` maps the path of each function (as WIT has it) to its name in the code,
    ``shapes`` to how its values look there (``build.signature.typescript``), where
    their types alone do not say.
    """

    language: str
    code: str
    file: str
    names: Mapping[str, str]
    shapes: Mapping[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def form(type_: wit.Type | None) -> list[Any] | None:
    """A type as a runner reads it: its kind, then what it is made of, ``["list", ["primitive", "u8"]]``."""
    match type_:
        case None:
            return None
        case wit.Primitive(primitive=name):
            return ["primitive", name]
        case wit.List(element=inner) | wit.Option(payload=inner):
            return ["list" if isinstance(type_, wit.List) else "option", form(inner)]
        case wit.Tuple(elements=elements):
            return ["tuple", [form(each) for each in elements]]
        case wit.Record(fields=parts) | wit.Variant(cases=parts):
            kind = "record" if isinstance(type_, wit.Record) else "variant"
            return [kind, [[part.name, form(part.type)] for part in parts]]
        case wit.Enum(cases=names):
            return ["enum", list(names)]
        case wit.Flags(flags=names):
            return ["flags", list(names)]
        case wit.Result(ok=ok, err=err):
            return ["result", form(ok), form(err)]
    raise TypeError(f"{type_} is no type of a script")
