"""The WIT type model: what a component says of itself, as frozen values.

Pure data. It knows nothing of the engine that reads it from a binary
(``sandbox.inspect``) nor of JSON (``component.schema``, ``component.check``).
Source: the component model's ``WIT.md``, "Types", and ``Explainer.md``,
"Type definitions". Types are structural; ``name`` and ``docs`` come from WIT
text where there is any, and never take part in equality.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

PrimitiveName = Literal[
    "bool", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64", "char", "string"
]

INTEGER_RANGES: dict[str, tuple[int, int]] = {
    **{f"u{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    **{f"s{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
}


@dataclass(frozen=True, slots=True)
class Primitive:
    """``bool``, the integers, the floats, ``char`` or ``string``."""

    primitive: PrimitiveName


@dataclass(frozen=True, slots=True)
class List:
    """``list<element>``."""

    element: Type
    name: str = field(default="", compare=False)
    docs: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Tuple:
    """``tuple<...>``."""

    elements: tuple[Type, ...]
    name: str = field(default="", compare=False)
    docs: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record; ``name`` keeps WIT's spelling (kebab-case)."""

    name: str
    type: Type
    docs: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Record:
    """``record { ... }``."""

    fields: tuple[Field, ...]
    name: str = field(default="", compare=False)
    docs: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a variant; ``type`` is None for a case without payload."""

    name: str
    type: Type | None = None
    docs: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Variant:
    """``variant { ... }``."""

    cases: tuple[Case, ...]
    name: str = field(default="", compare=False)
    docs: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Enum:
    """``enum { ... }``; ``case_docs`` is empty or has one text a case."""

    cases: tuple[str, ...]
    name: str = field(default="", compare=False)
    docs: str = field(default="", compare=False)
    case_docs: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Flags:
    """``flags { ... }``; ``flag_docs`` is empty or has one text a flag."""

    flags: tuple[str, ...]
    name: str = field(default="", compare=False)
    docs: str = field(default="", compare=False)
    flag_docs: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Option:
    """``option<payload>``."""

    payload: Type
    name: str = field(default="", compare=False)
    docs: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Result:
    """``result<ok, err>``; either side may be None (absent)."""

    ok: Type | None = None
    err: Type | None = None
    name: str = field(default="", compare=False)
    docs: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Handle:
    """``own<resource>`` or ``borrow<resource>``; ``exported`` where the component itself has the resource."""

    owned: bool
    name: str = field(default="", compare=False)
    exported: bool = False


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A type that no JSON value can carry: ``stream``, ``future``, ``error-context``, …"""

    what: str


Type = Primitive | List | Tuple | Record | Variant | Enum | Flags | Option | Result | Handle | Unsupported


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter; ``docs`` was taken from the function's docs or is empty."""

    name: str
    type: Type
    docs: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Function:
    """An exported or imported function.

    ``interface`` is the full name of the interface that holds it
    (``demo:shapes/ops@1.2.0``), or ``""`` for a function of the world itself.
    ``docs`` is the text without the lines that describe parameters.
    """

    interface: str
    name: str
    params: tuple[Param, ...]
    result: Type | None = None
    docs: str = field(default="", compare=False)

    @property
    def path(self) -> str:
        """The full export path, ``interface#name`` or ``name``."""
        return f"{self.interface}#{self.name}" if self.interface else self.name


@dataclass(frozen=True, slots=True)
class Import:
    """One import of a component: an interface with its functions, or a bare function.

    ``name`` is the import's full name; ``functions`` is empty for an import of
    types or resources alone; ``kind`` is what the engine calls it.
    """

    name: str
    kind: Literal["interface", "function", "module", "component", "type", "other"]
    functions: tuple[Function, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a component imports and exports, in the binary's order."""

    imports: tuple[Import, ...]
    exports: tuple[Function, ...]
    docs: str = field(default="", compare=False)


def children(type_: Type) -> Iterator[Type]:
    """The types directly inside ``type_``."""
    match type_:
        case List(element=inner) | Option(payload=inner):
            yield inner
        case Tuple(elements=elements):
            yield from elements
        case Record(fields=fields):
            yield from (f.type for f in fields)
        case Variant(cases=cases):
            yield from (c.type for c in cases if c.type is not None)
        case Result(ok=ok, err=err):
            yield from (side for side in (ok, err) if side is not None)
        case _:
            return


def mapped(type_: Type) -> Type | None:
    """``T`` where ``type_`` is ``list<tuple<string, T>>``, for which a JSON object is taken too."""
    match type_:
        case List(element=Tuple(elements=(Primitive(primitive="string"), value))):
            return value
        case _:
            return None


def is_bytes(type_: Type) -> bool:
    """Whether ``type_`` is ``list<u8>``, which JSON carries as base64."""
    return isinstance(type_, List) and type_.element == Primitive("u8")
