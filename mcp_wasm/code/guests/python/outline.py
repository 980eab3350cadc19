"""What a program does at its top level, read from its syntax: where its value comes from."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def take_last(tree: ast.Module, *, guarded: bool) -> ast.Expression | None:
    """Take the last expression off ``tree``; None where the last statement is no expression.

    With ``guarded``, ``if __name__ == "__main__":`` at the end is taken for what is
    in it, which is what the program would run.
    """
    body = tree.body
    while guarded and body and _is_guard(body[-1]):
        last = body.pop()
        assert isinstance(last, ast.If)
        body.extend(last.body)
    if not body or not isinstance(body[-1], ast.Expr):
        return None
    last = body.pop()
    assert isinstance(last, ast.Expr)
    return ast.Expression(last.value)


def wants_main_called(tree: ast.Module) -> bool:
    """Whether the program defines ``main`` and leaves it to us to call it."""
    defined = any(
        isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.name == "main"
        for each in tree.body
    )
    return defined and not any(_is_name(each, "main", ast.Load) for each in _top_level(tree))


def assigns(tree: ast.Module, name: str) -> bool:
    """Whether the program gives the variable ``name`` a value at its top level."""
    return any(
        _is_name(each, name, ast.Store)
        or (isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and each.name == name)
        or (isinstance(each, ast.alias) and (each.asname or each.name) == name)
        for each in _top_level(tree)
    )


def _top_level(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that is not inside a function or a class."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))


def _is_name(node: ast.AST, name: str, context: type[ast.expr_context]) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, context)


def _is_guard(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.If) or statement.orelse:
        return False
    match statement.test:
        case ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]):
            return True
        case ast.Compare(ast.Constant("__main__"), [ast.Eq()], [ast.Name("__name__")]):
            return True
    return False
