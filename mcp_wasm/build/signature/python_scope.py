"""The top level of a Python source: what each name stands for there. The code is read, never executed."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field

from mcp_wasm.errors import SignatureRefused

LARGEST = 512 * 1024
"""Bytes of a source that is read."""

Def = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class Scope:
    """A source that was read: its tree, and what its top-level names are bound to.

    A name is bound to the full name of what was imported (a str), to the node
    that defines it, or, for an alias of a type, to the expression.
    """

    file: str
    lines: list[str]
    tree: ast.Module
    names: dict[str, str | ast.AST] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    """Why a name cannot be used in an annotation although it is imported."""

    def functions(self) -> dict[str, Def]:
        """The functions of the top level by name, in order; of two with one name the last counts."""
        return {name: node for name, node in self.names.items() if isinstance(node, Def)}

    def full_name(self, node: ast.expr) -> str | ast.AST | None:
        """What ``node``, a name or a dotted name, stands for: see ``names``; None where nothing is known."""
        match node:
            case ast.Name(id=name):
                if name in self.names:
                    return self.names[name]
                return f"builtins.{name}" if hasattr(builtins, name) else None
            case ast.Attribute(value=value, attr=attr):
                inner = self.full_name(value)
                return f"{inner}.{attr}" if isinstance(inner, str) else None
            case _:
                return None

    def refused(self, node: ast.AST, reason: str, hint: str = "") -> SignatureRefused:
        """The refusal of what ``node`` says."""
        line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        # The tree counts bytes of UTF-8, and people count characters.
        before = self.lines[line - 1].encode()[:offset] if line <= len(self.lines) else b""
        return SignatureRefused(self.file, line, len(before.decode("utf-8", "replace")) + 1, reason, hint)


def read(source: str, file: str) -> Scope:
    """The scope of ``source``.

    Raises:
        SignatureRefused: it does not parse, or is larger than ``LARGEST``.
    """
    if len(source.encode("utf-8", "replace")) > LARGEST:
        raise SignatureRefused(file, 1, 1, f"the source is larger than {LARGEST // 1024} KiB")
    try:
        tree = ast.parse(source, file)
    except SyntaxError as error:
        reason = f"SyntaxError: {error.msg}"
        raise SignatureRefused(file, error.lineno or 1, error.offset or 1, reason) from None
    except (ValueError, RecursionError, MemoryError) as error:
        # Null characters, and expressions that nest thousands of levels deep.
        raise SignatureRefused(file, 1, 1, f"the source cannot be parsed: {error}") from None
    scope = Scope(file, source.split("\n"), tree)
    _bind(scope, tree.body)
    return scope


def _bind(scope: Scope, body: list[ast.stmt]) -> None:
    for node in body:
        match node:
            case ast.Import(names=names):
                for each in names:
                    # `import a.b` binds `a`.
                    package = each.name.partition(".")[0]
                    scope.names[each.asname or package] = each.name if each.asname else package
            case ast.ImportFrom(module=module, names=names, level=level):
                for each in names:
                    scope.names[each.asname or each.name] = f"{'.' * level}{module or ''}.{each.name}"
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                # The last definition counts, and stands where it is.
                scope.names.pop(name, None)
                scope.names[name] = node
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                scope.names[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                scope.names[name] = value
            case ast.If(test=test) if _type_checking(test):
                for name in _imported(node.body):
                    scope.unseen[name] = (
                        "is imported for type checkers only, and not there when the code runs"
                    )
                _bind(scope, node.orelse)
            case ast.If() | ast.Try() | ast.With():
                for inner in _bodies(node):
                    _bind(scope, inner)
            case _ if type(node).__name__ == "TypeAlias":
                # `type X = …` of Python 3.12, which the syntax tree of 3.11 does not know.
                scope.names[node.name.id] = node.value  # type: ignore[attr-defined]


def _bodies(node: ast.If | ast.Try | ast.With) -> Iterator[list[ast.stmt]]:
    yield node.body
    for handler in getattr(node, "handlers", ()):
        yield handler.body
    yield getattr(node, "orelse", [])
    yield getattr(node, "finalbody", [])


def _type_checking(test: ast.expr) -> bool:
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case _:
            return False


def _imported(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name.asname or name.name for name in node.names)


def shown(node: ast.AST) -> str:
    """``node`` as code, cut where it is long."""
    try:
        text = ast.unparse(node)
    except (ValueError, RecursionError):  # such as a number of more digits than Python writes
        return "this"
    return text if len(text) <= 60 else f"{text[:59]}…"


def constant(node: ast.expr | None) -> str | int | float | bool | None:
    """The text, number or truth value that ``node`` writes out; None for anything else."""
    match node:
        case ast.Constant(value=(str() | int() | float()) as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=(int() | float()) as value)):
            return -value
        case _:
            return None
