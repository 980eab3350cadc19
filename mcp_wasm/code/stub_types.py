"""WIT types as the types of a language that a model reads: what is the same in every language.

Every distinct type is written once, whatever the size of the tree that refers to
it: what has fields becomes a definition with a name, and so does a choice that
is used again or is long. It refuses to know any language's syntax
(``stub_python``, ``stub_typescript``) and how values are checked.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable

from mcp_wasm.component.shapes import Shapes
from mcp_wasm.component.types import (
    Enum,
    Field,
    Flags,
    Function,
    Handle,
    List,
    Option,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
    children,
    is_bytes,
    mapped,
)

WORDS = 120
"""Characters kept of what a field, a case or a parameter is for."""

_REPEATED, _LONG = 40, 400
"""Characters from which a type gets a name: of one that is used again, of any."""

_TAKEN = (
    *("None", "True", "False", "Any", "Literal", "NotRequired", "TypedDict", "Exception", "Base64"),
    *("Array", "Error", "ToolError", "Object", "String", "Number", "Boolean", "Promise"),
)


Of = Callable[[Type, str], str]
"""What gives the text of a type, as ``Types.of`` does."""


class Types(ABC):
    """The types of some functions in one language.

    ``definitions`` are the named ones that were needed since ``take``; ``notes``
    say which sorts of values occurred that need a word: ``integer`` (of 64 bits),
    ``float``, ``bytes``, ``pairs`` (a mapping that is given).
    """

    def __init__(self, functions: Iterable[Function]) -> None:
        self.notes: set[str] = set()
        self._shapes = Shapes()
        self._uses: Counter[int] = Counter()
        self._given: set[int] = set()
        self._texts: dict[int, str] = {}
        self._definitions: list[str] = []
        self._names = set(_TAKEN)
        self._owner = ""
        seen: set[int] = set()
        for function in functions:
            for param in function.params:
                self._count(self._shapes.number(param.type), seen, self._given)
            if (result := returned(function)) is not None:
                self._count(self._shapes.number(result), seen, None)

    def of(self, type_: Type, owner: str) -> str:
        """The text of a type; ``owner`` is the component whose name tells two types of one name apart."""
        self._owner = owner
        return self._numbered(self._shapes.number(type_))

    def take(self) -> list[str]:
        """The definitions that became necessary since the last time."""
        taken, self._definitions = self._definitions, []
        return taken

    @abstractmethod
    def record(self, name: str, fields: list[tuple[Field, str, bool]]) -> str:
        """The definition of an object: its fields, their types, and whether each may be left out."""

    @abstractmethod
    def alias(self, name: str, text: str) -> str:
        """The definition of another name for a type."""

    @abstractmethod
    def one_of_several(self, name: str, fields: list[tuple[str, str]], docs: str) -> str:
        """The text of a small object that is one of several, such as a case."""

    @abstractmethod
    def primitive(self, name: str) -> str:
        """The text of a primitive type."""

    @abstractmethod
    def literals(self, values: Iterable[str]) -> str:
        """The text of a choice of strings."""

    @abstractmethod
    def array(self, element: str) -> str:
        """The text of an array."""

    @abstractmethod
    def fixed(self, elements: Iterable[str]) -> str:
        """The text of an array of a fixed length."""

    @abstractmethod
    def optional(self, text: str) -> str:
        """The text of a value that may be null."""

    def name(self, wanted: str, ends: Iterable[str] = ("",)) -> str:
        """A name like ``wanted`` that no definition has, with any of ``ends``; ``define`` takes it."""
        owner, endings = pascal(self._owner), tuple(ends)
        more = (f"{owner}{wanted}{number}" for number in range(2, len(self._names) + 3))
        free = (
            each
            for each in (wanted, owner + wanted, *more)
            if not any(each + e in self._names for e in endings)
        )
        return next(free)

    def define(self, name: str, definition: str) -> None:
        """Add a definition that what follows refers to."""
        self._names.add(name)
        self._definitions.append(definition)

    def _count(self, number: int, seen: set[int], given: set[int] | None) -> None:
        self._uses[number] += 1
        first = number not in seen or (given is not None and number not in given)
        seen.add(number)
        if given is not None:
            given.add(number)
        # What may be left out of several places is itself what is used again.
        if first or isinstance(self._shapes.types[number], Option):
            for part in self._shapes.parts[number]:
                self._count(part, seen, given)

    def _numbered(self, number: int) -> str:
        text = self._texts.get(number)
        if text is None:
            type_ = self._shapes.types[number]
            text = self._build(type_, [self._numbered(part) for part in self._shapes.parts[number]], number)
            again = self._uses[number] > 1 and not isinstance(type_, Option)
            if len(text) > (_REPEATED if again else _LONG):
                name = self.name(pascal(getattr(type_, "name", "")) or "Value")
                self.define(name, self.alias(name, text))
                text = name
            self._texts[number] = text
        return text

    def _build(self, type_: Type, parts: list[str], number: int) -> str:
        name = pascal(getattr(type_, "name", ""))
        if is_bytes(type_):
            self.notes.add("bytes")
            return "Base64"
        match type_:
            case Primitive(primitive=primitive):
                self._note(primitive)
                return self.primitive(primitive)
            case Handle():
                return self.primitive("string")
            case List():
                if mapped(type_) is not None and number in self._given:
                    self.notes.add("pairs")
                return self.array(parts[0])
            case Tuple():
                return self.fixed(parts)
            case Option(payload=Option()):
                return self.optional(self.one_of_several(self.name("Some"), [("some", parts[0])], ""))
            case Option():
                return self.optional(parts[0])
            case Enum(cases=values):
                return self.literals(values)
            case Flags(flags=values):
                return self.array(self.literals(values))
            case Record(fields=fields):
                optional = [isinstance(f.type, Option) and number in self._given for f in fields]
                name = self.name(name or "Record")
                self.define(name, self.record(name, list(zip(fields, parts, optional, strict=True))))
                return name
            case Variant(cases=cases):
                payloads = iter(parts)
                stem = self.name(name or "Case", [pascal(case.name) for case in cases])
                return " | ".join(
                    self.one_of_several(
                        stem + pascal(case.name),
                        [("tag", self.literals([case.name]))]
                        + ([] if case.type is None else [("val", next(payloads))]),
                        case.docs,
                    )
                    for case in cases
                )
            case Result(ok=ok, err=err):
                sides = iter(parts)
                return " | ".join(
                    self.one_of_several(
                        self.name(pascal(key)),
                        [(key, self.primitive("null") if side is None else next(sides))],
                        "",
                    )
                    for key, side in (("ok", ok), ("err", err))
                )
        raise TypeError(f"{type(type_).__name__} is in no published tool")

    def _note(self, primitive: str) -> None:
        if primitive in {"u64", "s64"}:
            self.notes.add("integer")
        elif primitive in {"f32", "f64"}:
            self.notes.add("float")


def returned(function: Function) -> Type | None:
    """The type of what a call gives: the ok side of a result, since an err is an exception."""
    return function.result.ok if isinstance(function.result, Result) else function.result


def has_handles(function: Function) -> bool:
    """Whether ``function`` takes or gives handles of a session, which code cannot have."""
    waiting = [param.type for param in function.params]
    waiting += [] if function.result is None else [function.result]
    seen: set[int] = set()
    while waiting:
        type_ = waiting.pop()
        if isinstance(type_, Handle):
            return True
        if id(type_) not in seen:
            seen.add(id(type_))
            waiting.extend(children(type_))
    return False


def pascal(name: str) -> str:
    """``data-rate`` as the name of a type, ``DataRate``."""
    return "".join(word[:1].upper() + word[1:] for word in re.split("[^A-Za-z0-9]+", name))


def line(text: str, most: int = WORDS) -> str:
    """What can be seen of the first paragraph of ``text``, on one line, cut between words."""
    words = " ".join(re.split(r"\n\s*\n", text.strip(), maxsplit=1)[0].split())
    words = "".join(char for char in words if char.isprintable())
    if len(words) <= most:
        return words
    return words[: most - 1].rpartition(" ")[0].rstrip(" ,;:") + "…"


def quoted(text: str) -> str:
    """``text`` as a string literal of either language."""
    return json.dumps(text, ensure_ascii=False)
