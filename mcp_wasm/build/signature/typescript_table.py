"""The types of TypeScript by name: their WIT types and shapes, or what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_wasm.component.types import List, Option, Primitive, Type

Shape = Mapping[str, Any] | None
"""How values look in the code; ``code/guests/javascript/inner/shapes.js`` lists the kinds."""

_STRING = (Primitive("string"), {"kind": "string"})

SIMPLE: dict[str, tuple[Type, Shape, str]] = {
    "number": (Primitive("f64"), {"kind": "number"}, ""),
    "bigint": (Primitive("s64"), {"kind": "bigint"}, ""),
    "string": (*_STRING, ""),
    "boolean": (Primitive("bool"), {"kind": "boolean"}, ""),
    "Uint8Array": (List(Primitive("u8")), {"kind": "bytes"}, ""),
    "Date": (Primitive("string"), {"kind": "date"}, "A date and time in ISO 8601."),
}
"""Types without parts, each with what its text means."""

LISTS = frozenset(("Array", "ReadonlyArray"))
SETS = frozenset(("Set", "ReadonlySet"))
MAPS = frozenset(("Map", "ReadonlyMap"))
PROMISES = frozenset(("Promise", "PromiseLike"))
NOTHING = frozenset(("void", "undefined", "null"))
THROUGH = frozenset(("Readonly", "NonNullable"))

KNOWN = (
    "Use number, bigint, string, boolean, Uint8Array, T[], a tuple, Record<string, T>, a union of texts, "
    "or an interface"
)
INSTEAD = {
    "any": f"It can be anything. {KNOWN}",
    "unknown": f"It can be anything. {KNOWN}",
    "object": "Write an interface with typed properties, or Record<string, T>",
    "Object": "Write an interface with typed properties, or Record<string, T>",
    "Function": "A function cannot be sent: take a string that names what to do",
    "never": "Write void for a function that returns nothing",
    "symbol": "Write string",
    "Buffer": "Write Uint8Array",
    "ArrayBuffer": "Write Uint8Array",
    "Array": "Write T[]",
    "Map": "Write Map<string, T>",
    "Set": "Write Set<T>",
    "Record": "Write Record<string, T>",
    "Promise": "Write Promise<T>",
    "String": "Write string",
    "Number": "Write number",
    "Boolean": "Write boolean",
    "BigInt": "Write bigint",
    "RegExp": "Write string",
    "Error": "Throw it, or return its message as a string",
    "Partial": "Write an interface with optional properties",
    "Required": "Write an interface",
    "Pick": "Write an interface",
    "Omit": "Write an interface",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a type stands; ``name`` is for one that has none."""

    name: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A type, how its values look in the code, and what is said of them."""

    type: Type
    shape: Shape = field(default=None)
    note: str = ""

    def optional(self, none: str = "undefined") -> Typed:
        """As an option, whose none is ``none`` in the code; one that is an option stays as it is."""
        if isinstance(self.type, Option):
            return self
        return Typed(Option(self.type), {"kind": "option", "of": self.shape, "none": none}, self.note)
