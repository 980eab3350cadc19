"""Annotations of Python as WIT types; what has none is refused with what to write instead."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace

from mcp_wasm.build.signature import python_unions
from mcp_wasm.build.signature.docstrings import one_line
from mcp_wasm.build.signature.names import Taken, kebab
from mcp_wasm.build.signature.parts import DEEPEST, Parts
from mcp_wasm.build.signature.python_scope import Scope, shown
from mcp_wasm.build.signature.python_table import (
    ANYTHING,
    INSTEAD,
    ITERATORS,
    KNOWN,
    LISTS,
    MAPPINGS,
    SIMPLE,
    TUPLES,
    TYPING,
    Place,
    Typed,
    missing,
    written_out,
)
from mcp_wasm.component.types import List, Tuple, Type, Variant
from mcp_wasm.errors import SignatureRefused

Declare = Callable[["Annotations", ast.ClassDef], Type]


class Annotations(Parts[ast.expr]):
    """Makes types of the annotations of one source; ``declare`` does so with its classes."""

    def __init__(self, scope: Scope, taken: Taken, declare: Declare) -> None:
        super().__init__(scope, taken)
        self.scope = scope
        self._declare = declare
        self._classes: dict[str, Type] = {}
        self._aliases: dict[str, Typed] = {}

    def of(self, node: ast.expr, place: Place) -> Typed:
        """The type that ``node`` stands for; ``Option`` for what may be None.

        Raises:
            SignatureRefused: there is no WIT type for it.
        """
        self.count(node)
        if len(self._open) > DEEPEST:
            raise self.scope.refused(node, f"the type nests deeper than {DEEPEST} levels")
        self._open.append("")
        try:
            return self._of(node, place)
        finally:
            self._open.pop()

    def _of(self, node: ast.expr, place: Place) -> Typed:
        match node:
            case ast.Constant(value=str() as text):
                return self.of(self.quoted(node, text), place)
            case ast.BinOp(op=ast.BitOr()):
                return self._union(node, python_unions.either(node), place)
            case ast.Name() | ast.Attribute():
                return self._bare(node, place)
            case ast.Subscript(value=value, slice=inner):
                full = self.scope.full_name(value)
                parts = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
                return self._generic(node, full if isinstance(full, str) else "", parts, place)
            case ast.Constant(value=None):
                raise self.scope.refused(
                    node, "None alone is no type of a value", "Leave it out, or write Optional[T]"
                )
            case _:
                raise self.scope.refused(node, f"`{shown(node)}` is no type", KNOWN)

    def _bare(self, node: ast.expr, place: Place) -> Typed:
        full = self.scope.full_name(node)
        match full:
            case ast.ClassDef(name=name):
                return Typed(self._class(node, full, name))
            case ast.expr():
                return self._alias(node, full, place)
            case str() if full in SIMPLE:
                return Typed(*SIMPLE[full])
        raise self._refused(node, full if isinstance(full, str) else "")

    def _refused(self, node: ast.expr, full: str) -> SignatureRefused:
        said = shown(node)
        if full in ANYTHING:
            return self.scope.refused(node, f"`{said}` can be anything", KNOWN)
        if full in LISTS | ITERATORS:
            return self.scope.refused(
                node, f"`{said}` does not say what is in it", f"Write {said}[str], or another type"
            )
        if full in MAPPINGS:
            hint = f"Write {said}[str, int], a dataclass, or a TypedDict"
            return self.scope.refused(node, f"`{said}` does not say what is in it", hint)
        if full in TUPLES:
            hint = f"Write {said}[str, int], or {said}[str, ...]"
            return self.scope.refused(node, f"`{said}` does not say what is in it", hint)
        if full in INSTEAD:
            return self.scope.refused(node, f"`{said}` has no WIT type", INSTEAD[full])
        if isinstance(node, ast.Name) and node.id in self.scope.unseen:
            hint = "Import it outside of `if TYPE_CHECKING`"
            return self.scope.refused(node, f"`{said}` {self.scope.unseen[node.id]}", hint)
        if not full and isinstance(node, ast.Name) and node.id not in self.scope.names:
            return self.scope.refused(
                node, f"`{said}` is not defined at the top level of the source", missing(node.id)
            )
        return self.scope.refused(node, f"`{said}` has no WIT type", KNOWN)

    def _generic(self, node: ast.Subscript, full: str, parts: list[ast.expr], place: Place) -> Typed:
        short = full.rpartition(".")[2] if full.startswith(TYPING) else ""
        if full in LISTS:
            return Typed(List(self._only(node, parts, place)))
        if full in ITERATORS:
            if not place.returned:
                raise self.scope.refused(
                    node, f"`{shown(node)}` cannot be given", "Write list[T]; it may be returned"
                )
            return Typed(List(self.of(parts[0], place).type))
        if full in MAPPINGS:
            if len(parts) != 2:
                raise self.scope.refused(
                    node, f"`{shown(node)}` needs the types of keys and values", "Write dict[K, V]"
                )
            return Typed(List(Tuple(tuple(self.of(part, place).type for part in parts))))
        if full in TUPLES:
            return self._tuple(node, parts, place)
        match short:
            case "Optional":
                return self._union(node, [*parts, ast.copy_location(ast.Constant(None), node)], place)
            case "Union":
                return self._union(node, parts, place)
            case "Literal":
                return self._union(node, [node], place)
            case "Annotated":
                typed = self.of(parts[0], place)
                said = next(filter(None, map(_said, parts[1:])), "")
                return replace(typed, note=said or typed.note)
            case "Final" | "Required" | "NotRequired" | "ReadOnly":
                return self.of(parts[0], place)
        if isinstance(self.scope.full_name(node.value), ast.ClassDef):
            raise self.scope.refused(
                node, f"`{shown(node)}` is generic", "Write a class without type parameters"
            )
        raise self._refused(node.value, full)

    def _only(self, node: ast.expr, parts: list[ast.expr], place: Place) -> Type:
        if len(parts) != 1:
            raise self.scope.refused(node, f"`{shown(node)}` needs one type", "Write list[T]")
        return self.of(parts[0], place).type

    def _tuple(self, node: ast.expr, parts: list[ast.expr], place: Place) -> Typed:
        match parts:
            case [first, ast.Constant(value=value)] if value is ...:
                return Typed(List(self.of(first, place).type))
            case [] | [ast.Tuple(elts=[])]:
                raise self.scope.refused(node, "an empty tuple carries nothing", "Leave it out")
        return Typed(Tuple(tuple(self.of(part, place).type for part in parts)))

    def _union(self, node: ast.expr, members: Sequence[ast.expr], place: Place) -> Typed:
        return python_unions.union(self, node, members, place)

    def _class(self, node: ast.expr, definition: ast.ClassDef, name: str) -> Type:
        if name in self._open:
            raise self.scope.refused(
                node, f"`{name}` contains itself", "WIT has no recursive types: write a flat list"
            )
        if name not in self._classes:
            self._open.append(name)
            try:
                self._classes[name] = self._declare(self, definition)
            finally:
                self._open.pop()
        return self._classes[name]

    def _alias(self, node: ast.expr, target: ast.expr, place: Place) -> Typed:
        name = shown(node)
        if name in self._open:
            raise self.scope.refused(
                node, f"`{name}` contains itself", "WIT has no recursive types: write a flat list"
            )
        match target:
            case ast.Call(func=func, args=[_, base]) if self._short(func) == "NewType":
                target = base
            case ast.Call(func=func):
                raise self.scope.refused(
                    node, f"`{name}` is made by a call of {shown(func)}", written_out(shown(func))
                )
        if name in self._aliases:
            return self._aliases[name]
        self._open.append(name)
        try:
            typed = self.of(target, replace(place, name=kebab(name) or place.name))
        finally:
            self._open.pop()
        if isinstance(typed.type, Variant):
            # Only what WIT names is the same at each use; the rest is written out, and counted, each time.
            self._aliases[name] = typed
        return typed

    def _short(self, node: ast.expr) -> str:
        full = self.scope.full_name(node)
        return full.rpartition(".")[2] if isinstance(full, str) else ""

    def quoted(self, node: ast.expr, text: str) -> ast.expr:
        """The annotation that stands in a string, at the place of the string."""
        try:
            inner = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self.scope.refused(node, f"{text!r} is no type", KNOWN) from None
        for each in ast.walk(inner):
            ast.copy_location(each, node)
        return inner


def _said(node: ast.expr) -> str:
    """What a part of ``Annotated`` says: a text, or a call such as ``Field(description="…")``."""
    match node:
        case ast.Constant(value=str() as text) | ast.Call(args=[ast.Constant(value=str() as text)]):
            return one_line(text)
        case ast.Call(keywords=keywords):
            texts = [k.value for k in keywords if k.arg == "description"]
            return next(
                (
                    one_line(t.value)
                    for t in texts
                    if isinstance(t, ast.Constant) and isinstance(t.value, str)
                ),
                "",
            )
        case _:
            return ""
