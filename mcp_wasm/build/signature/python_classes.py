"""Classes of Python as WIT types: enums, flags, and records of dataclass, NamedTuple and TypedDict."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mcp_wasm.build.signature.docstrings import cut, one_line, read, with_default
from mcp_wasm.build.signature.names import kebab
from mcp_wasm.build.signature.python_scope import Scope, constant, shown
from mcp_wasm.build.signature.python_table import Place, Typed
from mcp_wasm.build.signature.python_types import Annotations
from mcp_wasm.component.types import Enum, Field, Flags, Record, Type

_ENUMS = frozenset(f"enum.{name}" for name in ("Enum", "IntEnum", "StrEnum"))
_FLAGS = frozenset(f"enum.{name}" for name in ("Flag", "IntFlag"))
_NAMED_TUPLES = frozenset(("typing.NamedTuple",))
_TYPED_DICTS = frozenset(("typing.TypedDict", "typing_extensions.TypedDict"))
_DATACLASS = frozenset(("dataclasses.dataclass",))
_PLAIN_BASES = frozenset(("builtins.object", "builtins.str", "builtins.int", "abc.ABC"))
_MOST_BITS = 32
_DEEPEST = 20


def declare(annotations: Annotations, node: ast.ClassDef) -> Type:
    """The type of the class ``node``.

    Raises:
        SignatureRefused: it is none of the kinds that have a WIT type.
    """
    scope = annotations.scope
    wanted = kebab(node.name)
    if wanted is None:
        raise scope.refused(node, f"`{node.name}` cannot be a name in WIT", "Begin it with a letter of ASCII")
    bases = _bases(scope, node)
    # Taken before its parts, so that the class has its own name and what is inside another.
    name = annotations.taken.free(wanted)
    if bases & (_ENUMS | _FLAGS):
        return _enum(scope, node, name, flags=bool(bases & _FLAGS))
    if bases & _TYPED_DICTS:
        return _record(annotations, node, name, _Kind(typed_dict=True))
    if bases & _NAMED_TUPLES or _is_dataclass(scope, node):
        return _record(annotations, node, name, _Kind())
    annotated = any(isinstance(each, ast.AnnAssign) for each in node.body)
    hint = (
        "Put @dataclass before it" if annotated else "Write a dataclass, a NamedTuple, a TypedDict or an Enum"
    )
    raise scope.refused(node, f"`{node.name}` is a class without declared fields", hint)


def _bases(scope: Scope, node: ast.ClassDef, depth: int = 0) -> set[str]:
    """The full names of all base classes that are not of this source."""
    if depth > _DEEPEST:
        raise scope.refused(node, f"`{node.name}` has more than {_DEEPEST} base classes above each other")
    found: set[str] = set()
    for base in node.bases:
        full = scope.full_name(base)
        if isinstance(full, ast.ClassDef):
            found |= _bases(scope, full, depth + 1)
        elif isinstance(full, str):
            found.add(full)
        else:
            hint = "Use base classes of this source, or none"
            raise scope.refused(base, f"nothing is known of the base class `{shown(base)}`", hint)
    return found


def _is_dataclass(scope: Scope, node: ast.ClassDef) -> bool:
    return any(
        scope.full_name(each.func if isinstance(each, ast.Call) else each) in _DATACLASS
        for each in node.decorator_list
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """What decides which fields are there; fields of a TypedDict may be absent."""

    typed_dict: bool = False


@dataclass(frozen=True, slots=True)
class _Field:
    node: ast.AnnAssign
    name: str
    typed: Typed
    default: bool
    docs: str


def _record(annotations: Annotations, node: ast.ClassDef, name: str, kind: _Kind) -> Record:
    scope = annotations.scope
    known = _DATACLASS | _NAMED_TUPLES | _TYPED_DICTS | _PLAIN_BASES | {"typing.Protocol"}
    if unknown := sorted(_bases(scope, node) - known):
        hint = "Use base classes of this source, or none"
        raise scope.refused(
            node,
            f"the base class {unknown[0].removeprefix('builtins.')} of `{node.name}` may have fields",
            hint,
        )
    fields: dict[str, _Field] = {}
    for each in _fields(annotations, node, name, kind):
        fields[each.name] = each
    if not fields:
        raise scope.refused(
            node, f"`{node.name}` has no fields", "Give it fields with types, or leave it out"
        )
    wit: dict[str, Field] = {}
    for each in fields.values():
        label = kebab(each.name)
        if label is None:
            raise scope.refused(
                each.node, f"`{each.name}` cannot be a name in WIT", "Begin it with a letter of ASCII"
            )
        if label in wit:
            raise scope.refused(each.node, f"two fields of `{node.name}` are `{label}` in WIT", "Rename one")
        type_ = each.typed.optional if each.default else each.typed.type
        wit[label] = Field(label, type_, each.docs)
    docs = read(ast.get_docstring(node))
    return Record(tuple(wit.values()), name, cut(docs.text, 0))


def _fields(annotations: Annotations, node: ast.ClassDef, name: str, kind: _Kind) -> Iterator[_Field]:
    """The fields of ``node`` after those of its bases."""
    scope = annotations.scope
    for base in node.bases:
        inherited = scope.full_name(base)
        if isinstance(inherited, ast.ClassDef):
            yield from _fields(annotations, inherited, name, kind)
    docs = read(ast.get_docstring(node))
    partial = any(
        k.arg == "total" and isinstance(k.value, ast.Constant) and k.value.value is False
        for k in node.keywords
    )
    for index, item in enumerate(node.body):
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        field = item.target.id
        head = _head(scope, item.annotation)
        if head in ("ClassVar", "KW_ONLY"):
            continue
        if head == "InitVar":
            raise scope.refused(
                item, f"`{field}` is an InitVar, which a result would not have", "Make it a field"
            )
        if _not_in_init(item.value):
            hint = "Make it a property, or compute it in a function"
            raise scope.refused(item, f"`{field}` cannot be given, because of init=False", hint)
        typed = annotations.of(item.annotation, Place(f"{name}-{kebab(field) or 'field'}"))
        absent = (partial or head == "NotRequired") and head != "Required" if kind.typed_dict else False
        said = docs.params.get(field) or _text_after(node.body, index) or typed.note
        said = with_default(said, constant(item.value))
        yield _Field(
            item, field, typed, absent or (item.value is not None and _has_default(item.value)), said
        )


def _head(scope: Scope, node: ast.expr) -> str:
    full = scope.full_name(node.value if isinstance(node, ast.Subscript) else node)
    return full.rpartition(".")[2] if isinstance(full, str) else ""


def _has_default(value: ast.expr) -> bool:
    if isinstance(value, ast.Call) and _called(value) == "field":
        return any(k.arg in ("default", "default_factory") for k in value.keywords)
    return True


def _not_in_init(value: ast.expr | None) -> bool:
    return (
        isinstance(value, ast.Call)
        and _called(value) == "field"
        and any(
            k.arg == "init" and isinstance(k.value, ast.Constant) and k.value.value is False
            for k in value.keywords
        )
    )


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _text_after(body: list[ast.stmt], index: int) -> str:
    """The text that stands below a field or a member, as some write its docs."""
    match body[index + 1 : index + 2]:
        case [ast.Expr(value=ast.Constant(value=str() as text))]:
            return one_line(text)
        case _:
            return ""


def _enum(scope: Scope, node: ast.ClassDef, name: str, *, flags: bool) -> Enum | Flags:
    docs = read(ast.get_docstring(node))
    members = _bits(scope, node) if flags else list(_members(node))
    if not members:
        raise scope.refused(node, f"`{node.name}` has no members", 'Write members such as RED = "red"')
    cases: dict[str, str] = {}
    for member in members:
        case = kebab(member.value) if isinstance(member.value, str) and not flags else None
        case = case or kebab(member.name)
        if case is None:
            raise scope.refused(
                member.node, f"`{member.name}` cannot be a name in WIT", "Begin it with a letter of ASCII"
            )
        if case in cases:
            raise scope.refused(
                member.node, f"two members of `{node.name}` are `{case}` in WIT", "Rename one"
            )
        cases[case] = docs.params.get(member.name) or member.docs
    texts = tuple(cases.values()) if any(cases.values()) else ()
    if flags:
        if len(cases) > _MOST_BITS:
            raise scope.refused(
                node, f"`{node.name}` has more than {_MOST_BITS} members", "Take a list of an Enum"
            )
        return Flags(tuple(cases), name, cut(docs.text, 0), texts)
    return Enum(tuple(cases), name, cut(docs.text, 0), texts)


@dataclass(frozen=True, slots=True)
class _Member:
    node: ast.stmt
    name: str
    value: object
    docs: str


def _members(node: ast.ClassDef) -> Iterator[_Member]:
    """The members in order; one with the value of an earlier one is only another name of that."""
    seen: set[object] = set()
    for index, item in enumerate(node.body):
        match item:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if not name.startswith("_"):
                known = value.value if isinstance(value, ast.Constant) else None
                if isinstance(value, ast.Name) and value.id in {
                    each for each in seen if isinstance(each, str)
                }:
                    continue
                key = (type(known), known) if known is not None else ast.dump(value) + name
                if key in seen:
                    continue
                seen.add(key)
                yield _Member(item, name, known, _text_after(node.body, index))


def _bits(scope: Scope, node: ast.ClassDef) -> list[_Member]:
    """The members of one bit each; names of several bits, or of none, are not flags of their own."""
    values: dict[str, int] = {}
    found: list[_Member] = []
    for member in _members(node):
        assert isinstance(member.node, ast.Assign)
        number = _number(scope, member.node.value, values)
        if number is None:
            hint = "Write auto(), or a number with one bit"
            raise scope.refused(member.node, f"the value of `{member.name}` cannot be read", hint)
        if number > 0 and number.bit_count() == 1 and number not in values.values():
            found.append(replace(member, value=number))
        values[member.name] = number
    return sorted(found, key=lambda each: list(values.values()).index(int(str(each.value))))


def _number(scope: Scope, node: ast.expr, known: dict[str, int]) -> int | None:
    match node:
        case ast.Constant(value=int() as number) if 0 <= number < 2**64:
            return number
        case ast.Call(func=func, args=[]) if scope.full_name(func) == "enum.auto":
            return 1 << max((n.bit_length() for n in known.values()), default=0)
        case ast.Name(id=name):
            return known.get(name)
        case ast.BinOp(left=left, op=op, right=right):
            first, second = _number(scope, left, known), _number(scope, right, known)
            if first is None or second is None:
                return None
            match op:
                case ast.BitOr():
                    return first | second
                case ast.LShift() if second < 64:
                    return first << second
    return None
