"""Stubs of published tools for a model to read: what it can call from the code that it writes.

Pure: tools and grants in, text out. A stub is a signature with types made from
the tool's own, and its docs in short; together they are a valid ``.pyi`` or
``.d.ts``. Compact, since every character is paid for at each reading: field by
field it says what the JSON Schema says, in about a third of the characters. It
refuses to know how tools are called from code (the runners do that).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from mcp_wasm.capability import match
from mcp_wasm.capability.command import add_command
from mcp_wasm.capability.grant import Grants
from mcp_wasm.capability.grant import Tools as ToolsGrant
from mcp_wasm.code import stub_python, stub_typescript
from mcp_wasm.code.contract import CODE
from mcp_wasm.code.stub_types import Of, Types, has_handles, line
from mcp_wasm.registry.ranking import Ranking, Words
from mcp_wasm.registry.tool import Tool

StubLanguage = Literal["python", "typescript"]
"""TypeScript's stubs are JavaScript's too."""

MOST, USUALLY = 50, 20
"""Tools of one answer, at most and where nothing else is said."""

CHARACTERS = 24_000
"""Characters of the stubs of one answer; a tool that has no more room in it is named."""

_DOCS = 300
"""Characters of a tool's own docs."""

_NAMED = 20


@dataclass(frozen=True, slots=True)
class _Syntax:
    types: type[Types]
    function: Callable[[Tool, Of, int], str]
    header: Callable[[Collection[str], str], str]
    comment: Callable[[str], str]
    any: str


_SYNTAXES: dict[StubLanguage, _Syntax] = {
    "python": _Syntax(
        stub_python.PythonTypes, stub_python.function, stub_python.header, stub_python.comment, "Any"
    ),
    "typescript": _Syntax(
        stub_typescript.TypeScriptTypes,
        stub_typescript.function,
        stub_typescript.header,
        stub_typescript.comment,
        "unknown",
    ),
}


@dataclass(frozen=True, slots=True)
class Described:
    """Stubs as text; the names (as published) of the tools that they are of, of those that fit but are
    not granted, and of those that fit and had no room."""

    text: str
    callable: tuple[str, ...]
    not_granted: tuple[str, ...]
    left_out: tuple[str, ...]


def describe(
    tools: Sequence[Tool],
    grants: Grants,
    language: StubLanguage,
    query: str = "",
    limit: int = USUALLY,
    *,
    options: Sequence[str] = (),
) -> Described:
    """The tools that fit ``query`` best, of all where it is empty, as code that has ``grants`` sees them.

    ``limit`` is how many of those that it may call are shown. Of the others it
    says how a person grants them, with ``options`` (see ``command.add_command``).
    """
    ordered = sorted((tool for tool in tools if not has_handles(tool.function)), key=lambda tool: tool.name)
    ranked = [ordered[at] for at in Ranking([_words(tool) for tool in ordered]).best(query)]
    allowed = [match.tool(grants, CODE, tool.name).grant is not None for tool in ranked]
    may = [tool for tool, granted in zip(ranked, allowed, strict=True) if granted]
    others = [tool for tool, granted in zip(ranked, allowed, strict=True) if not granted]
    comment = _SYNTAXES[language].comment
    shown = may[: max(0, limit)]
    text, fitting = _stubs(shown, language)
    left = [tool.name for tool in (*shown[fitting:], *may[len(shown) :])]
    said = [text] if fitting else []
    if left:
        said.append(_lines(comment, [f"Left out here: {_some(left)}.", "Ask with words of their names."]))
    if others:
        said.append(_lines(comment, _not_granted(others, options)))
    if not ranked:
        said.append(comment(f"No tool fits {query[:60]!r}." if query else "There are no tools."))
    names = tuple(tool.name for tool in others)
    return Described("\n\n".join(said) + "\n", tuple(t.name for t in shown[:fitting]), names, tuple(left))


def stubs(tools: Sequence[Tool], language: StubLanguage) -> str:
    """The stubs of all ``tools``, whatever their size."""
    return _stubs(tools, language, most=None)[0] + "\n"


def _stubs(tools: Sequence[Tool], language: StubLanguage, most: int | None = CHARACTERS) -> tuple[str, int]:
    """The stubs of the first tools, within ``most`` characters, and how many these are."""
    syntax = _SYNTAXES[language]
    types = syntax.types(tool.function for tool in tools)
    parts: list[str] = []
    room = most
    for tool in tools:
        function = syntax.function(tool, types.of, _DOCS)
        text = "\n".join([*types.take(), function])
        if most is not None and len(text) > most // 2:
            text = syntax.function(tool, lambda _type, _owner: syntax.any, _DOCS)
        if room is not None:
            room -= len(text) + 2
            if room < 0:
                break
        parts.append(text)
    body = "\n\n".join(parts)
    return f"{syntax.header(types.notes, body)}\n\n{body}", len(parts)


def _not_granted(tools: Sequence[Tool], options: Sequence[str]) -> list[str]:
    """What is said of tools that code may not call."""
    shown = tools[:_NAMED]
    said = [f"{tool.name}: {line(tool.description)}" for tool in shown]
    more = len(tools) - len(shown)
    head = f"Not granted to code, so not to be called from it ({len(tools)}; a person can grant them, as by"
    command = add_command(CODE, ToolsGrant((shown[0].name,)), options=options)
    return [f"{head} `{command}`):", *said, *([f"and {more} more"] if more else [])]


def _lines(comment: Callable[[str], str], lines: Sequence[str]) -> str:
    return "\n".join(map(comment, lines))


def _words(tool: Tool) -> Words:
    parameters = " ".join(param.name for param in tool.function.params)
    return Words(tool.name, tool.title, tool.description, parameters)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(islice(names, _NAMED)) + (f" and {more} more" if more > 0 else "")
