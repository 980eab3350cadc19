"""Types of Rust as types of WIT, out of the text of a source.

Known are the numbers, text, the collections of the standard library, tuples,
``Option``, ``Result``, and the structs, enums and aliases of the source's top
level. ``usize`` has 32 bits on this target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_wasm.build.signature.compiled import Source, distinct, plain
from mcp_wasm.build.signature.parts import DEEPEST
from mcp_wasm.build.signature.tree import text
from mcp_wasm.component.types import (
    Case,
    Enum,
    Field,
    List,
    Option,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
)

if TYPE_CHECKING:
    from tree_sitter import Node

PRIMITIVES: Mapping[str, Type] = {
    "bool": Primitive("bool"), "char": Primitive("char"), "f32": Primitive("f32"), "f64": Primitive("f64"),
    "i8": Primitive("s8"), "i16": Primitive("s16"), "i32": Primitive("s32"), "i64": Primitive("s64"),
    "u8": Primitive("u8"), "u16": Primitive("u16"), "u32": Primitive("u32"), "u64": Primitive("u64"),
    "isize": Primitive("s32"), "usize": Primitive("u32"), "String": Primitive("string"),
}  # fmt: skip
LISTS = {"Vec": 1, "VecDeque": 1, "HashSet": 1, "BTreeSet": 1, "HashMap": 2, "BTreeMap": 2}
MOST_TOGETHER = 10
"""Members of a tuple, and values of one case of an enum, for which the glue has code."""

_HINT = "Take and give numbers, bool, char, String, Vec, HashMap, Option, Result, tuples, structs and enums"


@dataclass(frozen=True, slots=True)
class Made:
    """A struct or enum that crosses the border.

    ``members`` of a struct are its fields with their types as written; of an enum,
    for each case, its form (how it is made and matched) and what it holds.
    """

    name: str
    is_enum: bool
    members: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


class Types:
    """The types of one source; ``made`` are its own, in the order in which they were needed."""

    def __init__(self, source: Source, declared: Mapping[str, Node], docs: Mapping[int, str]) -> None:
        self.source, self.made = source, dict[str, Made]()
        self._declared, self._docs = declared, docs
        self._found: dict[str, Type] = {}
        self._open: list[str] = []

    def of(self, node: Node, given: Mapping[str, Type] | None = None, *, result: bool = False) -> Type:
        """The type that ``node`` writes; ``given`` are those of an alias' parameters.

        Raises:
            SignatureRefused: it has none in WIT.
        """
        self.source.parts.count(node)
        if len(self._open) > DEEPEST:
            raise self.source.refused(node, f"types nest deeper than {DEEPEST}", "Make them flatter")
        self._open.append("")
        found = self._of(node, given or {}, result)
        self._open.pop()
        return found

    def _of(self, node: Node, given: Mapping[str, Type], result: bool) -> Type:
        name = _last(node)
        if name in given:
            return given[name]
        if name in self._declared and node.type != "scoped_type_identifier":
            return self._own(node, name, given)
        arguments = _arguments(node)
        if name in PRIMITIVES and not arguments:
            return PRIMITIVES[name]
        if LISTS.get(name) == len(arguments):
            inside = [self._value(each, given, result) for each in arguments]
            return List(inside[0] if len(inside) == 1 else Tuple(tuple(inside)))
        if name == "Option" and len(arguments) == 1:
            return Option(self._value(arguments[0], given, result))
        if name == "Result" and len(arguments) == 2:
            ok, err = (None if _is_unit(each) else self.of(each, given, result=result) for each in arguments)
            return Result(ok, err)
        if node.type == "tuple_type" and len(node.named_children) <= MOST_TOGETHER:
            return Tuple(tuple(self._value(each, given, result) for each in node.named_children))
        if (result and text(node).replace(" ", "") == "&'staticstr") or (result and _is_error(node)):
            return Primitive("string")
        raise self._unknown(node, name)

    def _value(self, node: Node, given: Mapping[str, Type], result: bool) -> Type:
        if _is_unit(node):
            raise self.source.refused(
                node, "`()` holds nothing that could be given", "Use bool, or leave it out"
            )
        return self.of(node, given, result=result)

    def _unknown(self, node: Node, name: str) -> Exception:
        said = text(node)[:60]
        if node.type == "reference_type":
            hint = "Borrow only whole parameters, as &str, &[T] or &T, and give values that are owned"
            return self.source.refused(node, f"`{said}` is borrowed", hint)
        if name in ("i128", "u128"):
            return self.source.refused(
                node, f"WIT has no integers of 128 bits, as {said}", "Use String or i64"
            )
        if name == "Result":
            return self.source.refused(node, f"`{said}` does not say its error", "Write Result<T, String>")
        return self.source.refused(node, f"`{said}` has no type in WIT", _HINT)

    def _own(self, node: Node, name: str, given: Mapping[str, Type]) -> Type:
        item, arguments = self._declared[name], _arguments(node)
        if name in self._open:
            hint = "Give a list of parts that name one another by their number"
            raise self.source.refused(node, f"`{name}` holds itself, which WIT cannot say", hint)
        parameters = item.child_by_field_name("type_parameters")
        named = [] if parameters is None else [_last(each) for each in parameters.named_children]
        if item.type == "type_item":
            if len(named) != len(arguments):
                raise self.source.refused(node, f"`{text(node)[:60]}` takes {len(named)} types", _HINT)
            inner = {label: self.of(each, given) for label, each in zip(named, arguments, strict=True)}
            return self._inside(name, item, inner)
        if named:
            raise self.source.refused(node, f"`{name}` is generic", "Write a type without parameters")
        if name not in self._found:
            self._found[name] = self._inside(name, item, {})
        return self._found[name]

    def _inside(self, name: str, item: Node, given: Mapping[str, Type]) -> Type:
        self._open.append(name)
        body = item.child_by_field_name("body")
        if item.type == "type_item":
            aliased = item.child_by_field_name("type")
            assert aliased is not None
            found = self.of(aliased, given)
        elif item.type == "enum_item" and body is not None:
            found = self._enum(name, item, body)
        elif body is not None and body.type == "field_declaration_list":
            found = self._record(name, item, body)
        else:
            raise self.source.refused(item, f"the fields of `{name}` have no names", "Name them")
        self._open.pop()
        return found

    def _record(self, name: str, item: Node, body: Node) -> Type:
        label = self._label(item, name)
        fields = tuple(self._fields(body))
        if not fields:
            raise self.source.refused(item, f"`{name}` has no fields", "Give it one")
        written = tuple((text(each), text(type_)) for each, type_ in _members(body))
        self.made[name] = Made(name, False, (("", written),))
        return Record(fields, label, self._said(item))

    def _fields(self, body: Node) -> list[Field]:
        found = []
        for label, type_ in _members(body):
            said = self._said(label.parent) if label.parent is not None else ""
            found.append(Field(self.source.name(label), self._value(type_, {}, False), said))
        distinct(
            self.source, zip((f.name for f in found), (n for n, _ in _members(body)), strict=True), "fields"
        )
        return found

    def _enum(self, name: str, item: Node, body: Node) -> Type:
        label, cases, forms = self._label(item, name), [], []
        variants = [each for each in body.named_children if each.type == "enum_variant"]
        for each in variants:
            at = each.child_by_field_name("name")
            assert at is not None
            case = self.source.name(at)
            type_, form = self._case(f"{name}::{text(at)}", f"{label}-{case}", each)
            cases.append(Case(case, type_, self._said(each)))
            forms.append(form)
        if not cases:
            raise self.source.refused(item, f"`{name}` has no cases", "Give it one")
        distinct(self.source, zip((c.name for c in cases), variants, strict=True), "cases")
        self.made[name] = Made(name, True, tuple(forms))
        if any(case.type is not None for case in cases):
            return Variant(tuple(cases), label, self._said(item))
        docs = tuple(case.docs for case in cases)
        return Enum(tuple(case.name for case in cases), label, self._said(item), docs if any(docs) else ())

    def _case(
        self, path: str, label: str, variant: Node
    ) -> tuple[Type | None, tuple[str, tuple[tuple[str, str], ...]]]:
        body = variant.child_by_field_name("body")
        if body is None:
            return None, (path, ())
        if body.type == "field_declaration_list":
            fields, members = self._fields(body), _members(body)
            if 0 < len(fields) <= MOST_TOGETHER:
                form = f"{path} {{ {', '.join(text(each) for each, _ in members)} }}"
                held = tuple((text(each), text(type_)) for each, type_ in members)
                return Record(tuple(fields), self.source.parts.taken.free(label)), (form, held)
        else:
            types = _unnamed(body)
            if 0 < len(types) <= MOST_TOGETHER:
                inside = [self._value(each, {}, False) for each in types]
                held = tuple((f"held{n}", text(each)) for n, each in enumerate(types))
                form = f"{path}({', '.join(each for each, _ in held)})"
                return inside[0] if len(inside) == 1 else Tuple(tuple(inside)), (form, held)
        raise self.source.refused(variant, f"a case holds 1 to {MOST_TOGETHER} values here", "Use a struct")

    def _label(self, item: Node, name: str) -> str:
        at = item.child_by_field_name("name")
        return self.source.parts.taken.free(self.source.name(at or item, name))

    def _said(self, item: Node) -> str:
        return plain(self._docs.get(item.start_byte, ""))


def _last(node: Node | None) -> str:
    """The last word of the name of a type: ``HashMap`` of ``std::collections::HashMap<K, V>``."""
    while node is not None and node.type in ("generic_type", "scoped_type_identifier", "type_parameter"):
        field = "type" if node.type == "generic_type" else "name"
        node = node.child_by_field_name(field)
    return text(node)


def _arguments(node: Node) -> list[Node]:
    inside = node.child_by_field_name("type_arguments") if node.type == "generic_type" else None
    return [] if inside is None else inside.named_children


def _is_unit(node: Node) -> bool:
    return text(node).replace(" ", "") == "()"


def _is_error(node: Node) -> bool:
    """Whether it is ``Box<dyn Error>``, whose text is the error."""
    arguments = _arguments(node)
    if _last(node) != "Box" or len(arguments) != 1:
        return False
    words = text(arguments[0]).replace("+", " ").split()
    plain_ = {word.rpartition("::")[2] for word in words if word != "'static"}
    return words[0] == "dyn" and "Error" in plain_ and plain_ <= {"dyn", "Error", "Send", "Sync"}


def _members(body: Node) -> list[tuple[Node, Node]]:
    """The names and types of fields."""
    found = []
    for each in body.named_children:
        label, type_ = each.child_by_field_name("name"), each.child_by_field_name("type")
        if each.type == "field_declaration" and label is not None and type_ is not None:
            found.append((label, type_))
    return found


def _unnamed(body: Node) -> list[Node]:
    skipped = ("visibility_modifier", "attribute_item", "line_comment", "block_comment")
    return [each for each in body.named_children if each.type not in skipped]
