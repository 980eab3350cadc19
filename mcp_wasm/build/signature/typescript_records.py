"""Interfaces, object types and enums of TypeScript, and ``@typedef``, as records and enums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_wasm.build.signature import jsdoc
from mcp_wasm.build.signature.docstrings import cut, one_line
from mcp_wasm.build.signature.names import kebab
from mcp_wasm.build.signature.tree import text
from mcp_wasm.build.signature.typescript_scope import comment_of
from mcp_wasm.build.signature.typescript_table import SIMPLE, Place, Typed
from mcp_wasm.component.types import Enum, Field, Record

if TYPE_CHECKING:
    from tree_sitter import Node

    from mcp_wasm.build.signature.typescript_types import Types

_DEEPEST = 20
_NO_METHODS = "Data has properties only; write functions at the top level"


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an object type; ``at`` is where it stands."""

    name: str
    type: Node
    optional: bool
    docs: str
    at: Node


def properties(into: Types, node: Node, depth: int = 0) -> list[Property]:
    """The properties of an object type or an interface, after those of what it extends.

    Raises:
        SignatureRefused: it has something else than properties.
    """
    if depth > _DEEPEST:
        raise into.scope.refused(node, f"interfaces extend each other more than {_DEEPEST} times")
    found: dict[str, Property] = {}
    for each in _inherited(into, node, depth):
        found[each.name] = each
    for each in _own(into, _body(node)):
        found[each.name] = each
    return list(found.values())


def record(into: Types, node: Node, wanted: str) -> Typed:
    """The record of an object type or an interface; with one index signature and no more, a map.

    Raises:
        SignatureRefused: a property has no type in WIT.
    """
    index = [each for each in _body(node).named_children if each.type == "index_signature"]
    if index:
        return _index(into, node, index[0], wanted)
    name = into.taken.free(wanted)
    found = properties(into, node)
    if not found:
        raise into.scope.refused(node, "the object type has no properties", "Give it properties with types")
    return fields(into, found, name, docs_of(node))


def fields(into: Types, found: Iterable[Property], name: str, docs: str) -> Typed:
    """The record ``name`` of properties.

    Raises:
        SignatureRefused: two have one name in WIT, or one has no type.
    """
    made: dict[str, Field] = {}
    shapes: list[list[object]] = []
    for each in found:
        label = field_name(into, each, made)
        typed = into.of(each.type, Place(f"{name}-{label}"))
        typed = typed.optional() if each.optional else typed
        made[label] = Field(label, typed.type, each.docs or typed.note)
        shapes.append([label, each.name, typed.shape])
    return Typed(Record(tuple(made.values()), name, docs), {"kind": "record", "fields": shapes})


def record_of_tags(into: Types, tag: jsdoc.Tag, node: Node, wanted: str) -> Typed:
    """The record of a JSDoc tag whose properties have tags of their own.

    Raises:
        SignatureRefused: a property has no type in WIT.
    """
    name = into.taken.free(wanted)
    made: dict[str, Field] = {}
    shapes: list[list[object]] = []
    for each in tag.properties:
        label = kebab(each.name)
        if label is None or label in made:
            raise into.scope.refused(node, f"`{each.name}` cannot be a name of its own in WIT", "Rename it")
        typed = of_tag(into, each, node, f"{name}-{label}")
        made[label] = Field(label, typed.type, each.text or typed.note)
        shapes.append([label, each.name, typed.shape])
    shape = {"kind": "record", "fields": shapes}
    return Typed(Record(tuple(made.values()), name, cut(one_line(tag.text), 0)), shape)


def of_tag(into: Types, tag: jsdoc.Tag, node: Node, name: str) -> Typed:
    """The type of a JSDoc tag.

    Raises:
        SignatureRefused: it has none, or none in WIT.
    """
    if tag.properties:
        typed = record_of_tags(into, tag, node, name)
    elif tag.type is None:
        raise into.scope.refused(
            node, f"`{tag.name}` has no type", f"Write {{string}} {tag.name}, or another"
        )
    else:
        typed = into.of(into.scope.parsed(tag.type), Place(name))
    return typed.optional() if tag.optional else typed


