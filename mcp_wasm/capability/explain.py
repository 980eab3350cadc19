"""What a component asks for and what it has: each import and each wish with the rule that decides, and why.

Pure. What an author wrote (names of imports, wishes, reasons) is given as it is:
whoever shows it makes it safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_wasm.capability import document, wishes
from mcp_wasm.capability.capability import need
from mcp_wasm.capability.command import denial_command
from mcp_wasm.capability.covers import covering
from mcp_wasm.capability.effective import WITHOUT_IMPORT, imported
from mcp_wasm.capability.grant import KINDS, Grant, Grants, kind_of
from mcp_wasm.capability.values import Place
from mcp_wasm.capability.words import FORMS, words
from mcp_wasm.errors import InvalidSettings

_ANYWHERE = Place(Path(), Path("~"))
_UNSAID: Mapping[str, tuple[str, Any]] = {
    "storage": ("folder", "FOLDER"),
    "nn": ("folder", "FOLDER"),
    "llm": ("providers", ["PROVIDER"]),
}
"""What an author cannot know of the person's machine."""


LASTING = "resources that are kept between calls"
"""What a component asks for that exports functions with handles."""


@dataclass(frozen=True, slots=True)
class Line:
    """One import or wish.

    ``asked`` is the import's name or the wish's line, ``kind`` its kind, ``why``
    the sentence that explains, without a full stop. ``command`` is what a person
    types to grant it, with words in capitals where they have to choose; empty
    where it is granted or cannot be. ``reason`` is the author's own.
    """

    asked: str
    kind: str
    granted: bool
    why: str
    command: str = ""
    reason: str = ""


def explain(
    component: str,
    imports: Iterable[str],
    manifest: Mapping[str, Any],
    grants: Grants,
    *,
    lasting: bool = False,
) -> tuple[Line, ...]:
    """Each import beyond base WASI, ``LASTING`` where it exports that, then each wish of the manifest."""
    found = [_import(component, name, grants) for name in imports if need(name).kind != "base"]
    found += [_line(component, LASTING, "sessions", grants)] if lasting else []
    found += [_wish(component, kind, table, grants) for kind, table in wishes.tables(manifest)]
    return tuple(found)


def idle(grants: Iterable[Grant], wished: frozenset[str]) -> tuple[Grant, ...]:
    """Those of ``grants`` that have no effect, since the component imports nothing of their kind."""
    usable = WITHOUT_IMPORT | imported(wished)
    return tuple(grant for grant in grants if kind_of(grant) not in usable)


def told(grant: Grant) -> str:
    """A grant with its place, on one line: ``network api.example.com (grants.fetch.network[0])``."""
    where = f" ({grant.rule})" if grant.rule else ""
    text = f"{' '.join([kind_of(grant), *words(grant)])}{where}"
    # A value may have line ends in it, and must not look like another grant.
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _import(component: str, name: str, grants: Grants) -> Line:
    wish = need(name)
    if wish.kind not in KINDS:
        return Line(name, wish.kind, False, f"it wants to {wish.words}, and no grant allows that")
    return _line(component, name, wish.kind, grants)


def _line(component: str, asked: str, kind: str, grants: Grants) -> Line:
    held: tuple[Grant, ...] = getattr(grants, kind)
    if held:
        return Line(asked, kind, True, "; ".join(map(told, held)))
    why = grants.waiting or f"no grant of {kind} to {component}"
    return Line(asked, kind, False, why, _template(component, kind, grants))


def _wish(component: str, kind: str, table: Mapping[str, Any], grants: Grants) -> Line:
    line, reason = wishes.line(kind, table)
    try:
        wish = _grant(kind, table)
    except InvalidSettings as error:
        return Line(line, kind, False, f"nobody can grant it as it is written: {error}", reason=reason)
    grant = covering(grants, wish)
    if grant is not None:
        return Line(line, kind, True, told(grant), reason=reason)
    why = grants.waiting or f"no grant of {kind} to {component} that allows all of it"
    return Line(line, kind, False, why, denial_command(component, wish, grants.waiting), reason)


def _grant(kind: str, table: Mapping[str, Any]) -> Grant:
    values = {key: value for key, value in table.items() if key != "reason"}
    if kind in _UNSAID:
        values.setdefault(*_UNSAID[kind])
    elif kind == "secret":
        values.setdefault("source", f"env:{values.get('name', '')}")
    return document.grant(kind, values, "its manifest", _ANYWHERE)


def _template(component: str, kind: str, grants: Grants) -> str:
    if grants.waiting:
        return denial_command(component, None, grants.waiting)
    return f"mcp-wasm grants add {component} {kind} {FORMS[kind]}".rstrip()
