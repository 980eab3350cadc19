"""The tree file: which agents there are, under which supervisors. TOML to specs, strictly.

An unknown key, a wrong type or a value out of range is an error that names the file and the
key. Nothing is looked up on this machine and nothing runs; what belongs to other parts (``[mesh]``,
``[llm.NAME]``, ``[state]``) is handed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mcp_wasm.agents import tree_check
from mcp_wasm.agents.child_spec import (
    AgentSpec,
    ChildSpec,
    HealthSpec,
    MailboxSpec,
    Retries,
    SupervisorSpec,
)
from mcp_wasm.agents.tree_keys import HANDED_ON, TABLES, Key
from mcp_wasm.agents.tree_values import READERS, check_name
from mcp_wasm.capability import document, keys, values
from mcp_wasm.capability.grant import Grant
from mcp_wasm.capability.values import Place, Unfit
from mcp_wasm.component import toml_text
from mcp_wasm.component.names import nearest
from mcp_wasm.errors import InvalidSettings

LARGEST_FILE = 8 * 1024 * 1024
"""Bytes."""

_FILE = re.compile(r"/|\.(wasm|wat|py|js|ts|c)$")
_SECTIONS = ("agents", "supervisors")
_OWN_TABLES = ("mailbox", "health", "retries", "limits")
_CHILD_KEYS = ("restart", "shutdown", "significant", "links", "monitors")


@dataclass(frozen=True, slots=True)
class TreeFile:
    """What a tree file says; ``mesh``, ``llm`` and ``state`` are plain tables, None where there is none."""

    name: str
    tree: SupervisorSpec
    mesh: Mapping[str, Any] | None = None
    llm: Mapping[str, Any] | None = None
    state: Mapping[str, Any] | None = None


def sources(spec: SupervisorSpec) -> Iterator[Path]:
    """The files that the agents of a tree are made of."""
    for _, agent in agents(spec):
        if isinstance(agent.component, Path):
            yield agent.component


def agents(spec: SupervisorSpec, path: str = "") -> Iterator[tuple[str, AgentSpec]]:
    """The agents of a tree with their paths; ``path`` is that of ``spec``."""
    for each in spec.children:
        own = f"{path}/{each.id}" if path else each.id
        if isinstance(each.child, SupervisorSpec):
            yield from agents(each.child, own)
        else:
            yield own, each.child


def load(path: Path) -> TreeFile:
    """Read the file ``path``; relative paths in it begin at its folder.

    Raises:
        InvalidSettings: if it cannot be read, is no TOML, or says what cannot be.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InvalidSettings(str(path), f"at most {LARGEST_FILE:,} bytes", path.stat().st_size)
        text = path.read_text(encoding="utf-8")
        table = toml_text.loads(text)
    except OSError as error:
        raise InvalidSettings(str(path), "a file that can be read", error.strerror) from None
    except ValueError as error:
        raise InvalidSettings(str(path), "a TOML document", str(error)) from None
    return read(table, str(path), Place(path.absolute().parent, Path.home()))


def read(table: Mapping[str, Any], where: str, place: Place) -> TreeFile:
    """The tree of a document; ``where`` names the document in errors.

    Raises:
        InvalidSettings: naming the key.
    """
    return _Reader(where, place).tree_file(table)


