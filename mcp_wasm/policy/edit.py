"""Changes to the policy file, by the command line and by answers of people: grants added, revoked, approved.

What a person wrote there stays, with its comments. A change is worked out twice,
as values and as text, and only a text that reads back as exactly those values is
written: at once, by a rename, under a lock that keeps two writers apart. A file
that cannot be obeyed is not edited either.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from mcp_wasm.audit.sink import append, event, folder_of
from mcp_wasm.capability.covers import covering
from mcp_wasm.capability.document import DIGEST
from mcp_wasm.capability.effective import place, waits
from mcp_wasm.capability.grant import ConfigValue, Environment, Grant, gather, kind_of
from mcp_wasm.capability.policy import EMPTY, Entry, Trust
from mcp_wasm.capability.words import words
from mcp_wasm.component.names import NAME
from mcp_wasm.errors import CallerError, InvalidSettings
from mcp_wasm.policy.file import FILE_NAME, LARGEST, load, parse
from mcp_wasm.policy.replacing import locked, replace_file
from mcp_wasm.policy.rewrite import changed, same

log = logging.getLogger(__name__)

_Change = Callable[[Entry | None], Entry | None]
"""From the entry of a component (None: there is none) to the one that it shall have (None: none)."""


def add(
    home: Path, component: str, digest: str, wishes: Collection[str], grants: Sequence[Grant]
) -> tuple[Grant, ...]:
    """Give ``grants`` to ``component``; those that it has already are not added again. What was added.

    One for the same place and the same tools as an earlier one comes in its stead: of
    two such grants only the first would hold.

    A component that had nothing so far has these for the bytes of ``digest``
    (``""`` where the settings say which bytes are meant), and ``wishes`` are
    recorded with them. It never revives grants that wait.

    Raises:
        CallerError: if its grants were given to other bytes and wait for approval.
        InvalidSettings: if the file cannot be obeyed, or not be edited by a program.
        OSError: if it cannot be written.
    """
    added: list[Grant] = []

    def change(entry: Entry | None) -> Entry:
        nonlocal added
        if entry is None or not (entry.grants or entry.trust == "name"):
            recorded = frozenset(wishes) if digest else None
            entry = replace(entry or Entry(component), digest=digest, wishes=recorded)
        else:
            _refuse_waiting(entry, digest, frozenset(wishes))
        added, given = [], entry.grants
        for grant in dict.fromkeys(grants):
            alike = [each for each in added if (place(each), each.tools) == (place(grant), grant.tools)]
            if place(grant) is not None and covering(gather(alike), grant) is not None:
                continue  # what was allowed together must not narrow itself
            left = _with(given, grant)
            if left != given:
                added.append(grant)
            given = left
        return replace(entry, grants=given)

    _edit(home, component, digest, change)
    return tuple(added)


def approve(
    home: Path, component: str, digest: str, wishes: Collection[str], *, trust: Trust | None = None
) -> None:
    """All grants of ``component`` in the file hold for the bytes of ``digest``, which wish for ``wishes``.

    ``trust``, where given, says from now on whether other bytes of the name keep them.

    Raises:
        CallerError: if nothing is written there for the component.
        InvalidSettings, OSError: as ``add``.
    """

    def change(entry: Entry | None) -> Entry:
        if entry is None:
            raise CallerError(f"Nothing is granted to {component} in {home / FILE_NAME}: nothing to approve.")
        return replace(entry, digest=digest, wishes=frozenset(wishes), trust=trust or entry.trust)

    _edit(home, component, digest, change)


def revoke(
    home: Path, component: str, *, kind: str | None = None, index: int | None = None
) -> tuple[Grant, ...]:
    """Take grants of ``component`` away: all, those of ``kind``, or of these the one at ``index``. Which.

    What remains of an entry without grants is removed too.

    Raises:
        CallerError: if there is no such grant in the file.
        InvalidSettings, OSError: as ``add``.
    """
    gone: tuple[Grant, ...] = ()

    def change(entry: Entry | None) -> Entry | None:
        nonlocal gone
        given = entry.grants if entry is not None else ()
        gone = tuple(grant for grant in given if kind in (None, kind_of(grant)))
        if index is not None:
            gone = gone[index : index + 1] if index >= 0 else ()
        if not gone and (kind is not None or entry is None):
            what = f"no such grant of {kind} to" if kind is not None else "nothing granted to"
            raise CallerError(f"There is {what} {component} in {home / FILE_NAME}.")
        left = tuple(grant for grant in given if not any(grant is each for each in gone))
        return replace(entry, grants=left) if entry is not None and left else None

    _edit(home, component, "", change)
    return gone


def _with(given: tuple[Grant, ...], grant: Grant) -> tuple[Grant, ...]:
    """``given`` and ``grant``, which holds in place of those for the same place and tools."""
    where = place(grant)
    same = [each for each in given if where is not None and (place(each), each.tools) == (where, grant.tools)]
    if grant in given:
        earlier = same[: same.index(grant)] if same else []
        return tuple(each for each in given if not any(each is other for other in earlier))
    if not same:
        return (*given, grant)
    return tuple(grant if each is same[0] else each for each in given)


def _refuse_waiting(entry: Entry, digest: str, wishes: frozenset[str]) -> None:
    # Where the settings say which bytes are meant, this file does not.
    if digest and waits(entry, digest, wishes):
        raise CallerError(
            f"{entry.component} has grants that were given to other bytes, and they wait. Look at them: "
            f"mcp-wasm grants show {entry.component}. Then keep them: mcp-wasm grants approve "
            f"{entry.component}, or take them away: mcp-wasm grants revoke {entry.component} --all"
        )


def _edit(home: Path, component: str, digest: str, change: _Change) -> None:
    if not NAME.fullmatch(component):
        raise InvalidSettings("the component", "a name of lower-case letters, digits and _", component)
    if digest and not DIGEST.fullmatch(digest):
        raise InvalidSettings("the digest", "64 hexadecimal digits in lower case", digest)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(home / FILE_NAME):
        # A link stays, and what it leads to is replaced.
        path = (home / FILE_NAME).resolve()
        try:
            text = load(path)
        except FileNotFoundError:
            text = ""
        now = parse(text, path) if text else EMPTY
        before = now.entries.get(component)
        after = change(before)
        if same(before, after):
            return
        wanted = {name: entry for name, entry in now.entries.items() if name != component}
        if after is not None:
            wanted[component] = after
        content = changed(text, path, component, before, after, wanted).encode()
        if len(content) > LARGEST:
            raise InvalidSettings(str(path), f"at most {LARGEST:,} bytes after the change", len(content))
        replace_file(path, content)
    _note(home, component, before, after)


def _note(home: Path, component: str, before: Entry | None, after: Entry | None) -> None:
    """Write the change into the audit log; what was changed holds also where that cannot be written."""
    had, has = (entry.grants if entry is not None else () for entry in (before, after))
    digest = after.digest if after is not None else ""
    given = [grant for grant in has if grant not in had]
    taken = [grant for grant in had if grant not in has]
    records = []
    if taken:
        records.append(event("revoke", component=component, digest=digest, grants=tuple(map(_told, taken))))
    if given or not taken:
        detail = "" if given else "what it had, to other bytes or by another trust"
        fields = {"component": component, "digest": digest, "detail": detail}
        records.append(event("grant", grants=tuple(map(_told, given)), **fields))
    try:
        append(folder_of(home), records)
    except OSError as error:
        log.error("The change could not be written into the audit log: %s", error)


def _told(grant: Grant) -> str:
    """A grant in words, without a value that it gives to the guest: that may be a secret."""
    match grant:
        case Environment(name=name) | ConfigValue(key=name):
            return f"{kind_of(grant)}: {name}"
    return f"{kind_of(grant)}: {' '.join(words(grant))}"
