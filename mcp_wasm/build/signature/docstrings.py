"""Docstrings taken apart: what a function does, and what each parameter is for.

Three styles are read: Google's (``Args:``), NumPy's (``Parameters`` underlined)
and reST's (``:param x:``). What is none of them stays in the text.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass, field

LONGEST = 2000
"""Characters of docs that readers keep of one function."""

_LOOKED_AT = 16 * 1024
"""Characters of a docstring that are looked at: taking it apart takes the square of its length."""

_LONGEST_DEFAULT = 60
_PARAMS = frozenset(
    (
        "args",
        "arguments",
        "parameters",
        "params",
        "attributes",
        "fields",
        "members",
        "keyword_args",
        "keyword_arguments",
        "other_parameters",
    )
)
_RETURNS = frozenset(("returns", "return", "yields"))
_OTHERS = frozenset(
    (
        "raises",
        "example",
        "examples",
        "note",
        "notes",
        "warning",
        "warnings",
        "see_also",
        "references",
        "todo",
        "warns",
    )
)
_HEADING = re.compile(r"([A-Za-z][A-Za-z ]{0,30}?)\s*:\s*")
_ENTRY = re.compile(r"\s*[-*]?\s*[`*]{0,2}(\w+)`{0,2}\s*(?:\(([^()]|\([^()]*\))*\))?\s*:\s*(.*)")
_NUMPY_ENTRY = re.compile(r"\*{0,2}(\w+(?:\s*,\s*\w+)*)\s*(?::.*)?")
_FIELD = re.compile(r":(\w+)(\s[^:]*)?:\s*(.*)")
# What WIT text may not hold: control characters, marks that turn the writing, deprecated letters.
_UNWRITABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u0149\u0673\u0f77\u0f79\u17a3\u17a4\u17b4\u17b5"
    "\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Docs:
    """``text`` without what describes single parameters; ``params`` by their name in the code."""

    text: str = ""
    params: dict[str, str] = field(default_factory=dict)


def read(docstring: str | None) -> Docs:
    """The parts of ``docstring``, as the compiler keeps it."""
    if not docstring:
        return Docs()
    lines = plain(inspect.cleandoc(docstring[:_LOOKED_AT])).split("\n")
    kept: list[str] = []
    params: dict[str, str] = {}
    while lines:
        if taken := _section(lines):
            found, said, lines = taken
            params.update(found)
            kept += said
        else:
            kept.append(lines.pop(0))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return Docs(text, {name: one_line(said) for name, said in params.items() if said.strip()})


def plain(text: str) -> str:
    """``text`` without characters that WIT text may not hold."""
    return _UNWRITABLE.sub(" ", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """``text`` on one line, cut where it is long."""
    line = " ".join(plain(text).split())
    return line if len(line) <= LONGEST // 2 else f"{line[: LONGEST // 2 - 1]}…"


def with_default(said: str, value: object) -> str:
    """``said`` and which ``value`` is taken where none is given; None for one that is not shown."""
    if value is None:
        return said
    shown = one_line(json.dumps(value, ensure_ascii=False))
    return said if len(shown) > _LONGEST_DEFAULT else f"{said} Default: {shown}.".strip()


def cut(text: str, rest: int) -> str:
    """``text`` cut so that it and ``rest`` more characters are kept by readers."""
    room = max(LONGEST - rest, LONGEST // 4)
    return text if len(text) <= room else f"{text[: room - 1].rstrip()}…"


_Taken = tuple[dict[str, str], list[str], list[str]]
"""Docs of parameters, lines that stay in the text, lines that were not looked at."""


def _section(lines: list[str]) -> _Taken | None:
    return _rest(lines) or _numpy(lines) or _google(lines)


def _google(lines: list[str]) -> _Taken | None:
    match = _HEADING.fullmatch(lines[0])
    name = match[1].lower().replace(" ", "_") if match else ""
    if name not in _PARAMS | _RETURNS:
        return None
    block, rest = _block(lines[1:])
    if not any(line.strip() for line in block):
        return None
    if name in _RETURNS:
        return {}, [_returned(block)], rest
    return _entries(block), [], rest


def _numpy(lines: list[str]) -> _Taken | None:
    name = lines[0].strip().lower().replace(" ", "_")
    if len(lines) < 2 or name not in _PARAMS | _RETURNS or not re.fullmatch(r"\s*-{3,}\s*", lines[1]):
        return None
    end = next((i for i in range(2, len(lines)) if _underlined(lines, i)), len(lines))
    block, rest = lines[2:end], lines[end:]
    if name in _RETURNS:
        said = [line for line in block if line.startswith((" ", "\t"))] or block
        return {}, [_returned(said)], rest
    found: dict[str, str] = {}
    names: list[str] = []
    for line in block:
        entry = _NUMPY_ENTRY.fullmatch(line.rstrip())
        if entry and not line.startswith((" ", "\t")):
            names = [each.strip() for each in entry[1].split(",")]
        for each in names if line.startswith((" ", "\t")) else ():
            found[each] = f"{found.get(each, '')} {line.strip()}"
    return found, [], rest


def _rest(lines: list[str]) -> _Taken | None:
    match = _FIELD.fullmatch(lines[0].strip())
    if match is None:
        return None
    role, argument, said = match[1], (match[2] or "").split(), match[3]
    block, rest = _block(lines[1:], blank_ends=True)
    whole = " ".join([said, *(line.strip() for line in block)]).strip()
    if role in ("param", "parameter", "arg", "argument", "key", "keyword", "ivar", "cvar") and argument:
        return {argument[-1].lstrip("*"): whole}, [], rest
    if role in ("return", "returns"):
        return {}, [f"Returns: {whole}"], rest
    if role in ("raise", "raises", "except", "exception"):
        return {}, [f"Raises {' '.join(argument)}: {whole}"], rest
    if role in ("type", "rtype", "vartype"):
        return {}, [], rest
    return None


def _entries(block: list[str]) -> dict[str, str]:
    """``name (type): text`` entries; lines that stand deeper belong to the entry before."""
    margin = min(_margin(line) for line in block if line.strip())
    found: dict[str, str] = {}
    current = ""
    for line in block:
        entry = _ENTRY.fullmatch(line) if _margin(line) == margin else None
        if entry:
            current = entry[1]
            found[current] = entry[3]
        elif current:
            found[current] += f" {line.strip()}"
    return found


def _returned(block: list[str]) -> str:
    return f"Returns: {' '.join(' '.join(block).split())}"


def _block(lines: list[str], *, blank_ends: bool = False) -> tuple[list[str], list[str]]:
    """The lines that are indented or blank, and the rest."""
    end = 0
    while end < len(lines) and (lines[end].startswith((" ", "\t")) or not (lines[end].strip() or blank_ends)):
        end += 1
    return lines[:end], lines[end:]


def _underlined(lines: list[str], index: int) -> bool:
    name = lines[index].strip().lower().replace(" ", "_")
    return (
        name in _PARAMS | _RETURNS | _OTHERS
        and index + 1 < len(lines)
        and re.fullmatch(r"\s*-{3,}\s*", lines[index + 1]) is not None
    )


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())
