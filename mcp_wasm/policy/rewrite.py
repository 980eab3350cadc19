"""One change of a policy as a change of its text, which keeps what a person wrote around it.

The text is only given when it reads back as exactly the values that were
wanted: what the editor of TOML cannot do right is refused, never written.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_wasm.capability.document import plain
from mcp_wasm.capability.grant import Grant, gather, kind_of
from mcp_wasm.capability.policy import Entry, Policy
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.policy.file import parse

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_MARK = secrets.token_hex(8)
"""Marks places in a text for a moment; nothing that is in a file can be it."""


def changed(  # noqa: PLR0917 - the text and both sides of the change, as they are
    text: str,
    path: Path,
    component: str,
    before: Entry | None,
    after: Entry | None,
    wanted: Mapping[str, Entry],
) -> str:
    """The text with the change, which reads back as ``wanted``.

    Raises:
        InvalidSettings: if it would not.
    """
    import tomlkit  # only who edits needs it
    from tomlkit.exceptions import TOMLKitError

    found: object = "one that reads as something else once it is changed"
    for apply in (_cut, _apply):
        try:
            edited = tomlkit.parse(text)
            result = apply(edited, component, before, after)
            for made in (_spaced(result), result):
                if _equal(parse(made, path), wanted):
                    return made
        except (TOMLKitError, InvalidSettings, TypeError, ValueError, LookupError, AttributeError) as error:
            found = str(error)[:300]
    expected = "a policy that a program can change (tables such as [grants.NAME] and [[grants.NAME.KIND]])"
    raise InvalidSettings(f"{path}, which was left as it is", expected, found)


def _cut(edited: TOMLDocument, component: str, before: Entry | None, after: Entry | None) -> str:
    """The text without the tables of the grants that are gone, and nothing else of it touched.

    The editor would also drop what stands behind such a table, which is most often the comment on the next.

    Raises:
        ValueError: if the change is not one of tables that go.
    """
    from tomlkit.items import Comment, Trivia

    grants: Any = edited["grants"]
    tables = _gone(grants[component], before, after)
    for number, table in enumerate(tables):
        body = table.value.body
        own = [at for at, (key, item) in enumerate(body) if key is not None and not _is_table(item)]
        table.trivia.comment_ws, table.trivia.comment = " ", f"# {_MARK} begin {number}"
        mark = (None, Comment(Trivia(comment=f"# {_MARK} end {number}", trail="\n")))
        body.insert(own[-1] + 1 if own else 0, mark)
    text, missing = edited.as_string(), 0
    for number in range(len(tables)):
        part = rf"(?ms)^[^\n]*# {_MARK} begin {number}\n.*?^# {_MARK} end {number}\n"
        text, found = re.subn(part, "", text, count=1)
        missing += found == 0
    if missing or _MARK in text:
        raise ValueError("tables without headers of their own")
    return text


def _gone(entry: Any, before: Entry | None, after: Entry | None) -> list[Any]:
    """The tables of the grants that are not there any more, and the entry's own where it goes."""
    if before is None or (after is not None and replace(before, grants=()) != replace(after, grants=())):
        raise ValueError("other changes than of grants that go")
    left = after.grants if after is not None else ()
    if any(not any(grant is each for each in before.grants) for grant in left):
        raise ValueError("grants that come")
    found = [entry] if after is None else []
    had = gather(before.grants)
    for kind in {kind_of(grant): None for grant in before.grants}:
        tables = entry[kind] if isinstance(entry[kind], list) else [entry[kind]]
        gone = [not any(grant is each for each in left) for grant in getattr(had, kind)]
        found += [table for table, goes in zip(tables, gone, strict=True) if goes]
    return found


def _is_table(item: object) -> bool:
    from tomlkit.items import AoT, Table

    return isinstance(item, (AoT, Table))


def _spaced(text: str) -> str:
    """An empty line before each table that follows a value."""
    return re.sub(r"(?m)^(?![ \t]*(?:#|$))(.*\n)(?=\[)", r"\1\n", text)


def _apply(edited: TOMLDocument, component: str, before: Entry | None, after: Entry | None) -> str:
    import tomlkit

    if "grants" not in edited:
        edited["grants"] = tomlkit.table(is_super_table=True)
    grants: Any = edited["grants"]
    if after is None:
        del grants[component]
        if not grants:
            del edited["grants"]
        return edited.as_string()
    if component not in grants:
        grants[component] = tomlkit.table()
    entry: Any = grants[component]
    _own(entry, before or Entry(component), after)
    had, has = gather(before.grants if before else ()), gather(after.grants)
    for kind in {kind_of(grant): None for grant in (*had, *has)}:
        _kind(entry, kind, getattr(had, kind), getattr(has, kind))
    return edited.as_string()


def _own(entry: Any, before: Entry, after: Entry) -> None:
    values = {
        "digest": (before.digest, after.digest),
        "trust": (before.trust, after.trust),
        "wishes": (before.wishes, after.wishes),
    }
    tables = [key for key in entry if key not in values]
    for key, (old, new) in values.items():
        if new == old:
            continue
        if new in (None, ""):
            del entry[key]
        elif key in entry or not tables:
            entry[key] = sorted(new) if isinstance(new, frozenset) else new
        else:
            _put_first(entry, key, sorted(new) if isinstance(new, frozenset) else new)


def _put_first(entry: Any, key: str, value: object) -> None:
    """A key that comes after a table would belong to that table: those of the entry itself come first."""
    rest = [(name, entry[name]) for name in list(entry)]
    for name, _ in rest:
        del entry[name]
    entry[key] = value
    for name, item in rest:
        entry[name] = item


def _kind(entry: Any, kind: str, had: Sequence[Grant], has: Sequence[Grant]) -> None:
    import tomlkit

    if not has:
        del entry[kind]
        return
    if had == has:
        return
    comes = any(not any(grant is old for old in had) for grant in has)
    if kind not in entry:
        entry[kind] = tomlkit.aot()
    elif not isinstance(entry[kind], list) and len(has) == 1:
        _rewritten(entry[kind], has[0])
        return
    elif not isinstance(entry[kind], list):
        # A single table becomes the first of an array.
        first, made = entry[kind], tomlkit.aot()
        made.append(first)
        del entry[kind]
        entry[kind] = made
    tables = entry[kind]
    for index in reversed(range(len(had))):
        if index >= len(has) if comes else not any(had[index] is grant for grant in has):
            del tables[index]
    for index, grant in enumerate(has if comes else ()):
        if index >= len(had):
            table: Any = (
                tomlkit.inline_table() if isinstance(tables, tomlkit.items.Array) else tomlkit.table()
            )
            table.update(plain(grant))
            tables.append(table)
        elif grant is not had[index]:
            _rewritten(tables[index], grant)


def _rewritten(table: Any, grant: Grant) -> None:
    """The table of another grant, changed to say ``grant``; what stays the same keeps its comments."""
    values = plain(grant)
    for key in [key for key in table if key not in values]:
        del table[key]
    for key, value in values.items():
        if key not in table or table[key] != value:
            table[key] = value


def _equal(found: Policy, wanted: Mapping[str, Entry]) -> bool:
    return found.entries.keys() == wanted.keys() and all(
        same(found.entries[name], entry) for name, entry in wanted.items()
    )


def same(first: Entry | None, second: Entry | None) -> bool:
    """Whether two entries say the same; grants of different kinds have no order between them."""
    if first is None or second is None:
        return first is second
    return gather(first.grants) == gather(second.grants) and replace(first, grants=()) == replace(
        second, grants=()
    )
