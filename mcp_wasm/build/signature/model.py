"""What a source publishes: its functions with WIT types, and what they are called in the code.

Pure data, the same for every language. Types are those of ``component.types``,
with names for all that WIT can only name (records, variants, enums, flags).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_wasm.component.types import Function, Param, Primitive, Result, Type


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function of the code.

    ``code_name`` is what the code calls it, ``name`` what WIT does. One with a
    ``default`` is an option in WIT, and null stands for the default.
    """

    code_name: str
    name: str
    type: Type
    default: bool = False
    docs: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """A function that is published.

    ``result`` is the type of what it returns, None for nothing; in WIT it is
    the ok side of a ``result`` whose err is the text of an exception. ``line``
    counts from 1. ``shapes`` says how values of the types look in the code where
    the types alone do not (see ``typescript``), else it is empty.
    """

    code_name: str
    name: str
    parameters: tuple[Parameter, ...]
    result: Type | None
    docs: str = ""
    line: int = 1
    shapes: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def function(self) -> Function:
        """The function as WIT declares it."""
        params = tuple(Param(each.name, each.type, each.docs) for each in self.parameters)
        return Function("", self.name, params, Result(self.result, Primitive("string")), self.docs)


@dataclass(frozen=True, slots=True)
class Exact(Published):
    """A function of a compiled language, whose result in WIT is what it says itself."""

    @property
    def function(self) -> Function:
        """The function as WIT declares it."""
        params = tuple(Param(each.name, each.type, each.docs) for each in self.parameters)
        return Function("", self.name, params, self.result, self.docs)


@dataclass(frozen=True, slots=True)
class Signature:
    """All that a source publishes, as the world ``world``; ``docs`` are those of the source itself."""

    world: str
    functions: tuple[Published, ...]
    docs: str = ""
