"""Unions of TypeScript: options, enums of texts, and variants told by a property or by ``typeof``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_wasm.build.signature import jsdoc
from mcp_wasm.build.signature.names import kebab
from mcp_wasm.build.signature.tree import text
from mcp_wasm.build.signature.typescript_records import (
    Property,
    docs_of,
    fields,
    properties,
    property_name,
)
from mcp_wasm.build.signature.typescript_table import SIMPLE, Place, Typed
from mcp_wasm.component.types import Case, Type, Variant

if TYPE_CHECKING:
    from tree_sitter import Node

    from mcp_wasm.build.signature.typescript_types import Types

_OBJECTS = frozenset(("object_type", "interface_declaration"))
_TESTS = {
    "number": "number", "string": "string", "boolean": "boolean", "bigint": "bigint", "bytes": "bytes",
    "date": "date", "list": "array", "tuple": "array", "record": "object",
}  # fmt: skip
"""How values of a kind of shape are told from others when the code runs."""


def union(into: Types, node: Node, place: Place) -> Typed:
    """The type of a union, or of a single literal.

    Raises:
        SignatureRefused: its members have no types, or cannot be told apart.
    """
    parts = _Parts()
    _gather(into, node, parts)
    if parts.texts and not any(text(each) == "string" for each in parts.types):
        if parts.types or parts.flags:
            hint = "Write string, or a union of texts alone"
            raise into.scope.refused(node, "the union has texts beside other types", hint)
        whole = _texts(into, node, list(dict.fromkeys(parts.texts)), place)
    elif parts.flags and not parts.types:
        if set(parts.flags) != {"true", "false"}:
            raise into.scope.refused(node, f"`{text(node)[:40]}` alone is no type", "Write boolean")
        whole = Typed(*SIMPLE["boolean"])
    elif parts.flags or not parts.types:
        raise into.scope.refused(node, f"`{text(node)[:40]}` is no type of a value", "Write T | null")
    elif len(parts.types) == 1:
        whole = into.of(parts.types[0], place)
    else:
        whole = _variant(into, node, parts.types, place)
    if parts.null or parts.undefined:
        whole = whole.optional("undefined" if parts.undefined else "null")
    return whole


@dataclass(slots=True)
class _Parts:
    """The members of a union, by what they are; ``flags`` are true and false."""

    types: list[Node] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    null: bool = False
    undefined: bool = False


def _gather(into: Types, union_: Node, parts: _Parts) -> None:
    """Sort the members; unions behind aliases are taken apart where there are other members."""
    members = _flat(into, union_)
    others = [each for each in members if text(each) not in ("null", "undefined", "void")]
    waiting = list(reversed(members))
    while waiting:
        node = waiting.pop()
        into.count(node)
        shown = text(node)
        match node.type:
            case "literal_type" | "predefined_type" if shown in ("null", "undefined", "void"):
                parts.null = parts.null or shown == "null"
                parts.undefined = parts.undefined or shown != "null"
            case "literal_type" if shown[:1] in ("'", '"'):
                parts.texts.append(property_name(node))
            case "literal_type" if shown in ("true", "false"):
                parts.flags.append(shown)
            case "literal_type":
                hint = "Write the type of the values, such as number, or texts"
                raise into.scope.refused(node, f"`{shown[:40]}` is no type in WIT", hint)
            case "type_identifier" if len(others) > 1 and (inner := _aliased(into, node)) is not None:
                waiting += reversed(_flat(into, inner))
            case _:
                parts.types.append(node)


def _flat(into: Types, node: Node) -> list[Node]:
    """The members of a union, left to right."""
    if node.type == "parenthesized_type":
        return _flat(into, node.named_children[-1])
    if node.type != "union_type":
        return [node]
    found: list[Node] = []
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if each.type == "union_type":
            waiting += [child for child in each.named_children if child.type != "comment"]
        elif each.type == "parenthesized_type":
            waiting.append(each.named_children[-1])
        else:
            found.append(each)
    return found[::-1]


def _aliased(into: Types, node: Node) -> Node | None:
    """The union or literal that a name stands for; None where it is anything else."""
    declared = into.scope.types.get(text(node))
    if declared is None or isinstance(declared, jsdoc.Tag) or declared.type != "type_alias_declaration":
        return None
    value = declared.child_by_field_name("value")
    return value if value is not None and value.type in ("union_type", "literal_type") else None


def _texts(into: Types, node: Node, texts: list[str], place: Place) -> Typed:
    cases: dict[str, str] = {}
    for each in texts:
        case = kebab(each)
        if case is None:
            hint = "Begin it with a letter and use letters, digits and hyphens, or take a string"
            raise into.scope.refused(node, f"{each!r:.80} cannot be the name of a case", hint)
        if case in cases:
            reason = f"{each!r:.80} and {cases[case]!r:.80} are both `{case}` in WIT"
            raise into.scope.refused(node, reason, "Rename one")
        cases[case] = each
    values = [[case, own] for case, own in cases.items()]
    return Typed(into.enum(tuple(cases), place.name), {"kind": "enum", "values": values})


def _variant(into: Types, node: Node, members: Sequence[Node], place: Place) -> Typed:
    objects = [_object(into, member) for member in members]
    if all(each is not None for each in objects):
        return _discriminated(into, node, [each for each in objects if each is not None], place)
    cases: list[Case] = []
    shapes: list[list[object]] = []
    name = into.taken.free(place.name)
    for member in members:
        typed = into.of(member, Place(f"{place.name}-{len(cases) + 1}"))
        test = _TESTS.get(str((typed.shape or {}).get("kind")))
        label = kebab(text(member)) if member.type in ("predefined_type", "type_identifier") else test
        if test is None or label is None or any(test == known for _, known, _ in shapes):
            reason = f"`{text(member)[:60]}` cannot be told from the other types of the union"
            raise into.scope.refused(
                member, reason, "Write object types with a property that says which it is"
            )
        cases.append(Case(label, typed.type, typed.note))
        shapes.append([label, test, typed.shape])
    # What is any object is asked for last.
    ordered = sorted(shapes, key=lambda each: each[1] == "object")
    return Typed(Variant(tuple(cases), name), {"kind": "union", "cases": ordered})


@dataclass(frozen=True, slots=True)
class _Object:
    name: str
    node: Node
    properties: list[Property]
    docs: str


def _object(into: Types, member: Node) -> _Object | None:
    """A member that is an object type or an interface, else None."""
    name, node = "", member
    if member.type == "type_identifier":
        name = text(member)
        declared = into.scope.types.get(name)
        if declared is None or isinstance(declared, jsdoc.Tag):
            return None
        node = declared.child_by_field_name("value") or declared
    if node.type not in _OBJECTS:
        return None
    return _Object(name, member, properties(into, node), docs_of(node) if name else "")


def _discriminated(into: Types, node: Node, objects: list[_Object], place: Place) -> Typed:
    tag = next(
        (p.name for p in objects[0].properties if all(_literal(o, p.name) is not None for o in objects)), None
    )
    if tag is None:
        reason = "the object types of the union have no property in common that says which it is"
        raise into.scope.refused(node, reason, 'Give each a property such as kind: "circle"')
    name = into.taken.free(place.name)
    cases: dict[str, Case] = {}
    shapes: list[list[object]] = []
    for each in objects:
        literal = _literal(each, tag)
        label = kebab(str(literal).lower() if isinstance(literal, bool) else str(literal))
        if label is None or label in cases:
            reason = f"{literal!r:.80} cannot be the name of a case of its own"
            raise into.scope.refused(each.node, reason, "Give each object type a name of its own")
        rest = [p for p in each.properties if p.name != tag]
        type_: Type | None = None
        shape: object = None
        if rest:
            wanted = into.taken.free(kebab(each.name) or f"{name}-{label}")
            inner = fields(into, rest, wanted, each.docs)
            type_, shape = inner.type, inner.shape
        cases[label] = Case(label, type_, "" if type_ is not None else each.docs)
        shapes.append([label, literal, shape])
    return Typed(Variant(tuple(cases.values()), name), {"kind": "variant", "tag": tag, "cases": shapes})


def _literal(each: _Object, name: str) -> str | bool | None:
    """The text or truth value that the property ``name`` always has, or None."""
    for own in each.properties:
        if own.name == name and not own.optional:
            type_ = own.type.named_children[-1] if own.type.type == "type_annotation" else own.type
            shown = text(type_)
            if type_.type == "literal_type" and shown[:1] in ("'", '"'):
                return property_name(type_)
            if type_.type == "literal_type" and shown in ("true", "false"):
                return shown == "true"
    return None
