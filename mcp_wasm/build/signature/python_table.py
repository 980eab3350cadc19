"""The types of Python by their full names: their WIT types, or what to write instead."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_wasm.component.types import List, Option, Primitive, Type

TYPING = ("typing.", "typing_extensions.", "collections.abc.")
_S64, F64, _BOOL, _STRING = (Primitive(name) for name in ("s64", "f64", "bool", "string"))
_BYTES = List(Primitive("u8"))

SIMPLE: dict[str, tuple[Type, str]] = {
    "builtins.int": (_S64, ""),
    "builtins.float": (F64, ""),
    "builtins.bool": (_BOOL, ""),
    "builtins.str": (_STRING, ""),
    "typing.Text": (_STRING, ""),
    "builtins.bytes": (_BYTES, ""),
    "datetime.datetime": (_STRING, "A date and time in ISO 8601."),
    "datetime.date": (_STRING, "A date in ISO 8601."),
    "datetime.time": (_STRING, "A time in ISO 8601."),
    "decimal.Decimal": (_STRING, "A decimal number."),
    "uuid.UUID": (_STRING, "A UUID."),
    "pathlib.Path": (_STRING, "A path."),
    "pathlib.PurePath": (_STRING, "A path."),
    "pathlib.PurePosixPath": (_STRING, "A path."),
}
"""Types without parts, each with what its text means."""

_ABC_LISTS = ("Sequence", "MutableSequence", "Iterable", "Collection", "Set", "MutableSet")
LISTS = frozenset(
    [f"builtins.{name}" for name in ("list", "set", "frozenset")]
    + [f"collections.abc.{name}" for name in _ABC_LISTS]
    + [f"typing.{name}" for name in (*_ABC_LISTS, "List", "FrozenSet", "AbstractSet")]
)
ITERATORS = frozenset(f"{module}{name}" for module in TYPING for name in ("Iterator", "Generator"))
MAPPINGS = frozenset(
    ["builtins.dict", "typing.Dict"]
    + [f"{module}{name}" for module in TYPING for name in ("Mapping", "MutableMapping")]
)
TUPLES = frozenset(("builtins.tuple", "typing.Tuple"))
ANYTHING = frozenset(("typing.Any", "builtins.object"))
INSTEAD = {
    "builtins.complex": "Write tuple[float, float]",
    "builtins.bytearray": "Write bytes",
    "builtins.memoryview": "Write bytes",
    "datetime.timedelta": "Write float, for seconds",
    "fractions.Fraction": "Write tuple[int, int], or decimal.Decimal",
    "collections.OrderedDict": "Write dict[K, V]",
    "collections.defaultdict": "Write dict[K, V]",
    "collections.Counter": "Write dict[K, int]",
    "collections.deque": "Write list[T]",
    "typing.Callable": "A function cannot be sent: take a string that names what to do",
    "collections.abc.Callable": "A function cannot be sent: take a string that names what to do",
    "collections.namedtuple": "Write a class of typing.NamedTuple with annotated fields",
}
KNOWN = "Use int, float, bool, str, bytes, list, dict, tuple, set, Optional, Literal, an Enum or a dataclass"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an annotation stands.

    ``name`` is for a type that has none; an iterator may only be ``returned``.
    """

    name: str
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """A type, and what ``Annotated`` or the table says of its values; "" for nothing."""

    type: Type
    note: str = ""

    @property
    def optional(self) -> Type:
        """The type as an option; one that is an option stays as it is."""
        return self.type if isinstance(self.type, Option) else Option(self.type)


def missing(name: str) -> str:
    """What to do about ``name``, which nothing defines."""
    if name in (
        "List",
        "Dict",
        "Optional",
        "Union",
        "Tuple",
        "Set",
        "Literal",
        "Any",
        "Annotated",
        "Sequence",
    ):
        return f"Add `from typing import {name}`"
    return "Define it, or import it"


def written_out(call: str) -> str:
    """What to write instead of a type that ``call`` makes."""
    plain = call.rpartition(".")[2]
    if plain in ("TypedDict", "NamedTuple", "namedtuple"):
        return f"Write it as a class of {plain.replace('namedtuple', 'NamedTuple')} with annotated fields"
    if plain in ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"):
        return f"Write it as a class of {plain}"
    if plain == "TypeVar":
        return "Write a type instead of a type variable"
    return KNOWN
