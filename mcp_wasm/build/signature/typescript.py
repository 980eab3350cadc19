"""The signature of a TypeScript or JavaScript source: exported functions by their types or JSDoc.

The source is parsed and never executed. A parameter with a default, or an
optional one, is an option. Where a source exports no function, all functions
of its top level are taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_wasm.build.signature import jsdoc
from mcp_wasm.build.signature.docstrings import cut
from mcp_wasm.build.signature.model import Parameter, Published, Signature
from mcp_wasm.build.signature.names import Taken, kebab
from mcp_wasm.build.signature.names import world as world_name
from mcp_wasm.build.signature.tree import text
from mcp_wasm.build.signature.typescript_records import of_tag
from mcp_wasm.build.signature.typescript_scope import Declared, Scope, error_in, read
from mcp_wasm.build.signature.typescript_table import NOTHING, PROMISES, Place, Shape, Typed
from mcp_wasm.build.signature.typescript_types import Types
from mcp_wasm.component.schema import unpublishable
from mcp_wasm.component.types import Type
from mcp_wasm.errors import SignatureRefused

if TYPE_CHECKING:
    from tree_sitter import Node

MOST_FUNCTIONS = 100

_SHORT = re.compile(r"-?[\d.]+|true|false|\"[^\"\\\n]{0,60}\"|'[^'\\\n]{0,60}'")
_NAMED = "Begin it with a letter of ASCII"


def signature(
    source: str, *, world: str = "script", functions: Sequence[str] = (), file: str = "code.ts"
) -> Signature:
    """What ``source`` publishes: the functions named, or all exported ones with complete types.

    ``world`` is the name of the world; ``file`` is what errors call the source.

    Raises:
        SignatureRefused: with the line and what to write instead.
    """
    scope = read(source, file)
    chosen = _named(scope, functions) if functions else _public(scope)
    names: dict[str, str] = {}
    for code_name, declared in chosen.items():
        name = kebab(code_name)
        if name is None:
            raise scope.refused(declared.at, f"`{code_name}` cannot be a name in WIT", _NAMED)
        if name in names:
            reason = f"`{code_name}` and `{names[name]}` are both `{name}` in WIT"
            raise scope.refused(declared.at, reason, "Rename one")
        names[name] = code_name
    types = Types(scope, Taken(names))
    published = tuple(_Function(types, chosen[code], code, name).published() for name, code in names.items())
    return Signature(world_name(world), published)


def _known(scope: Scope) -> dict[str, Declared]:
    """The functions by the names that they are called by from outside."""
    inside = {name: scope.exported.get(name, name) for name in scope.functions}
    exported = {
        inside[name]: each
        for name, each in scope.functions.items()
        if each.exported or name in scope.exported
    }
    return exported or dict(scope.functions)


def _named(scope: Scope, wanted: Sequence[str]) -> dict[str, Declared]:
    known = _known(scope)
    for name in wanted:
        if name not in known:
            raise _absent(
                scope, f"there is no function `{name}`; there are: {', '.join(known)[:200] or 'none'}"
            )
        if name.startswith("_"):
            reason = f"`{name}` begins with an underscore: it is private"
            raise scope.refused(known[name].at, reason, "Rename it")
        if problem := _incomplete(scope, known[name]):
            raise problem
    return {name: known[name] for name in wanted}


def _public(scope: Scope) -> dict[str, Declared]:
    public = {name: each for name, each in _known(scope).items() if not name.startswith("_")}
    complete = {name: each for name, each in public.items() if _incomplete(scope, each) is None}
    if len(complete) > MOST_FUNCTIONS:
        at = list(complete.values())[MOST_FUNCTIONS].at
        hint = "Name those to publish, or export fewer"
        raise scope.refused(at, f"there are more than {MOST_FUNCTIONS} functions", hint)
    if not complete:
        for each in public.values():
            if problem := _incomplete(scope, each):
                raise problem
        raise _absent(scope, "there is no function at the top level")
    return complete


def _absent(scope: Scope, reason: str) -> SignatureRefused:
    """The refusal for want of a function: by the first error of the syntax, where there is one."""
    broken = error_in(scope.tree)
    if broken is not None:
        return scope.refused(broken, "SyntaxError: the source cannot be parsed from here on")
    hint = "Write one such as export function add(a: number, b: number): number { … }"
    return scope.refused(scope.tree, reason, hint)


def _incomplete(scope: Scope, declared: Declared) -> SignatureRefused | None:
    """The refusal of a function whose types are not complete, or None."""
    for each in _parameters(declared.node):
        name = _label(each)
        if each.child_by_field_name("type") is None and name is not None:
            tag = declared.comment.params.get(name)
            if tag is None or (tag.type is None and not tag.properties):
                hint = f"Write {name}: string, or another type; in JavaScript @param {{string}} {name}"
                return scope.refused(each, f"parameter `{name}` of `{declared.name}` has no type", hint)
    returns = declared.comment.returns
    typed = declared.node.child_by_field_name("return_type") is not None
    if not typed and (returns is None or returns.type is None):
        hint = "Write : string, or another type, or : void; in JavaScript @returns {string}"
        return scope.refused(declared.at, f"`{declared.name}` has no result type", hint)
    return None


def _parameters(node: Node) -> list[Node]:
    one = node.child_by_field_name("parameter")
    if one is not None:
        return [one]
    inside = node.child_by_field_name("parameters")
    return [] if inside is None else [each for each in inside.named_children if each.type != "comment"]


def _label(node: Node) -> str | None:
    """The name of a parameter; None for a pattern."""
    pattern = node.child_by_field_name("pattern") or node
    return text(pattern) if pattern.type == "identifier" else None


class _Function:
    """One function on its way to ``Published``."""

    def __init__(self, types: Types, declared: Declared, code_name: str, name: str) -> None:
        self._types, self._declared = types, declared
        self._scope, self._code_name, self._name = types.scope, code_name, name

    def published(self) -> Published:
        node, comment = self._declared.node, self._declared.comment
        if node.child_by_field_name("type_parameters") is not None:
            raise self._refused("is generic", "Write a function without type parameters")
        if "generator" in node.type:
            raise self._refused("is a generator", "Return an array")
        shapes: list[Shape] = []
        parameters: dict[str, Parameter] = {}
        for each in _parameters(node):
            made, shape = self._parameter(each)
            if made.name in parameters:
                reason = f"two parameters of `{self._code_name}` are `{made.name}` in WIT"
                raise self._scope.refused(each, reason, "Rename one")
            parameters[made.name] = made
            shapes.append(shape)
        result = self._result()
        said = cut(comment.text, sum(len(p.docs) + len(p.name) + 8 for p in parameters.values()))
        type_: Type | None = None if result is None else result.type
        line = self._declared.at.start_point[0] + 1
        published = Published(
            self._code_name, self._name, tuple(parameters.values()), type_, said, line,
            {"params": shapes, "result": {"kind": "nothing"} if result is None else result.shape},
        )  # fmt: skip
        if problem := unpublishable(published.function):
            raise self._refused(f"cannot be a tool: {problem}", "Make its types smaller")
        return published

    def _parameter(self, node: Node) -> tuple[Parameter, Shape]:
        code_name = _label(node)
        if code_name is None:
            return self._pattern(node)
        name = kebab(code_name) or ""
        if not name:
            raise self._scope.refused(node, f"`{code_name}` cannot be a name in WIT", _NAMED)
        tag = self._declared.comment.params.get(code_name, jsdoc.Tag(code_name, None, ""))
        written = node.child_by_field_name("type")
        place = f"{self._name}-{name}"
        typed = (
            of_tag(self._types, tag, node, place)
            if written is None
            else self._types.of(written, Place(place))
        )
        value = text(node.child_by_field_name("value")) or tag.default
        optional = node.type == "optional_parameter" or bool(value) or tag.optional
        typed = typed.optional() if optional else typed
        said = tag.text or typed.note
        if _SHORT.fullmatch(value):
            said = f"{said} Default: {value}.".strip()
        return Parameter(code_name, name, typed.type, optional, said), typed.shape

    def _pattern(self, node: Node) -> tuple[Parameter, Shape]:
        pattern = node.child_by_field_name("pattern") or node
        if pattern.type == "rest_pattern":
            reason = f"`{text(pattern)[:40]}` takes any number of arguments"
            raise self._scope.refused(node, reason, "Take one parameter that is an array")
        hint = "Give it a name, and take it apart inside"
        raise self._scope.refused(node, f"a parameter of `{self._code_name}` has no name", hint)

    def _result(self) -> Typed | None:
        node = self._declared.node.child_by_field_name("return_type")
        if node is None:
            returns = self._declared.comment.returns
            assert returns is not None
            assert returns.type is not None
            node = self._scope.parsed(returns.type)
        if node.type == "type_predicate_annotation":
            raise self._scope.refused(node, "a type predicate is no result type", "Write : boolean")
        while node.type in ("type_annotation", "parenthesized_type") or _promise(node):
            arguments = node.child_by_field_name("type_arguments")
            node = node.named_children[-1] if arguments is None else arguments.named_children[0]
        if text(node) in NOTHING:
            return None
        return self._types.of(node, Place(f"{self._name}-result"))

    def _refused(self, reason: str, hint: str) -> SignatureRefused:
        return self._scope.refused(self._declared.at, f"`{self._code_name}` {reason}", hint)


def _promise(node: Node) -> bool:
    return node.type == "generic_type" and text(node.child_by_field_name("name")) in PROMISES
