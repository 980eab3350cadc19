"""A policy document as plain values (parsed TOML) read into a ``Policy``, and grants written as plain values.

Pure and strict: an unknown key or kind, a wrong type, a value out of range is an
error that names where it stands and, where one is near, the spelling that was
meant. The form:

    [grants.NAME]              NAME is a component
    digest = "…"               SHA-256 of the bytes that a person approved
    trust = "bytes"            or "name"
    wishes = ["…"]             what it wished for then
    [[grants.NAME.KIND]]       a table or an array of tables; the keys are in ``keys``
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mcp_wasm.capability.grant import KINDS, Grant, kind_of
from mcp_wasm.capability.keys import KEYS, Key, defaults, required
from mcp_wasm.capability.policy import Entry, Policy, Trust
from mcp_wasm.capability.values import MOST, Place, Unfit, check, clean
from mcp_wasm.component.names import NAME
from mcp_wasm.errors import InvalidSettings

DIGEST = re.compile(r"[0-9a-f]{64}")
TRUST: tuple[Trust, ...] = ("bytes", "name")
OWN = ("digest", "trust", "wishes")
"""The keys of an entry that are no kinds."""

_BITS = 128
"""Longer numbers are not shown: Python refuses to write very long ones."""

_SECRET = frozenset({"value", "source"})
"""Keys whose values are not repeated in errors."""


def read(document: Mapping[str, Any], where: str, place: Place) -> Policy:
    """The policy in a document that holds nothing else; ``where`` names the file in errors.

    Raises:
        InvalidSettings: at the first thing that is wrong.
    """
    for key in document:
        if key != "grants":
            raise _unknown(f"{where}: {shown(key)}", key, ("grants",))
    return entries(document.get("grants", {}), where, place)


def entries(tables: object, where: str, place: Place, *, of: str = "") -> Policy:
    """The policy in the table ``grants`` of a document; ``of`` ends the locations of its rules.

    Raises:
        InvalidSettings: at the first thing that is wrong.
    """
    if not isinstance(tables, Mapping):
        raise InvalidSettings(f"{where}: grants", "a table", _told(tables))
    found = {}
    for name, table in tables.items():
        at = f"grants.{shown(name)}"
        if not NAME.fullmatch(name):
            raise InvalidSettings(
                f"{where}: {at}", "a component's name: lower-case letters, digits and _", name
            )
        if not isinstance(table, Mapping):
            raise InvalidSettings(f"{where}: {at}", "a table", _told(table))
        found[name] = _entry(name, table, where, at, of, place)
    return Policy(MappingProxyType(found))


def grant(kind: str, table: object, where: str, place: Place, *, rule: str = "") -> Grant:
    """One grant of a table of plain values; ``where`` names its place in errors, ``rule`` its own.

    Raises:
        InvalidSettings: if the kind, a key or a value is wrong.
    """
    if kind not in KINDS:
        raise _unknown(where, kind, tuple(KINDS), "a kind of grant")
    if not isinstance(table, Mapping):
        raise InvalidSettings(where, "a table", _told(table))
    keys = {key.name: key for key in KEYS[kind]}
    given: dict[str, Any] = {}
    for name, value in table.items():
        if name not in keys:
            raise _unknown(f"{where}.{shown(name)}", name, tuple(keys))
        given[name] = _checked(keys[name], value, f"{where}.{name}", place)
    for name in required(kind):
        if name not in given:
            raise InvalidSettings(where, f"the key {name} ({keys[name].docs})", "a table without it")
    return KINDS[kind](**given, rule=rule)


def plain(grant: Grant) -> dict[str, Any]:
    """The table of a grant, only what differs from the defaults; ``grant`` reads an equal one of it."""
    usual = defaults(kind_of(grant))
    values = {key.name: getattr(grant, key.name) for key in KEYS[kind_of(grant)]}
    missing = object()
    return {name: _plain(value) for name, value in values.items() if value != usual.get(name, missing)}


def shown(key: str) -> str:
    """A key as it can stand in a message."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", key) else json.dumps(key[:64])


def _entry(name: str, table: Mapping[str, Any], where: str, at: str, of: str, place: Place) -> Entry:  # noqa: PLR0917
    digest, trust = table.get("digest", ""), table.get("trust")
    if "digest" in table and not (isinstance(digest, str) and DIGEST.fullmatch(digest)):
        raise InvalidSettings(f"{where}: {at}.digest", "64 hexadecimal digits in lower case", _told(digest))
    if trust is not None and trust not in TRUST:
        raise InvalidSettings(f"{where}: {at}.trust", 'one of "bytes", "name"', _told(trust))
    found: list[Grant] = []
    for kind, tables in table.items():
        if kind in OWN:
            continue
        if kind not in KINDS:
            raise _unknown(f"{where}: {at}.{shown(kind)}", kind, (*OWN, *KINDS), "a kind of grant")
        for spot, each in _numbered(f"{at}.{kind}", tables):
            found.append(grant(kind, each, f"{where}: {spot}", place, rule=f"{spot}{of}"))
    wished = _wishes(table.get("wishes"), f"{where}: {at}.wishes")
    return Entry(name, digest, trust, wished, tuple(found), f"{at}{of}")


def _numbered(at: str, tables: object) -> Iterable[tuple[str, object]]:
    if not isinstance(tables, list):
        return [(at, tables)]
    return [(f"{at}[{index}]", table) for index, table in enumerate(tables)]


def _wishes(value: object, where: str) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MOST or not all(clean(each) for each in value):
        raise InvalidSettings(where, "a list of texts", _told(value))
    return frozenset(value)


def _checked(key: Key, value: object, where: str, place: Place) -> object:
    try:
        return check(key, value, place)
    except Unfit as unfit:
        found = "***" if key.name in _SECRET else _told(value)
        raise InvalidSettings(where, unfit.expected, found) from None


def _plain(value: object) -> Any:
    if value is None:
        return "none"
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _told(value: object) -> object:
    """What was found, short: tables can nest too deep to be shown."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        inside = [each for each in value[:10] if not isinstance(each, (list, Mapping))]
        return inside or "a list"
    if isinstance(value, int) and value.bit_length() > _BITS:
        return f"a number of {value.bit_length():,} bits"
    return f"{value[:80]}…" if isinstance(value, str) and len(value) > 80 else value


def _unknown(where: str, name: str, known: tuple[str, ...], what: str = "a key") -> InvalidSettings:
    close = difflib.get_close_matches(name[:64], known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
    return InvalidSettings(where, f"{what} that exists ({hint})", name[:80])
