"""What type hints of Python say of values: the parts of generics, the members of unions, the cases of enums.

As the signature is read when a tool is made: cases are named by the texts of an
Enum or a Literal, a union's members stand in the order of the variant's cases.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import operator
import re
import types
import typing
from typing import Any

_LONGEST = 64
_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WRAPPERS = (typing.Final, typing.ClassVar, typing.Required, typing.NotRequired, typing.ReadOnly)


def kebab(name: str) -> str:
    """A name of Python as WIT has it; empty where it cannot be one."""
    if any(char.isalnum() and not char.isascii() for char in name):
        return ""
    plain = re.sub(r"[^a-z0-9]+", "-", _HUMPS.sub("-", name).lower()).strip("-")
    return plain if len(plain) <= _LONGEST and _KEBAB.fullmatch(plain) else ""


def of(function: Any) -> dict[str, Any]:
    """The type hints of a function or class; none where they name what is not there."""
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        return {}


def bare(hint: Any) -> Any:
    """A hint without what says nothing of the value: aliases, ``Final``, ``NewType``."""
    while True:
        if isinstance(hint, typing.TypeAliasType):
            hint = hint.__value__
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif typing.get_origin(hint) in (*_WRAPPERS, typing.Annotated):
            hint = typing.get_args(hint)[0]
        else:
            return hint


def element(hint: Any) -> Any:
    """The hint of what is in a collection."""
    parts = typing.get_args(hint)
    return parts[0] if parts else None


def parts(hint: Any, count: int) -> tuple[Any, ...]:
    """The ``count`` parts of a generic hint, each None where it has another number of them."""
    parts = typing.get_args(hint)
    return parts if len(parts) == count else (None,) * count


def is_record(hint: Any) -> bool:
    """Whether it is a dataclass, a TypedDict or a NamedTuple."""
    return dataclasses.is_dataclass(hint) or typing.is_typeddict(hint) or hasattr(hint, "_fields")


def optional_fields(hint: Any) -> frozenset[str]:
    """The fields that may be left out when a value is made."""
    if typing.is_typeddict(hint):
        return hint.__optional_keys__
    if not dataclasses.is_dataclass(hint):
        return frozenset(hint._field_defaults)
    missing = dataclasses.MISSING
    fields = dataclasses.fields(hint)
    return frozenset(f.name for f in fields if f.default is not missing or f.default_factory is not missing)


def cases(hint: Any) -> dict[str, Any]:
    """The values of an Enum or a Literal by the names of their cases."""
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {label(member): member for member in hint}
    return {kebab(text): text for text in _literals(hint)}


def label(member: enum.Enum) -> str:
    """The name of a member's case: its value where that is a text fit for it, else its own."""
    return (kebab(member.value) if isinstance(member.value, str) else "") or kebab(member.name)


def _literals(hint: Any) -> list[str]:
    """The texts of a Literal, also where several stand in one union."""
    found = []
    for each in flat(hint):
        if typing.get_origin(each) is typing.Literal:
            found += [text for text in typing.get_args(each) if isinstance(text, str)]
    return found


def flat(hint: Any) -> list[Any]:
    """The members of a union, unions inside taken apart; None left out."""
    hint = bare(hint)
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return [] if hint in (None, type(None)) else [hint]
    return [each for member in typing.get_args(hint) for each in flat(member)]


def without_none(hint: Any) -> Any:
    """An optional hint without None."""
    return _union(flat(hint))


def members(hint: Any) -> list[Any]:
    """The members of a union in the order of the variant's cases: texts of Literals are one, the last."""
    found = list(dict.fromkeys(flat(hint)))
    literals = [each for each in found if typing.get_origin(each) is typing.Literal]
    others = [each for each in found if each not in literals]
    return [*others, _union(literals)] if literals else others


def _union(found: list[Any]) -> Any:
    return functools.reduce(operator.or_, found) if found else None
