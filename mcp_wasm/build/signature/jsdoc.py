"""JSDoc comments taken apart: the text, and what tags say of parameters, results and types."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mcp_wasm.build.signature.docstrings import one_line, plain

_TAG = re.compile(r"@(\w+)\s*")
_NAME = re.compile(r"\s*([\w$.]+)(?:\[\])?(?:\s*=\s*(.*))?", re.DOTALL)
_BEFORE_TEXT = re.compile(r"^\s*(?:-\s+|:\s+)?")
_PARAMS = frozenset(("param", "arg", "argument"))
_PROPERTIES = frozenset(("property", "prop"))
_RETURNS = frozenset(("returns", "return", "yields"))


@dataclass(frozen=True, slots=True)
class TypeText:
    """A type as it is written, and where: row and column from 0, the column in characters."""

    text: str
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag about a name: ``@param {type} [name=default] text``."""

    name: str
    type: TypeText | None
    text: str
    optional: bool = False
    default: str = ""
    properties: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class Comment:
    """A JSDoc comment; ``typedef`` is the type that it defines."""

    text: str = ""
    params: dict[str, Tag] = field(default_factory=dict)
    returns: Tag | None = None
    typedef: Tag | None = None


def read(comment: str, row: int = 0, column: int = 0) -> Comment:
    """The parts of ``comment``, a text from ``/**`` to ``*/`` that begins at that place."""
    if not comment.startswith("/**"):
        return Comment()
    text: list[str] = []
    tags: list[_Raw] = []
    for number, line in enumerate(comment.removesuffix("*/").split("\n")):
        match = re.match(r"\s*/?\*+ ?" if number else r"/\*\* ?", line)
        start = match.end() if match else 0
        said = line[start:].rstrip()
        if tag := _TAG.match(said.lstrip()):
            indent = start + len(said) - len(said.lstrip())
            at = indent + tag.end() + (0 if number else column)
            tags.append(_Raw(tag[1], said.lstrip()[tag.end() :], row + number, at))
        elif tags:
            tags[-1].text += f"\n{said}"
        else:
            text.append(said)
    return _comment("\n".join(text).strip(), tags)


@dataclass(slots=True)
class _Raw:
    tag: str
    text: str
    row: int
    column: int


def _comment(text: str, tags: list[_Raw]) -> Comment:
    params: dict[str, Tag] = {}
    returns = typedef = None
    properties: list[Tag] = []
    said = [text]
    for raw in tags:
        if raw.tag in _PARAMS:
            found = _named(raw)
            params[found.name] = found
        elif raw.tag in _PROPERTIES:
            properties.append(_named(raw))
        elif raw.tag in _RETURNS:
            type_, rest = _typed(raw)
            returns = Tag("", type_, one_line(rest.lstrip(" -")))
            if returns.text:
                said.append(f"Returns: {returns.text}")
        elif raw.tag == "typedef":
            typedef = _named(raw)
        elif raw.tag in ("throws", "throw", "exception", "deprecated", "example", "remarks"):
            said.append(f"{raw.tag.capitalize()}: {raw.text.strip()}")
        elif raw.tag == "description":
            said.insert(0, raw.text.strip())
    if typedef is not None:
        typedef = Tag(typedef.name, typedef.type, text or typedef.text, properties=_nested(properties))
    nested = {tag.name: tag for tag in _nested(list(params.values()))}
    return Comment(plain("\n".join(filter(None, said))).strip(), nested, returns, typedef)


def _named(raw: _Raw) -> Tag:
    type_, rest = _typed(raw)
    rest = rest.lstrip()
    bracketed = rest.startswith("[")
    end = _closed(rest) if bracketed else len(rest.split(maxsplit=1)[0]) if rest else 0
    match = _NAME.fullmatch(rest[1 : end - 1] if bracketed else rest[:end].rstrip(":"))
    if match is None:
        return Tag("", type_, one_line(rest))
    optional = bracketed or (type_ is not None and type_.text.endswith("="))
    said = _BEFORE_TEXT.sub("", rest[end:], count=1)
    return Tag(match[1], type_, one_line(said), optional, (match[2] or "").strip())


def _typed(raw: _Raw) -> tuple[TypeText | None, str]:
    """The type in braces at the beginning, and what follows."""
    if not raw.text.startswith("{"):
        return None, raw.text
    end = _closed(raw.text)
    if end == 0:
        return None, raw.text
    # A type over several lines has the stars of the comment taken off: it is one line here.
    inside = raw.text[1 : end - 1].replace("\n", " ")
    return TypeText(inside, raw.row, raw.column + 1), raw.text[end:]


def _closed(text: str) -> int:
    """Where the bracket that ``text`` begins with has been closed; 0 where it is not."""
    depth = 0
    for index, char in enumerate(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(char, 0)
        if depth == 0:
            return index + 1
    return 0


def _nested(tags: list[Tag]) -> tuple[Tag, ...]:
    """``options.name`` as a property of ``options``."""
    found: dict[str, Tag] = {}
    for tag in tags:
        head, dot, rest = tag.name.partition(".")
        if dot and head in found:
            own = found[head]
            inner = Tag(rest, tag.type, tag.text, tag.optional, tag.default)
            properties = _nested([*own.properties, inner])
            found[head] = Tag(own.name, own.type, own.text, own.optional, own.default, properties)
        else:
            found[tag.name] = tag
    return tuple(found.values())
