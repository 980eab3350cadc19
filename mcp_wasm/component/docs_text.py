"""Doc comments as text: made fit to show, and split into what each parameter is for."""

from __future__ import annotations

import re
from dataclasses import replace

from mcp_wasm.component.types import (
    Enum,
    Flags,
    Function,
    Handle,
    Primitive,
    Record,
    Type,
    Unsupported,
    Variant,
)

LONGEST = 2000
"""Characters kept of one doc comment."""

# At most one of the two forms a line; names are those of WIT or of a guest's language.
_LISTED = re.compile(
    r"\s{0,8}[-*]\s{1,4}(?:`([^`\n]{1,64})`|([\w.-]{1,64}))\s{0,4}(?::|–|—|--?\s)\s{0,4}(\S.*)?"
)
_TAGGED = re.compile(
    r"\s{0,8}@param\s{1,4}(?:\{[^}\n]{0,64}\}\s{1,4})?`?([\w.-]{1,64})`?\s{0,4}(?:[:–—-]\s{1,4})?(.*)"
)
_HEADING = re.compile(r"\s*(?:#{1,6}\s*)?(?:parameters|params|arguments|args)\s*:?\s*", re.IGNORECASE)
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def cleaned(text: object) -> str:
    """``text`` without control characters and lone surrogates, cut where it is long; "" if it is no text."""
    if not isinstance(text, str):
        return ""
    kept = text[: LONGEST + 1].encode("utf-8", "replace").decode().replace("\r\n", "\n")
    kept = _UNSHOWN.sub(" ", kept).strip()
    return kept if len(text) <= LONGEST else f"{kept[: LONGEST - 1]}…"


def documented(function: Function, text: str) -> Function:
    """``function`` with ``text`` as its docs; docs that it has already stay.

    A line ``- `param`: text`` or ``@param param text`` describes that parameter
    and is taken out, with the indented lines after it.
    """
    rest, described = _split(text, {_plain(param.name) for param in function.params})
    params = tuple(
        replace(param, docs=param.docs or described.get(_plain(param.name), "")) for param in function.params
    )
    return replace(function, params=params, docs=function.docs or rest)


def with_name(type_: Type, name: str, docs: str) -> Type:
    """``type_`` with a name and docs of its own, where it can have them; those that it has stay."""
    if isinstance(type_, (Primitive, Unsupported)):
        return type_
    if isinstance(type_, Handle):
        return replace(type_, name=type_.name or name)
    return replace(type_, name=type_.name or name, docs=type_.docs or docs)


def with_item_docs(type_: Type, texts: tuple[str, ...]) -> Type:
    """``type_`` with docs on its fields, cases or flags, one text each; those that it has stay."""
    match type_:
        case Record(fields=fields):
            pairs = zip(fields, texts, strict=True)
            return replace(type_, fields=tuple(replace(f, docs=f.docs or text) for f, text in pairs))
        case Variant(cases=cases):
            both = zip(cases, texts, strict=True)
            return replace(type_, cases=tuple(replace(c, docs=c.docs or text) for c, text in both))
        case Enum(case_docs=()) if any(texts):
            return replace(type_, case_docs=texts)
        case Flags(flag_docs=()) if any(texts):
            return replace(type_, flag_docs=texts)
        case _:
            return type_


def items_of(type_: Type) -> tuple[str, ...]:
    """The names of its fields, cases or flags."""
    match type_:
        case Record(fields=named) | Variant(cases=named):
            return tuple(one.name for one in named)
        case Enum(cases=names) | Flags(flags=names):
            return names
        case _:
            return ()


def _split(text: str, names: set[str]) -> tuple[str, dict[str, str]]:
    rest: list[str] = []
    described: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.split("\n"):
        found = _param_line(line, names)
        if found:
            current = described.setdefault(found[0], [])
            current.append(found[1])
            _drop_heading(rest)
        elif current is not None and line.startswith((" ", "\t")) and line.strip():
            current.append(line.strip())
        else:
            current = None
            rest.append(line)
    texts = {name: " ".join(filter(None, lines)) for name, lines in described.items()}
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rest)).strip(), texts


def _param_line(line: str, names: set[str]) -> tuple[str, str] | None:
    for pattern in (_LISTED, _TAGGED):
        match = pattern.fullmatch(line)
        if match:
            *written, text = match.groups()
            name = _plain(next(filter(None, written), ""))
            return (name, (text or "").strip()) if name in names else None
    return None


def _drop_heading(lines: list[str]) -> None:
    kept = len(lines)
    while kept and not lines[kept - 1].strip():
        kept -= 1
    if kept and _HEADING.fullmatch(lines[kept - 1]):
        del lines[kept - 1 :]


def _plain(name: str) -> str:
    return name.replace("_", "-").lower()
