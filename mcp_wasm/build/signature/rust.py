"""The signature of a Rust source: its public functions of the top level, by their own types.

The source is parsed and never compiled for this. Whole parameters may be
borrowed (``&str``, ``&[T]``, ``&T``); comments of three slashes are the docs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from mcp_wasm.build.signature import tree
from mcp_wasm.build.signature.compiled import MOST_FUNCTIONS, Source, distinct, function, nothing, source
from mcp_wasm.build.signature.model import Exact, Signature
from mcp_wasm.build.signature.names import world as world_name
from mcp_wasm.build.signature.rust_types import Made, Types
from mcp_wasm.build.signature.tree import text
from mcp_wasm.component.types import List, Primitive, Type

if TYPE_CHECKING:
    from tree_sitter import Language, Node

_TYPES = frozenset(("struct_item", "enum_item", "type_item", "union_item"))
_EXAMPLE = "Write one such as pub fn add(a: i32, b: i32) -> i32 { … }"


@dataclass(frozen=True, slots=True)
class Passed:
    """How an argument is passed: ``type`` as the code writes what is made of it, ``borrowed`` or not."""

    type: str
    borrowed: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A source as it was read: ``passed`` has the arguments of each function, ``made`` its own types."""

    signature: Signature
    functions: tuple[Exact, ...]
    passed: tuple[tuple[Passed, ...], ...]
    made: tuple[Made, ...]


def read(code: str, *, world: str = "script", file: str = "code.rs") -> Read:
    """What ``code`` publishes.

    Raises:
        SignatureRefused: with the line and what to write instead.
    """
    found = _parsed(code, file)
    docs = _documented(found.root)
    items = {text(n.child_by_field_name("name")): n for n in found.root.named_children if n.type in _TYPES}
    chosen = [each for each in found.root.named_children if _is_public(each)]
    if not chosen:
        raise nothing(found, _EXAMPLE)
    if len(chosen) > MOST_FUNCTIONS:
        raise found.refused(chosen[MOST_FUNCTIONS], f"there are more than {MOST_FUNCTIONS} functions")
    labels = [(found.name(_name(each)), _name(each)) for each in chosen]
    distinct(found, labels, "functions")
    for label, _ in labels:
        found.parts.taken.free(label)
    types = Types(found, items, docs)
    made = [_function(found, types, each, docs.get(each.start_byte, "")) for each in chosen]
    functions = tuple(exact for exact, _ in made)
    signature = Signature(world_name(world), functions)
    return Read(signature, functions, tuple(passed for _, passed in made), tuple(types.made.values()))


def _function(found: Source, types: Types, node: Node, docs: str) -> tuple[Exact, tuple[Passed, ...]]:
    name = _name(node)
    _refuse_special(found, node, text(name))
    parameters: list[tuple[Node, Type]] = []
    passed: list[Passed] = []
    inside = node.child_by_field_name("parameters")
    for each in inside.named_children if inside is not None else []:
        if each.type != "parameter":
            continue
        label, type_ = each.child_by_field_name("pattern"), each.child_by_field_name("type")
        if label is not None and label.type == "mut_pattern":
            label = label.named_children[-1]
        if label is None or type_ is None or label.type != "identifier":
            raise found.refused(each, "a parameter has no name", "Give it one, and take it apart inside")
        wit, how = _argument(types, type_)
        parameters.append((label, wit))
        passed.append(how)
    result = node.child_by_field_name("return_type")
    given = None if result is None or text(result).replace(" ", "") == "()" else types.of(result, result=True)
    return function(found, name, parameters, given, docs), tuple(passed)


def _argument(types: Types, node: Node) -> tuple[Type, Passed]:
    if node.type != "reference_type" or any(each.type == "mutable_specifier" for each in node.children):
        return types.of(node), Passed(text(node), borrowed=False)
    inner = node.child_by_field_name("type")
    assert inner is not None
    if text(inner) == "str":
        return Primitive("string"), Passed("String", borrowed=True)
    element = inner.child_by_field_name("element")
    if inner.type == "array_type" and element is not None and inner.child_by_field_name("length") is None:
        return List(types.of(element)), Passed(f"Vec<{text(element)}>", borrowed=True)
    return types.of(inner), Passed(text(inner), borrowed=True)


def _refuse_special(found: Source, node: Node, name: str) -> None:
    if node.child_by_field_name("type_parameters") is not None:
        raise found.refused(_name(node), f"`{name}` is generic", "Write a function without type parameters")
    modifiers = next((each for each in node.children if each.type == "function_modifiers"), None)
    said = text(modifiers).split()
    for word in ("async", "unsafe", "extern"):
        if word in said:
            reason = f"`{name}` is {word}, and is called by code that is not"
            raise found.refused(_name(node), reason, "Make it a plain function")


def _is_public(node: Node) -> bool:
    if node.type != "function_item" or text(_name(node)).startswith("_"):
        return False
    return any(each.type == "visibility_modifier" and text(each) == "pub" for each in node.children)


def _name(node: Node) -> Node:
    return node.child_by_field_name("name") or node


def _documented(root: Node) -> dict[int, str]:
    """The docs of items, fields and cases by where these begin."""
    found: dict[int, str] = {}
    waiting = [root]
    while waiting:
        said: list[str] = []
        for each in waiting.pop().named_children:
            if each.type == "line_comment" and text(each).startswith("///"):
                said.append(text(each)[3:].strip("\n\r").removeprefix(" "))
            elif each.type == "block_comment" and text(each).startswith("/**"):
                lines = text(each)[3:-2].strip().split("\n")
                said.append("\n".join(line.strip().removeprefix("*").removeprefix(" ") for line in lines))
            elif each.type not in ("attribute_item", "line_comment", "block_comment"):
                found[each.start_byte] = "\n".join(said)
                said = []
                body = each.child_by_field_name("body")
                if body is not None and each.type in _TYPES | {"enum_variant"}:
                    waiting.append(body)
    return found


def _parsed(code: str, file: str) -> Source:
    from tree_sitter import Parser  # a native library, which few need

    content = tree.content(code, file)
    return source(
        file, content, tree.parsed(content, file, Parser(_language())), ("block", "macro_invocation")
    )


@cache
def _language() -> Language:
    import tree_sitter_rust  # as above
    from tree_sitter import Language

    return Language(tree_sitter_rust.language())
