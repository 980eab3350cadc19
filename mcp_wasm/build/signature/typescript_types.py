"""Types of TypeScript, also those in JSDoc, as WIT types with their shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp_wasm.build.signature import jsdoc, typescript_records, typescript_unions
from mcp_wasm.build.signature.names import Taken, kebab
from mcp_wasm.build.signature.parts import DEEPEST, Parts
from mcp_wasm.build.signature.tree import text
from mcp_wasm.build.signature.typescript_scope import Scope
from mcp_wasm.build.signature.typescript_table import (
    INSTEAD,
    KNOWN,
    LISTS,
    MAPS,
    NOTHING,
    PROMISES,
    SETS,
    SIMPLE,
    THROUGH,
    Place,
    Shape,
    Typed,
)
from mcp_wasm.component.types import List, Tuple
from mcp_wasm.errors import SignatureRefused

if TYPE_CHECKING:
    from tree_sitter import Node

_LITERALS = frozenset(("literal_type", "template_literal_type"))


class Types(Parts["Node"]):
    """Makes types of what one source writes."""

    def __init__(self, scope: Scope, taken: Taken) -> None:
        super().__init__(scope, taken)
        self.scope = scope
        self._known: dict[str, Typed] = {}

    def of(self, node: Node, place: Place) -> Typed:
        """The type that ``node`` stands for.

        Raises:
            SignatureRefused: there is no WIT type for it.
        """
        self.count(node)
        if len(self._open) > DEEPEST:
            raise self.scope.refused(node, f"the type nests deeper than {DEEPEST} levels", "Make it flatter")
        self._open.append("")
        try:
            return self._of(node, place)
        finally:
            self._open.pop()

    def named(self, name: str, node: Node, make: Callable[[], Typed]) -> Typed:
        """The type called ``name`` in the code, made once.

        Raises:
            SignatureRefused: it contains itself.
        """
        if name in self._open:
            raise self.scope.refused(
                node, f"`{name}` contains itself", "WIT has no recursive types: write a flat list"
            )
        if name not in self._known:
            self._open.append(name)
            try:
                self._known[name] = make()
            finally:
                self._open.pop()
        return self._known[name]

    def _of(self, node: Node, place: Place) -> Typed:
        match node.type:
            case "type_annotation" | "parenthesized_type" | "readonly_type":
                return self.of(node.named_children[-1], place)
            case "predefined_type" | "type_identifier":
                return self._name(node, text(node), place)
            case "generic_type":
                return self._generic(node, place)
            case "array_type":
                return _list(self.of(node.named_children[0], place))
            case "tuple_type":
                return self._tuple(node, place)
            case "union_type" | "literal_type":
                return typescript_unions.union(self, node, place)
            case "object_type":
                return typescript_records.record(self, node, place.name)
            case _:
                raise self.scope.refused(node, f"`{_shown(node)}` has no WIT type", KNOWN)

    def _name(self, node: Node, name: str, place: Place) -> Typed:
        declared = self.scope.types.get(name)
        if declared is not None:
            if isinstance(declared, jsdoc.Tag):
                return self.named(name, node, lambda: self._typedef(declared, node))
            return self._declared(node, name, declared, place)
        if name in SIMPLE:
            return Typed(*SIMPLE[name])
        raise self._refused(node, name)

    def _refused(self, node: Node, name: str) -> SignatureRefused:
        if name in NOTHING:
            hint = "Leave it out, or write T | null"
            return self.scope.refused(node, f"{name} alone is no type of a value", hint)
        if name in INSTEAD:
            return self.scope.refused(node, f"`{name}` has no WIT type", INSTEAD[name])
        reason = f"`{name}` is not declared at the top level of the source"
        return self.scope.refused(node, reason, f"Declare it here. {KNOWN}")

    def _declared(self, node: Node, name: str, declared: Node, place: Place) -> Typed:
        if declared.child_by_field_name("type_parameters") is not None:
            raise self.scope.refused(node, f"`{name}` is generic", "Write it without type parameters")
        wanted = kebab(name) or place.name
        match declared.type:
            case "interface_declaration":
                return self.named(name, node, lambda: typescript_records.record(self, declared, wanted))
            case "enum_declaration":
                return self.named(name, node, lambda: typescript_records.enum(self, declared, wanted))
            case "type_alias_declaration":
                value = declared.child_by_field_name("value")
                assert value is not None
                return self._alias(node, name, value, wanted)
        raise self.scope.refused(
            node, f"`{name}` is a class", "Write an interface, and make the object inside"
        )

    def _alias(self, node: Node, name: str, value: Node, wanted: str) -> Typed:
        if value.type == "object_type":
            return self.named(name, node, lambda: typescript_records.record(self, value, wanted))
        if value.type in ("union_type", *_LITERALS):
            return self.named(name, node, lambda: self.of(value, Place(wanted)))
        if name in self._open:
            raise self.scope.refused(node, f"`{name}` contains itself", "WIT has no recursive types")
        # Written out, and counted, at each use: WIT names no such type.
        self._open.append(name)
        try:
            return self.of(value, Place(wanted))
        finally:
            self._open.pop()

    def _typedef(self, tag: jsdoc.Tag, node: Node) -> Typed:
        wanted = kebab(tag.name) or "type"
        if tag.properties:
            return typescript_records.record_of_tags(self, tag, node, wanted)
        if tag.type is None:
            raise self.scope.refused(node, f"`{tag.name}` has no type", "Write @typedef {type} Name")
        return self.of(self.scope.parsed(tag.type), Place(wanted))

    def _generic(self, node: Node, place: Place) -> Typed:
        named = node.child_by_field_name("name")
        arguments = node.child_by_field_name("type_arguments")
        name, parts = text(named), [] if arguments is None else arguments.named_children
        if name in self.scope.types:
            raise self.scope.refused(node, f"`{name}` is generic", "Write it without type parameters")
        if name in LISTS | SETS and len(parts) == 1:
            return _list(self.of(parts[0], place), "set" if name in SETS else "list")
        if name in MAPS and len(parts) == 2:
            return self._map(parts, "Map", place)
        if name in ("Record", "Object") and len(parts) == 2:
            if text(parts[0]) != "string":
                hint = "Write Record<string, T>, or an interface"
                raise self.scope.refused(parts[0], f"keys of `{name}` are texts", hint)
            return self._map(parts, "object", place)
        if name in THROUGH and len(parts) == 1:
            return self.of(parts[0], place)
        if name in PROMISES:
            hint = "Only what a function returns can be a promise"
            raise self.scope.refused(node, f"`{_shown(node)}` cannot be a value inside", hint)
        raise self._refused(named or node, name)

    def _map(self, parts: list[Node], kind: str, place: Place) -> Typed:
        return self.map(self.of(parts[0], place), self.of(parts[1], place), kind)

    def map(self, key: Typed, value: Typed, kind: str) -> Typed:
        """A list of pairs, which is a Map or an object in the code."""
        shape: Shape = {"kind": "map", "as": kind, "key": key.shape, "value": value.shape}
        return Typed(List(Tuple((key.type, value.type))), shape)

    def _tuple(self, node: Node, place: Place) -> Typed:
        parts: list[Typed] = []
        for each in node.named_children:
            if each.type in ("optional_type", "optional_parameter", "rest_type") or "rest" in each.type:
                raise self.scope.refused(each, "a tuple has all its elements", "Write T | null, or T[]")
            inner = each.child_by_field_name("type") if each.type == "required_parameter" else each
            if inner is None or text(each).startswith("..."):
                raise self.scope.refused(each, "a tuple has all its elements", "Write T[]")
            parts.append(self.of(inner, place))
        if not parts:
            raise self.scope.refused(node, "an empty tuple carries nothing", "Leave it out")
        shape: Shape = {"kind": "tuple", "of": [part.shape for part in parts]}
        return Typed(Tuple(tuple(part.type for part in parts)), shape)


def _list(inner: Typed, kind: str = "list") -> Typed:
    return Typed(List(inner.type), {"kind": kind, "of": inner.shape})


def _shown(node: Node) -> str:
    shown = " ".join(text(node).split())
    return shown if len(shown) <= 60 else f"{shown[:59]}…"
