"""The signature of a Python source: its public functions by their type hints, its docstrings as docs.

The source is parsed and never executed. Enum members are named by their value
where that is a text fit for WIT, else by their own name. A parameter or a field
with a default is an option, and null takes the default.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from mcp_wasm.build.signature.docstrings import cut, read, with_default
from mcp_wasm.build.signature.model import Parameter, Published, Signature
from mcp_wasm.build.signature.names import Taken, kebab
from mcp_wasm.build.signature.names import world as world_name
from mcp_wasm.build.signature.python_classes import declare
from mcp_wasm.build.signature.python_scope import Def, Scope, constant
from mcp_wasm.build.signature.python_scope import read as read_scope
from mcp_wasm.build.signature.python_table import Place
from mcp_wasm.build.signature.python_types import Annotations
from mcp_wasm.component.schema import unpublishable
from mcp_wasm.component.types import Type
from mcp_wasm.errors import SignatureRefused

MOST_FUNCTIONS = 100


def signature(
    source: str, *, world: str = "script", functions: Sequence[str] = (), file: str = "code.py"
) -> Signature:
    """What ``source`` publishes: the functions named, or all public ones with complete type hints.

    ``world`` is the name of the world; ``file`` is what errors call the source.

    Raises:
        SignatureRefused: with the line and what to write instead.
    """
    try:
        return _signature(read_scope(source, file), world, functions)
    except RecursionError:
        raise SignatureRefused(file, 1, 1, "expressions nest too deep to be read") from None


def _signature(scope: Scope, world: str, wanted: Sequence[str]) -> Signature:
    chosen = _named(scope, wanted) if wanted else _public(scope)
    names: dict[str, str] = {}
    for node in chosen:
        name = kebab(node.name)
        if name is None:
            raise scope.refused(
                node, f"`{node.name}` cannot be a name in WIT", "Begin it with a letter of ASCII"
            )
        if name in names:
            raise scope.refused(
                node, f"`{node.name}` and `{names[name]}` are both `{name}` in WIT", "Rename one"
            )
        names[name] = node.name
    annotations = Annotations(scope, Taken(names), declare)
    published = tuple(_function(annotations, node, name) for node, name in zip(chosen, names, strict=True))
    return Signature(world_name(world), published, cut(read(ast.get_docstring(scope.tree)).text, 0))


def _named(scope: Scope, wanted: Sequence[str]) -> list[Def]:
    functions = scope.functions()
    for name in wanted:
        if name not in functions:
            listed = ", ".join(functions) or "none"
            reason = f"there is no function `{name}` at the top level; there are: {listed[:200]}"
            raise scope.refused(scope.tree, reason)
        if name.startswith("_"):
            raise scope.refused(
                functions[name], f"`{name}` begins with an underscore: it is private", "Rename it"
            )
        if problem := _incomplete(functions[name]):
            raise scope.refused(*problem)
    return [functions[name] for name in dict.fromkeys(wanted)]


def _public(scope: Scope) -> list[Def]:
    public = [node for name, node in scope.functions().items() if not name.startswith("_")]
    complete = [node for node in public if _incomplete(node) is None]
    if len(complete) > MOST_FUNCTIONS:
        hint = "Name those to publish, or begin the names of helpers with _"
        raise scope.refused(
            complete[MOST_FUNCTIONS], f"there are more than {MOST_FUNCTIONS} public functions", hint
        )
    if complete:
        return complete
    if public and (problem := _incomplete(public[0])):
        raise scope.refused(*problem)
    hint = "Write one with type hints, such as def add(a: int, b: int) -> int"
    raise scope.refused(scope.tree, "there is no public function at the top level", hint)


def _incomplete(node: Def) -> tuple[ast.AST, str, str] | None:
    """What is missing in the type hints of a function: where, what, and what to write."""
    for each in _parameters(node.args):
        if each.annotation is None:
            hint = f"Write {each.arg}: str, or another type"
            return each, f"parameter `{each.arg}` of `{node.name}` has no type", hint
    if node.returns is None:
        hint = "Write -> str, or another type; -> None for a function that returns nothing"
        return node, f"`{node.name}` has no result type", hint
    return None


def _function(annotations: Annotations, node: Def, name: str) -> Published:
    scope = annotations.scope
    for extra, stars in ((node.args.vararg, "*"), (node.args.kwarg, "**")):
        if extra is not None:
            hint = (
                f"Name the parameters, or take {extra.arg}: {'list[T]' if stars == '*' else 'dict[str, T]'}"
            )
            raise scope.refused(
                extra, f"`{stars}{extra.arg}` of `{node.name}` takes any number of arguments", hint
            )
    if getattr(node, "type_params", None):
        raise scope.refused(node, f"`{node.name}` is generic", "Write a function without type parameters")
    docs = read(ast.get_docstring(node))
    defaults = _defaults(node.args)
    parameters: dict[str, Parameter] = {}
    for each in _parameters(node.args):
        assert each.annotation is not None
        label = kebab(each.arg)
        if label is None:
            raise scope.refused(
                each, f"`{each.arg}` cannot be a name in WIT", "Begin it with a letter of ASCII"
            )
        if label in parameters:
            raise scope.refused(each, f"two parameters of `{node.name}` are `{label}` in WIT", "Rename one")
        typed = annotations.of(each.annotation, Place(f"{name}-{label}"))
        type_ = typed.optional if each.arg in defaults else typed.type
        said = with_default(docs.params.get(each.arg) or typed.note, constant(defaults.get(each.arg)))
        parameters[label] = Parameter(each.arg, label, type_, each.arg in defaults, said)
    assert node.returns is not None
    result: Type | None = None
    if not (isinstance(node.returns, ast.Constant) and node.returns.value is None):
        result = annotations.of(node.returns, Place(f"{name}-result", returned=True)).type
    text = cut(docs.text, sum(len(p.docs) + len(p.name) + 8 for p in parameters.values()))
    published = Published(node.name, name, tuple(parameters.values()), result, text, node.lineno)
    if reason := unpublishable(published.function):
        raise scope.refused(node, f"`{node.name}` cannot be a tool: {reason}", "Make its types smaller")
    return published


def _parameters(args: ast.arguments) -> list[ast.arg]:
    return [*args.posonlyargs, *args.args, *args.kwonlyargs]


def _defaults(args: ast.arguments) -> dict[str, ast.expr]:
    positional = [*args.posonlyargs, *args.args]
    with_default = positional[len(positional) - len(args.defaults) :]
    keywords = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    found = {each.arg: value for each, value in zip(with_default, args.defaults, strict=True)}
    return found | {each.arg: value for each, value in keywords if value is not None}
