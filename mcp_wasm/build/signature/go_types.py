"""Types of Go as types of WIT, out of the text of a source.

Known are numbers, bool, string, slices, maps, pointers (an option), and the structs
and named types of the source's top level; a named type with constants is an enum.
``int`` has 64 bits on this target.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_wasm.build.signature.compiled import Source, distinct, plain
from mcp_wasm.build.signature.names import kebab
from mcp_wasm.build.signature.parts import DEEPEST
from mcp_wasm.build.signature.tree import text
from mcp_wasm.component.types import Enum, Field, List, Option, Primitive, Record, Tuple, Type

if TYPE_CHECKING:
    from tree_sitter import Node

PRIMITIVES: Mapping[str, Type] = {
    "bool": Primitive("bool"), "string": Primitive("string"), "rune": Primitive("char"),
    "float32": Primitive("f32"), "float64": Primitive("f64"), "byte": Primitive("u8"),
    "int": Primitive("s64"), "uint": Primitive("u64"),
    **{f"int{bits}": Primitive(f"s{bits}") for bits in (8, 16, 32, 64)},  # type: ignore[arg-type]
    **{f"uint{bits}": Primitive(f"u{bits}") for bits in (8, 16, 32, 64)},  # type: ignore[arg-type]
}  # fmt: skip
KEYS = frozenset(name for name in PRIMITIVES if name not in ("float32", "float64", "bool", "rune"))

_HINT = "Take and give numbers, bool, string, slices, maps, pointers for what may be absent, and structs"
_JSON = re.compile(r'json:"([^",]*)')


@dataclass(frozen=True, slots=True)
class Constants:
    """The constants of a named type, which are the cases of an enum: their names in the code."""

    type: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant at the top level: its name, and its value where it is a text."""

    name: str
    value: str | None


class Types:
    """The types of one source; ``enums`` are those of its own that were needed."""

    def __init__(
        self,
        source: Source,
        declared: Mapping[str, Node],
        constants: Mapping[str, Sequence[Constant]],
        docs: Mapping[int, str],
    ) -> None:
        self.source, self.enums = source, list[Constants]()
        self._declared, self._constants, self._docs = declared, constants, docs
        self._found: dict[str, Type] = {}
        self._open: list[str] = []

    def of(self, node: Node) -> Type:
        """The type that ``node`` writes.

        Raises:
            SignatureRefused: it has none in WIT.
        """
        self.source.parts.count(node)
        if len(self._open) > DEEPEST:
            raise self.source.refused(node, f"types nest deeper than {DEEPEST}", "Make them flatter")
        self._open.append("")
        found = self._of(node)
        self._open.pop()
        return found

    def _of(self, node: Node) -> Type:
        name = text(node)
        match node.type:
            case "type_identifier" if name in self._declared:
                return self._own(node, name)
            case "type_identifier" if name in PRIMITIVES:
                return PRIMITIVES[name]
            case "parenthesized_type":
                return self.of(node.named_children[0])
            case "slice_type":
                return List(self.of(node.named_children[0]))
            case "pointer_type":
                return Option(self.of(node.named_children[0]))
            case "map_type":
                return self._map(node)
            case "struct_type":
                raise self.source.refused(
                    node, "a struct without a name has none in WIT", "Name it with type"
                )
            case "interface_type" | "function_type" | "channel_type":
                raise self.source.refused(node, f"`{name[:60]}` is no value that could be given", _HINT)
        if name in ("any", "error", "complex64", "complex128", "uintptr"):
            hint = "Give an error as the last result" if name == "error" else _HINT
            raise self.source.refused(node, f"`{name}` has no type in WIT", hint)
        hint = "Use a string, such as an ISO time" if name.startswith("time.") else _HINT
        raise self.source.refused(node, f"`{name[:60]}` has no type in WIT", hint)

    def _map(self, node: Node) -> Type:
        key, value = node.child_by_field_name("key"), node.child_by_field_name("value")
        assert key is not None
        assert value is not None
        if text(key) not in KEYS:
            raise self.source.refused(key, f"`{text(key)[:60]}` is no key here", "Use string or an integer")
        return List(Tuple((self.of(key), self.of(value))))

    def _own(self, node: Node, name: str) -> Type:
        item = self._declared[name]
        if name in self._open:
            hint = "Give a list of parts that name one another by their number"
            raise self.source.refused(node, f"`{name}` holds itself, which WIT cannot say", hint)
        if item.child_by_field_name("type_parameters") is not None:
            raise self.source.refused(node, f"`{name}` is generic", "Write a type without parameters")
        if name not in self._found:
            self._open.append(name)
            self._found[name] = self._inside(name, item)
            self._open.pop()
        return self._found[name]

    def _inside(self, name: str, item: Node) -> Type:
        inner = item.child_by_field_name("type")
        assert inner is not None
        if inner.type == "struct_type":
            return self._record(name, item, inner)
        constants = self._constants.get(name, ())
        if constants and text(inner) in KEYS:
            return self._enum(name, item, constants)
        return self.of(inner)

    def _enum(self, name: str, item: Node, constants: Sequence[Constant]) -> Type:
        said = [kebab(each.value) if each.value else kebab(_short(each.name, name)) for each in constants]
        cases = [
            case or self.source.name(item, each.name) for case, each in zip(said, constants, strict=True)
        ]
        distinct(self.source, ((case, item) for case in cases), f"constants of {name}")
        self.enums.append(Constants(name, tuple(each.name for each in constants)))
        return Enum(tuple(cases), self._label(item, name), self._said(item))

    def _record(self, name: str, item: Node, inner: Node) -> Type:
        fields: list[Field] = []
        places: list[Node] = []
        label = self._label(item, name)
        for each in inner.named_children[0].named_children if inner.named_children else []:
            if each.type != "field_declaration":
                continue
            type_ = each.child_by_field_name("type")
            names = each.children_by_field_name("name")
            if not names or type_ is None:
                raise self.source.refused(each, f"`{name}` embeds another type", "Give the field a name")
            for at in names:
                if not text(at)[:1].isupper():
                    hint = "Begin it with a capital letter"
                    raise self.source.refused(at, f"the field `{text(at)}` is private", hint)
                fields.append(Field(self._field(at, each, len(names)), self.of(type_), self._said(each)))
                places.append(at)
        if not fields:
            raise self.source.refused(item, f"`{name}` has no fields", "Give it one")
        distinct(self.source, zip((f.name for f in fields), places, strict=True), "fields")
        return Record(tuple(fields), label, self._said(item))

    def _field(self, at: Node, field: Node, together: int) -> str:
        """The name of a field: that of its tag for JSON, as models write it, else its own."""
        tag = _JSON.search(text(field.child_by_field_name("tag")))
        if tag is None or not tag[1] or together > 1:
            return self.source.name(at)
        if tag[1] == "-":
            raise self.source.refused(
                at, f"the field `{text(at)}` is left out of JSON", "Leave it out here too"
            )
        return self.source.name(at, tag[1])

    def _label(self, item: Node, name: str) -> str:
        return self.source.parts.taken.free(self.source.name(item.child_by_field_name("name") or item, name))

    def _said(self, item: Node) -> str:
        return plain(self._docs.get(item.start_byte, ""))


def _short(constant: str, type_: str) -> str:
    """The name of a constant without the type's in front of it or behind it: ``Red`` of ``ColorRed``."""
    short = constant.removeprefix(type_).removesuffix(type_)
    return short if short[:1].isalpha() else constant
