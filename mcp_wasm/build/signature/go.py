"""The signature of a Go source: its functions with capital letters, or all where none has one.

The source is parsed and never compiled for this. A last result that is an
``error`` is the err of a result; the comment above a function is its docs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from mcp_wasm.build.signature import tree
from mcp_wasm.build.signature.compiled import MOST_FUNCTIONS, Source, distinct, function, nothing, source
from mcp_wasm.build.signature.go_types import Constant, Constants, Types
from mcp_wasm.build.signature.model import Exact, Signature
from mcp_wasm.build.signature.names import world as world_name
from mcp_wasm.build.signature.tree import text
from mcp_wasm.component.types import Primitive, Result, Type

if TYPE_CHECKING:
    from tree_sitter import Language, Node

_BODIES = ("block", "const_declaration", "var_declaration")
_EXAMPLE = "Write one such as func Add(a int, b int) int { … }"
_OWN = ("main", "init")


@dataclass(frozen=True, slots=True)
class Read:
    """A source as it was read: its own enums, and whether it has a ``main``."""

    signature: Signature
    functions: tuple[Exact, ...]
    enums: tuple[Constants, ...]
    has_main: bool


@dataclass(slots=True)
class _Top:
    """What the top level declares."""

    functions: list[Node] = field(default_factory=list)
    types: dict[str, Node] = field(default_factory=dict)
    constants: dict[str, list[Constant]] = field(default_factory=dict)
    docs: dict[int, str] = field(default_factory=dict)


def read(code: str, *, world: str = "script", file: str = "code.go") -> Read:
    """What ``code`` publishes.

    Raises:
        SignatureRefused: with the line and what to write instead.
    """
    found = _parsed(code, file)
    _check_package(found)
    top = _top(found.root)
    every = {text(_name(each)): each for each in top.functions}
    public = [each for name, each in every.items() if name[:1].isupper()]
    chosen = public or [each for name, each in every.items() if name not in _OWN and not name.startswith("_")]
    if not chosen:
        raise nothing(found, _EXAMPLE)
    if len(chosen) > MOST_FUNCTIONS:
        raise found.refused(chosen[MOST_FUNCTIONS], f"there are more than {MOST_FUNCTIONS} functions")
    labels = [(found.name(_name(each)), _name(each)) for each in chosen]
    distinct(found, labels, "functions")
    for label, _ in labels:
        found.parts.taken.free(label)
    types = Types(found, top.types, top.constants, top.docs)
    functions = tuple(_function(found, types, each, top.docs.get(each.start_byte, "")) for each in chosen)
    return Read(Signature(world_name(world), functions), functions, tuple(types.enums), "main" in every)


def _function(found: Source, types: Types, node: Node, docs: str) -> Exact:
    name = _name(node)
    if node.child_by_field_name("type_parameters") is not None:
        raise found.refused(name, f"`{text(name)}` is generic", "Write a function without type parameters")
    parameters: list[tuple[Node, Type]] = []
    inside = node.child_by_field_name("parameters")
    for each in inside.named_children if inside is not None else []:
        if each.type == "variadic_parameter_declaration":
            reason = f"`{text(name)}` takes any number of arguments"
            raise found.refused(each, reason, "Take one parameter that is a slice")
        type_ = each.child_by_field_name("type")
        labels = each.children_by_field_name("name")
        if each.type == "parameter_declaration" and type_ is not None:
            if not labels or any(text(label) == "_" for label in labels):
                raise found.refused(each, f"a parameter of `{text(name)}` has no name", "Give it one")
            parameters += [(label, types.of(type_)) for label in labels]
    return function(found, name, parameters, _result(found, types, node), docs)


def _result(found: Source, types: Types, node: Node) -> Type | None:
    result = node.child_by_field_name("result")
    if result is None:
        return None
    given = [result]
    if result.type == "parameter_list":
        given = []
        for each in result.named_children:
            type_ = each.child_by_field_name("type")
            if type_ is not None:
                given += [type_] * max(1, len(each.children_by_field_name("name")))
    fails = bool(given) and text(given[-1]) == "error"
    values = given[:-1] if fails else given
    if len(values) > 1:
        reason = f"`{text(_name(node))}` gives {len(values)} values"
        raise found.refused(result, reason, "Give one, such as a struct, and an error behind it")
    ok = types.of(values[0]) if values else None
    return Result(ok, Primitive("string")) if fails else ok


def _name(node: Node) -> Node:
    return node.child_by_field_name("name") or node


def _check_package(found: Source) -> None:
    clause = next((each for each in found.root.named_children if each.type == "package_clause"), None)
    if clause is None or text(clause.named_children[0]) != "main":
        said = "there is no package clause" if clause is None else f"the package is `{text(clause)[8:60]}`"
        raise found.refused(clause or found.root, said, "Write package main")


def _top(root: Node) -> _Top:
    top, said, until = _Top(), list[str](), -1
    for node in root.named_children:
        if node.type == "comment":
            said = said if node.start_point[0] == until + 1 else []
            said.append(_comment(text(node)))
            until = node.end_point[0]
            continue
        docs = "\n".join(said) if node.start_point[0] == until + 1 else ""
        said = []
        if node.type == "function_declaration":
            top.functions.append(node)
            top.docs[node.start_byte] = docs
        elif node.type == "type_declaration":
            _types(top, node, docs)
        elif node.type == "const_declaration":
            _constants(top, node)
    return top


def _types(top: _Top, node: Node, docs: str) -> None:
    said = docs
    for each in node.named_children:
        if each.type == "comment":
            said = _comment(text(each))
            continue
        top.types[text(_name(each))] = each
        top.docs[each.start_byte] = said
        said = ""
        inner = each.child_by_field_name("type")
        if inner is not None and inner.type == "struct_type" and inner.named_children:
            _fields(top, inner.named_children[0])


def _fields(top: _Top, fields: Node) -> None:
    """The docs of fields: the comment above, or behind on the same line."""
    last: Node | None = None
    above: list[str] = []
    for each in fields.named_children:
        if each.type != "comment":
            top.docs[each.start_byte] = "\n".join(above)
            last, above = each, []
        elif last is not None and last.end_point[0] == each.start_point[0]:
            top.docs[last.start_byte] = top.docs[last.start_byte] or _comment(text(each))
        else:
            above.append(_comment(text(each)))


def _constants(top: _Top, node: Node) -> None:
    """Constants by the named type that they say they have; in a group it holds on until another is said."""
    type_ = ""
    for each in node.named_children:
        if each.type != "const_spec":
            continue
        written, value = each.child_by_field_name("type"), each.child_by_field_name("value")
        if written is not None or value is not None:
            type_ = text(written)
        name = text(_name(each))
        if type_ and name != "_":
            plain = text(value)
            top.constants.setdefault(type_, []).append(
                Constant(name, plain[1:-1] if plain[:1] in ('"', "`") else None)
            )


def _comment(said: str) -> str:
    if said.startswith("//"):
        return "" if said.startswith(("//go:", "//export ")) else said[2:].removeprefix(" ").rstrip()
    return said[2:-2].strip()


def _parsed(code: str, file: str) -> Source:
    from tree_sitter import Parser  # a native library, which few need

    content = tree.content(code, file)
    return source(file, content, tree.parsed(content, file, Parser(_language())), _BODIES)


@cache
def _language() -> Language:
    import tree_sitter_go  # as above
    from tree_sitter import Language

    return Language(tree_sitter_go.language())
