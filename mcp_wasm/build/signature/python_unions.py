"""Unions, Optional and Literal of Python: an option, an enum, or a variant with a case for each type."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_wasm.build.signature.names import kebab
from mcp_wasm.build.signature.python_scope import shown
from mcp_wasm.build.signature.python_table import F64, TYPING, Place, Typed
from mcp_wasm.component.types import Case, Enum, Variant

if TYPE_CHECKING:
    from mcp_wasm.build.signature.python_types import Annotations


def union(into: Annotations, node: ast.expr, members: Sequence[ast.expr], place: Place) -> Typed:
    """The type of a union; ``Literal`` is a union of its texts.

    An option where None is among the members. Of the others: the only one, an
    enum where all are texts, or a variant, whose last case is for texts.

    Raises:
        SignatureRefused: a member has no type, or none that can be told from the others.
    """
    plain, literals, optional = _members(into, members)
    types = [(member, into.of(member, place)) for member in plain]
    if literals:
        enum = _enum(into, node, list(dict.fromkeys(literals)), place)
        types.append((ast.copy_location(ast.Name("literal"), node), Typed(enum)))
    full = [into.scope.full_name(member) for member in plain]
    if len(types) == 2 and {"builtins.int", "builtins.float"} == {
        each for each in full if isinstance(each, str)
    }:
        # PEP 484: where a float is expected an int is taken, so the union says no more than float.
        types = [(node, Typed(F64))]
    if not types:
        raise into.scope.refused(
            node, "None alone is no type of a value", "Leave it out, or write Optional[T]"
        )
    whole = types[0][1] if len(types) == 1 else Typed(_variant(into, node, types, place))
    return replace(whole, type=whole.optional) if optional else whole


def either(node: ast.BinOp) -> list[ast.expr]:
    """The members of ``A | B | …``."""
    parts: list[ast.expr] = []
    current: ast.expr = node
    while isinstance(current, ast.BinOp) and isinstance(current.op, ast.BitOr):
        parts.append(current.right)
        current = current.left
    return [current, *reversed(parts)]


def _members(into: Annotations, members: Sequence[ast.expr]) -> tuple[list[ast.expr], list[str], bool]:
    """Types, texts of ``Literal`` and whether None is among them; unions inside are taken apart."""
    others = [member for member in members if not _is_none(member)]
    if len(others) == 1 and isinstance(others[0], ast.Name):
        # One name and None: what it stands for keeps that name.
        return others, [], len(members) > 1
    plain: dict[str, ast.expr] = {}
    literals: list[str] = []
    optional = False
    waiting: list[ast.expr | str] = list(reversed(members))
    while waiting:
        into.count(members[0])
        member = waiting.pop()
        if isinstance(member, str):
            literals.append(member)
        elif (inside := _inside(into, member)) is not None:
            waiting += reversed(inside)
        elif _is_none(member):
            optional = True
        else:
            plain.setdefault(ast.dump(member), member)
    return list(plain.values()), literals, optional


def _inside(into: Annotations, member: ast.expr) -> Sequence[ast.expr | str] | None:
    """What stands in a member that is a union, a Literal or an alias; None for any other type."""
    match member:
        case ast.BinOp(op=ast.BitOr()):
            return either(member)
        case ast.Constant(value=str() as text):
            return [into.quoted(member, text)]
        case ast.Name() if isinstance(target := into.scope.full_name(member), ast.expr):
            return None if isinstance(target, ast.Call) else [target]
        case ast.Subscript(value=value, slice=inner):
            full = into.scope.full_name(value)
            parts = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
            match full.rpartition(".")[2] if isinstance(full, str) and full.startswith(TYPING) else "":
                case "Union":
                    return parts
                case "Optional":
                    return [*parts, ast.copy_location(ast.Constant(None), member)]
                case "Literal":
                    return [_literal(into, part) for part in parts]
    return None


def _literal(into: Annotations, node: ast.expr) -> ast.expr | str:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Constant(value=None):
            return node
        case _:
            hint = 'Write Literal["one", "two"], or the type of the values, such as int'
            raise into.scope.refused(node, f"`{shown(node)}` in Literal is no string", hint)


def _enum(into: Annotations, node: ast.expr, texts: list[str], place: Place) -> Enum:
    cases: dict[str, str] = {}
    for text in texts:
        case = kebab(text)
        if case is None:
            hint = "Begin it with a letter and use letters, digits and hyphens, or take a str"
            raise into.scope.refused(node, f"{text!r:.80} cannot be the name of a case", hint)
        if case in cases:
            reason = f"{text!r} and {cases[case]!r} are both `{case}` in WIT"
            raise into.scope.refused(node, reason, "Rename one")
        cases[case] = text
    return into.enum(tuple(cases), place.name)


def _variant(into: Annotations, node: ast.expr, types: list[tuple[ast.expr, Typed]], place: Place) -> Variant:
    short = [kebab(shown(_head(member))) or "" for member, _ in types]
    names = [
        name if short.count(name) == 1 else kebab(shown(member)) or ""
        for (member, _), name in zip(types, short, strict=True)
    ]
    for (member, _), name in zip(types, names, strict=True):
        if not name or names.count(name) > 1:
            hint = "Give the types of the union different names, as dataclasses do"
            raise into.scope.refused(node, f"`{shown(member)}` has no name of its own in the union", hint)
    cases = tuple(Case(name, each.type, each.note) for name, (_, each) in zip(names, types, strict=True))
    return Variant(cases, into.taken.free(place.name))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _head(node: ast.expr) -> ast.expr:
    match node:
        case ast.Subscript(value=value):
            return _head(value)
        case ast.Attribute(attr=attr):
            return ast.Name(attr)
        case _:
            return node