class _Reader:
    """Reads one document; keeps its name and its place."""

    def __init__(self, where: str, place: Place) -> None:
        self._where, self._place = where, place

    def tree_file(self, table: Mapping[str, Any]) -> TreeFile:
        plain = {key: value for key, value in table.items() if key not in (*_SECTIONS, *HANDED_ON)}
        own = self._table("", "", plain, (*_SECTIONS, *HANDED_ON))
        name = own.pop("name", None) or _name_of(self._where)
        children: dict[str, ChildSpec] = {}
        orders: dict[str, tuple[str, ...]] = {}
        for section, one in (("agents", self._agent), ("supervisors", self._supervisor)):
            for id_, each in self._sub(table, section, section).items():
                at = f"{section}.{document.shown(id_)}"
                self._check_id(at, id_)
                if id_ in children:
                    raise self._wrong(at, "a name that no agent has", id_)
                children[id_] = one(id_, at, self._is_table(each, at), orders)
        if "children" in own:
            orders[""] = own.pop("children")
        tree = tree_check.joined(own, children, orders, self._wrong)
        handed = {key: self._is_table(table[key], key) if key in table else None for key in HANDED_ON}
        return TreeFile(name, tree, **handed)

    def _agent(
        self, id_: str, at: str, table: Mapping[str, Any], _orders: dict[str, tuple[str, ...]]
    ) -> ChildSpec:
        plain = {key: value for key, value in table.items() if key not in (*_OWN_TABLES, "grants")}
        own = self._table("agents.NAME", at, plain, (*_OWN_TABLES, "grants"))
        if "component" not in own:
            raise self._wrong(at, "the key component (what handles its messages)", "a table without it")
        child = {key: own.pop(key) for key in _CHILD_KEYS if key in own}
        found = {key: self._own(table, at, key) for key in _OWN_TABLES}
        spec = AgentSpec(
            **own,
            grants=self._grants(table, at),
            limits=found["limits"] or {},
            mailbox=MailboxSpec(**found["mailbox"] or {}),
            health=None if found["health"] is None else HealthSpec(**found["health"]),
            retries=Retries(**found["retries"] or {}),
        )
        return ChildSpec(id_, spec, **child)

    def _supervisor(
        self, id_: str, at: str, table: Mapping[str, Any], orders: dict[str, tuple[str, ...]]
    ) -> ChildSpec:
        own = self._table("supervisors.NAME", at, table)
        orders[id_] = own.pop("children", ())
        child = {"shutdown": None} | {key: own.pop(key) for key in _CHILD_KEYS if key in own}
        return ChildSpec(id_, SupervisorSpec(**own), **child)

    def _own(self, table: Mapping[str, Any], at: str, key: str) -> dict[str, Any] | None:
        if key not in table:
            return None
        where = f"{at}.{key}"
        return self._table(f"agents.NAME.{key}", where, self._is_table(table[key], where))

    def _grants(self, table: Mapping[str, Any], at: str) -> tuple[Grant, ...]:
        found: list[Grant] = []
        for kind, given in self._sub(table, "grants", f"{at}.grants").items():
            spot = f"{at}.grants.{document.shown(kind)}"
            several = given if isinstance(given, list) else [given]
            for index, each in enumerate(several):
                own = f"{spot}[{index}]" if isinstance(given, list) else spot
                rule = f"{own} of {Path(self._where).name}"
                found.append(document.grant(kind, each, f"{self._where}: {own}", self._place, rule=rule))
        return tuple(found)

    def _table(
        self, table: str, at: str, found: Mapping[str, Any], also: Sequence[str] = ()
    ) -> dict[str, Any]:
        known = {key.name: key for key in TABLES[table]}
        read = {}
        for name, value in found.items():
            where = f"{at}.{document.shown(name)}" if at else document.shown(name)
            if name not in known:
                close = nearest(name, (*known, *also))
                hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join((*known, *also))}"
                raise self._wrong(where, f"a key that exists ({hint})", name)
            try:
                read[name] = self._value(known[name], value)
            except Unfit as unfit:
                raise self._wrong(where, unfit.expected, value) from None
        return read

    def _value(self, key: Key, value: object) -> object:
        reader = READERS.get(key.type)
        if reader is not None:
            return reader(key, value)
        if key.type == "component":
            return self._component(value)
        same = keys.Key(key.name, cast("keys.Type", key.type), key.docs, key.least, key.most, key.choices)
        return values.check(same, value, self._place)

    def _component(self, value: object) -> str | Path:
        if not isinstance(value, str) or not values.clean(value):
            raise Unfit("a file, or the name of a published component")
        return self._place.folder / Path(value).expanduser() if _FILE.search(value) else value

    def _sub(self, table: Mapping[str, Any], key: str, at: str) -> Mapping[str, Any]:
        return self._is_table(table.get(key, {}), at)

    def _is_table(self, value: object, at: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise self._wrong(at, "a table", value)
        return value

    def _check_id(self, at: str, id_: str) -> None:
        try:
            check_name(id_)
        except Unfit as unfit:
            raise self._wrong(at, unfit.expected, id_) from None

    def _wrong(self, at: str, expected: str, found: object) -> InvalidSettings:
        return InvalidSettings(f"{self._where}: {at}", expected, found)


def _name_of(where: str) -> str:
    """A name for the tree of a file that gives none."""
    return re.sub(r"[^a-z0-9_-]", "-", Path(where).stem.lower()).strip("-_")[:63] or "main"
