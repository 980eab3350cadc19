"""Types by number: equal types, names and docs included, get the same number.

Types may share parts, so that a few nodes stand for a tree too large to walk
(a tuple of two equal tuples, forty deep). What works on numbers visits every
distinct type once, whatever the size of the tree. It refuses to know what the
numbers are used for.
"""

from __future__ import annotations

from dataclasses import replace

from mcp_wasm.component.types import (
    List,
    Option,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
    children,
)

DEPTH = 64
"""How deep types may nest; a primitive is 1 deep."""

Key = tuple[object, ...]


class TooDeep(ValueError):
    """A type nests deeper than it may."""

    def __init__(self, deepest: int) -> None:
        super().__init__(f"its type nests more than {deepest} levels deep")


class Shapes:
    """Gives each distinct type a number, children before parents; refuses those past ``deepest``.

    ``types[n]`` is a type with number n, ``parts[n]`` the numbers of its children
    in the order of ``types.children``.
    """

    def __init__(self, deepest: int = DEPTH) -> None:
        self._deepest = deepest
        self.types: list[Type] = []
        self.parts: list[tuple[int, ...]] = []
        self._heights: list[int] = []
        self._numbers: dict[Key, int] = {}
        # By identity, with the object kept alive so that its id stays its own.
        self._seen: dict[int, tuple[Type, int]] = {}

    def number(self, type_: Type, depth: int = 1) -> int:
        """The number of ``type_``; new types are added with all their parts.

        Raises:
            TooDeep: when it nests deeper than it may.
        """
        if depth > self._deepest:
            raise TooDeep(self._deepest)
        seen = self._seen.get(id(type_))
        if seen is None:
            parts = tuple(self.number(child, depth + 1) for child in children(type_))
            seen = self._seen[id(type_)] = (type_, self._intern(type_, parts))
        if depth + self._heights[seen[1]] - 1 > self._deepest:
            raise TooDeep(self._deepest)
        return seen[1]

    def _intern(self, type_: Type, parts: tuple[int, ...]) -> int:
        key = (type(type_), parts, *_scalars(type_))
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.types)
            self.types.append(type_)
            self.parts.append(parts)
            self._heights.append(1 + max((self._heights[part] for part in parts), default=0))
        return number


def _scalars(type_: Type) -> Key:
    """All that tells ``type_`` from another of its class with the same parts."""
    match type_:
        case List(name=name, docs=docs) | Option(name=name, docs=docs) | Tuple(name=name, docs=docs):
            return (name, docs)
        case Record(fields=fields, name=name, docs=docs):
            return (name, docs, *((f.name, f.docs) for f in fields))
        case Variant(cases=cases, name=name, docs=docs):
            return (name, docs, *((c.name, c.type is None, c.docs) for c in cases))
        case Result(ok=ok, err=err, name=name, docs=docs):
            return (name, docs, ok is None, err is None)
        case _:
            return tuple(getattr(type_, slot) for slot in type_.__slots__)


def with_parts(type_: Type, parts: list[Type]) -> Type:
    """``type_`` with its children, in the order of ``types.children``, replaced by ``parts``."""
    rest = iter(parts)
    match type_:
        case List():
            return replace(type_, element=next(rest))
        case Option():
            return replace(type_, payload=next(rest))
        case Tuple():
            return replace(type_, elements=tuple(parts))
        case Record(fields=fields):
            return replace(type_, fields=tuple(replace(f, type=next(rest)) for f in fields))
        case Variant(cases=cases):
            return replace(
                type_, cases=tuple(c if c.type is None else replace(c, type=next(rest)) for c in cases)
            )
        case Result(ok=ok, err=err):
            return replace(
                type_, ok=None if ok is None else next(rest), err=None if err is None else next(rest)
            )
        case _:
            return type_