def enum(into: Types, node: Node, wanted: str) -> Typed:
    """The enum of a TypeScript enum; a case is the value where that is a fit text, else the member's name.

    Raises:
        SignatureRefused: a value is computed, or two cases are alike.
    """
    cases: dict[str, object] = {}
    following: int | None = 0
    body = _body(node)
    for member in body.named_children:
        if member.type == "comment":
            continue
        assigned = member.type == "enum_assignment"
        name = property_name(member.child_by_field_name("name") if assigned else member)
        value = _value(member.child_by_field_name("value")) if assigned else following
        if value is None:
            hint = "Write a text or a number as its value"
            raise into.scope.refused(member, f"the value of `{name}` cannot be read", hint)
        following = value + 1 if isinstance(value, int) else None
        case = (kebab(value) if isinstance(value, str) else None) or kebab(name)
        if case is None or case in cases:
            raise into.scope.refused(member, f"`{name}` cannot be a case of its own in WIT", "Rename it")
        cases[case] = value
    if not cases:
        raise into.scope.refused(node, "the enum has no members", "Give it some")
    values = [[case, value] for case, value in cases.items()]
    made = Enum(tuple(cases), into.taken.free(wanted), docs_of(node))
    return Typed(made, {"kind": "enum", "values": values})


def field_name(into: Types, each: Property, taken: Iterable[str]) -> str:
    """The name of a property in WIT.

    Raises:
        SignatureRefused: it has none, or not one of its own.
    """
    label = kebab(each.name)
    if label is None:
        reason = f"`{each.name[:80]}` cannot be a name in WIT"
        raise into.scope.refused(each.at, reason, "Begin it with a letter of ASCII")
    if label in taken:
        raise into.scope.refused(each.at, f"two properties are `{label}` in WIT", "Rename one")
    return label


def property_name(node: Node | None) -> str:
    """The name of a property or a member, without quotes."""
    shown = text(node)
    return shown[1:-1] if shown[:1] in ("'", '"') else shown


def docs_of(node: Node) -> str:
    """What the comment before a declaration says."""
    at = node.parent if node.parent is not None and node.parent.type == "type_alias_declaration" else node
    if at.parent is not None and at.parent.type == "export_statement":
        at = at.parent
    return cut(comment_of(at.prev_named_sibling).text, 0)


def _body(node: Node) -> Node:
    return node.child_by_field_name("body") or node


def _own(into: Types, body: Node) -> Iterator[Property]:
    for each in body.named_children:
        if each.type == "comment":
            continue
        name = property_name(each.child_by_field_name("name"))
        type_ = each.child_by_field_name("type")
        if each.type != "property_signature":
            raise into.scope.refused(each, f"`{name or text(each)[:40]}` is no property", _NO_METHODS)
        if type_ is None:
            raise into.scope.refused(each, f"`{name}` has no type", f"Write {name}: string, or another type")
        optional = any(child.type == "?" for child in each.children)
        before = each.prev_named_sibling
        docs = one_line(comment_of(before).text)
        yield Property(name, type_, optional, docs, each)


def _inherited(into: Types, node: Node, depth: int) -> Iterator[Property]:
    for clause in node.named_children:
        for each in clause.named_children if clause.type == "extends_type_clause" else ():
            base = into.scope.types.get(text(each))
            if base is None or isinstance(base, jsdoc.Tag) or base.type != "interface_declaration":
                hint = "Extend interfaces of this source, or none"
                raise into.scope.refused(each, f"`{text(each)[:60]}` is no interface of this source", hint)
            # Counted, since each may extend several that extend several.
            into.count(each)
            yield from properties(into, base, depth + 1)


def _index(into: Types, node: Node, index: Node, wanted: str) -> Typed:
    key = text(index.child_by_field_name("index_type"))
    value = index.child_by_field_name("type")
    if len([each for each in _body(node).named_children if each.type != "comment"]) > 1:
        raise into.scope.refused(
            index, "an object has either properties or an index", "Make a property of it"
        )
    if key != "string" or value is None:
        raise into.scope.refused(index, "keys of an object are texts", "Write Record<string, T>")
    return into.map(Typed(*SIMPLE["string"]), into.of(value, Place(wanted)), "object")


def _value(node: Node | None) -> str | int | None:
    if node is None or node.type not in ("string", "number"):
        return None
    if node.type == "string":
        return property_name(node)
    try:
        return int(text(node).replace("_", ""), 0)
    except ValueError:
        return None
