"""The top level of a JavaScript or TypeScript source, as tree-sitter parses it: functions and types by name.

The source is never executed. The parser is loaded on first use: it is a native
library, and a server that publishes no such source needs none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from mcp_wasm.build.signature import jsdoc, tree
from mcp_wasm.build.signature.tree import text
from mcp_wasm.errors import SignatureRefused

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Parser

_BODIES = frozenset(("statement_block", "class_body"))
FUNCTIONS = frozenset(("function_declaration", "generator_function_declaration"))
VALUES = frozenset(("arrow_function", "function_expression", "generator_function"))
TYPES = frozenset(
    ("interface_declaration", "type_alias_declaration", "enum_declaration", "class_declaration")
)


@dataclass(frozen=True, slots=True)
class Declared:
    """A function of the top level: ``node`` holds its parameters, ``at`` is where its name stands."""

    name: str
    node: Node
    at: Node
    comment: jsdoc.Comment
    exported: bool


@dataclass(slots=True)
class Scope:
    """A source that was parsed, with what its top level declares."""

    file: str
    source: bytes
    tree: Node
    functions: dict[str, Declared] = field(default_factory=dict)
    types: dict[str, Node | jsdoc.Tag] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)
    """The names of exports, by the names that they export."""

    def refused(self, node: Node, reason: str, hint: str = "") -> SignatureRefused:
        """The refusal of what ``node`` says."""
        return tree.refused(self.file, self.source, node, reason, hint)

    def parsed(self, type_: jsdoc.TypeText) -> Node:
        """The type that a comment holds, at its own place.

        Raises:
            SignatureRefused: it is no type.
        """
        plain = _plain(type_.text)
        padded = f"{'type T = ':{max(type_.column, 9)}}" if type_.row == 0 else "type T ="
        if type_.row:
            padded += "\n" * type_.row + " " * type_.column
        root = _parsed(f"{padded}{plain}\n".encode(), self.file)
        alias = root.named_children[0] if root.named_children else root
        value = alias.child_by_field_name("value")
        if root.has_error or value is None:
            where = (self.file, type_.row + 1, type_.column + 1)
            raise SignatureRefused(
                *where, f"`{{{type_.text[:60]}}}` is no type", "Write a type as in TypeScript"
            )
        return value


def parser() -> Parser:
    """A parser of TypeScript, which takes JavaScript too, for one source on one thread."""
    from tree_sitter import Parser

    return Parser(_language())


@cache
def _language() -> Language:
    # Imported here, since it takes 15 ms and few need it.
    import tree_sitter_typescript
    from tree_sitter import Language

    return Language(tree_sitter_typescript.language_typescript())


def read(source: str, file: str) -> Scope:
    """The scope of ``source``.

    Raises:
        SignatureRefused: it is larger than ``tree.LARGEST``, or does not parse. Bodies of functions may
            hold what this parser does not know: that is for the engine to say.
    """
    content = tree.content(source, file)
    scope = Scope(file, content, _parsed(content, file))
    if broken := error_in(scope.tree, bodies=False):
        raise scope.refused(broken, "SyntaxError: the source cannot be parsed from here on")
    comment: Node | None = None
    for node in scope.tree.named_children:
        if node.type == "comment":
            comment = node
            _typedef(scope, node)
            continue
        _declare(scope, node, comment)
        comment = None
    return scope


def _parsed(content: bytes, file: str) -> Node:
    return tree.parsed(content, file, parser())


def comment_of(node: Node | None) -> jsdoc.Comment:
    """The JSDoc comment that ``node`` is, or an empty one."""
    if node is None or node.type != "comment":
        return jsdoc.Comment()
    return jsdoc.read(text(node), node.start_point[0], node.start_point[1])


def error_in(root: Node, *, bodies: bool = True) -> Node | None:
    """The first place where the source does not parse; not in the ``bodies`` of functions unless asked."""
    return tree.error_in(root, () if bodies else _BODIES)


def _declare(scope: Scope, node: Node, comment: Node | None) -> None:
    inner, exported = node, node.type == "export_statement"
    if exported:
        for name, alias in _clause(node):
            scope.exported[name] = alias
        inner = node.child_by_field_name("declaration") or node.child_by_field_name("value") or node
    if inner.type in FUNCTIONS | VALUES:
        _function(scope, inner.child_by_field_name("name"), inner, comment, exported)
    elif inner.type in ("lexical_declaration", "variable_declaration"):
        for each in inner.named_children:
            value = each.child_by_field_name("value")
            if value is not None and value.type in VALUES:
                _function(scope, each.child_by_field_name("name"), value, comment, exported)
    elif inner.type in TYPES:
        scope.types[text(inner.child_by_field_name("name"))] = inner


def _function(scope: Scope, name: Node | None, node: Node, comment: Node | None, exported: bool) -> None:
    if name is not None:
        scope.functions[text(name)] = Declared(text(name), node, name, comment_of(comment), exported)


def _clause(node: Node) -> Iterator[tuple[str, str]]:
    """What ``export { a, b as c }`` exports: local names with the names outside."""
    for clause in node.named_children:
        for each in clause.named_children if clause.type == "export_clause" else ():
            name, alias = text(each.child_by_field_name("name")), text(each.child_by_field_name("alias"))
            yield name, name if alias in ("", "default") else alias


def _typedef(scope: Scope, node: Node) -> None:
    typedef = comment_of(node).typedef
    if typedef is not None and typedef.name:
        scope.types[typedef.name] = typedef


def _plain(type_: str) -> str:
    """A type of JSDoc as TypeScript writes it: ``?T`` is ``T | null``, ``!T`` and ``T=`` are ``T``."""
    kept = type_.strip().removesuffix("=").removeprefix("!")
    if kept.startswith("?"):
        kept = f"({kept[1:]}) | null"
    return kept.replace("Array.<", "Array<").replace("Object.<", "Object<")
