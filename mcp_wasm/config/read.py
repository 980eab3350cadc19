"""The settings file ``mcp-wasm.toml`` read into a ``Config``.

Strict: an unknown key, a wrong type or a value out of range is an error that
names the file and the key. Nothing here reads the environment or knows of
flags: the command line does, and lays them over what was read.

A settings file that lies in the working folder may have come with a project
that someone else wrote, so it cannot set what would reach beyond the sandbox
(``Key.trusted``) nor raise a limit, unless a person names it with ``--config``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_wasm.capability.document import entries
from mcp_wasm.capability.policy import EMPTY, Policy
from mcp_wasm.capability.sizes import parse_size
from mcp_wasm.capability.values import Place
from mcp_wasm.component import toml_text
from mcp_wasm.component.names import NAME, nearest
from mcp_wasm.config import access, llm, mesh
from mcp_wasm.config.key import Key, Kind
from mcp_wasm.config.keys import TABLES
from mcp_wasm.config.model import Config, Http
from mcp_wasm.config.state import state
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.llm.options import LlmOptions
from mcp_wasm.registry.index import ToolSetting
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.server.access import Access
from mcp_wasm.server.options import ServerOptions

_LARGEST_FILE = 1024 * 1024

_EXPECTED: Mapping[Kind, str] = {
    "flag": "true or false",
    "integer": "an integer",
    "number": "a number",
    "size": 'a number of bytes or a text such as "64 MiB"',
    "text": "a text that is not empty",
    "secret": "a text that is not empty",
    "name": "a name of at most 48 lower-case letters, digits and _",
    "folder": "the path of a folder",
    "file": "the path of a file",
    "folders": "a list of paths",
    "texts": "a list of texts",
}


def load(path: Path, *, trusted: bool = True) -> Config:
    """Read the settings file ``path``; relative folders in it start at its own folder.

    Raises:
        InvalidSettings: for a file that cannot be read, is no TOML, or holds a key or value
            that is not allowed; with ``trusted`` False also for keys that need trust.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InvalidSettings(str(path), f"at most {_LARGEST_FILE:,} bytes", path.stat().st_size)
        document = toml_text.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettings(str(path), "a file that can be read", error.strerror) from None
    except ValueError as error:
        raise InvalidSettings(str(path), "a TOML document", str(error)) from None
    return _Reader(path, trusted).config(document)


def tables(document: Mapping[str, Any], path: Path) -> Config:
    """What the tables of settings say that stand in another file of a person's, ``path``.

    Raises:
        InvalidSettings: naming that file and the key.
    """
    return _Reader(path, trusted=True).config(document)


class _Reader:
    """Reads one document; keeps which file it is and how far it is trusted."""

    def __init__(self, path: Path, trusted: bool) -> None:
        self._path, self._trusted = path, trusted

    def config(self, document: Mapping[str, Any]) -> Config:
        tables = (
            *("audit", "cache", "component", "grants", "http"),
            *("limits", "llm", "mesh", "oauth", "server", "state", "tokens", "tools"),
        )
        plain = {key: value for key, value in document.items() if key not in tables}
        values = self._table("", "", plain, also=tables)
        limits = self._limits("limits", Limits(), self._sub(document, "limits"))
        cache = self._table("cache", "cache", self._sub(document, "cache"))
        http = self._table("http", "http", self._sub(document, "http"))
        if "size" in cache:
            values["cache_bytes"] = cache["size"]
        return Config(
            source=self._path,
            http=Http(**{key: http[key] for key in ("host", "port", "token") if key in http}),
            access=self._access(document, http),
            tokens=self._tokens(self._sub(document, "tokens")),
            audit=access.audit(self._table("audit", "audit", self._sub(document, "audit"))),
            state=state(self._table("state", "state", self._sub(document, "state"))),
            llm=self._llm(self._sub(document, "llm")),
            mesh=self._mesh(document),
            server=ServerOptions(**self._table("server", "server", self._sub(document, "server"))),
            limits=limits,
            component_limits=self._component_limits(self._sub(document, "component"), limits),
            tools=self._tools(self._sub(document, "tools")),
            grants=self._grants(document),
            **values,
        )

    def _access(self, document: Mapping[str, Any], http: Mapping[str, Any]) -> Access:
        if "oauth" not in document:
            return access.access(http, None, {}, str(self._path))
        own, limits = self._with_limits("oauth", "oauth", self._sub(document, "oauth"))
        return access.access(http, own, limits, str(self._path))

    def _tokens(self, tokens: Mapping[str, Any]) -> tuple[access.TokenSetting, ...]:
        found = []
        for name in tokens:
            where = f"tokens.{name}"
            self._check_name(where, name)
            own, limits = self._with_limits("tokens.NAME", where, self._sub(tokens, name, where))
            found.append(access.token(name, own, limits, str(self._path)))
        return tuple(found)

    def _llm(self, providers: Mapping[str, Any]) -> LlmOptions:
        """The providers, in the order in which the file has them: that is the order of trying."""
        found = []
        for name in providers:
            where = f"llm.{name}"
            self._check_name(where, name)
            values = self._table("llm.NAME", where, self._sub(providers, name, where))
            found.append(llm.provider(name, values, self._path))
        return LlmOptions(tuple(found))

    def _mesh(self, document: Mapping[str, Any]) -> mesh.MeshSettings | None:
        """How the mesh is reached, where there is to be one."""
        if "mesh" not in document:
            return None
        table = self._sub(document, "mesh")
        users = self._sub(table, "users", "mesh.users")
        for name in users:
            self._check_name(f"mesh.users.{name}", name)
        own = {key: value for key, value in table.items() if key != "users"}
        return mesh.mesh(
            self._table("mesh", "mesh", own, also=("users",)),
            {
                name: self._table(
                    "mesh.users.NAME", f"mesh.users.{name}", self._sub(users, name, "mesh.users")
                )
                for name in users
            },
            self._path,
        )

    def _with_limits(
        self, table: str, where: str, found: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The keys of a table, and those of the limits in it."""
        own = {key: value for key, value in found.items() if key != "limits"}
        limits = self._sub(found, "limits", f"{where}.limits")
        return (
            self._table(table, where, own, also=("limits",)),
            self._table(f"{table}.limits", f"{where}.limits", limits),
        )

    def _grants(self, settings: Mapping[str, Any]) -> Policy:
        """What the settings grant: a file that came with somebody else's project grants nothing."""
        if "grants" not in settings:
            return EMPTY
        if not self._trusted:
            expected = "no grants in a file that lies in the working folder (name it with --config)"
            raise self._wrong("grants", expected, "a table")
        if os.name == "posix" and self._path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            expected = f"a file that only you can write (type: chmod go-w {self._path})"
            raise self._wrong("grants", expected, "one that others can")
        place = Place(self._path.absolute().parent, Path.home())
        return entries(settings["grants"], str(self._path), place, of=f" of {self._path.name}")

    def _component_limits(self, components: Mapping[str, Any], limits: Limits) -> Mapping[str, Limits]:
        found = {}
        for name in components:
            where = f"component.{name}"
            self._check_name(where, name)
            component = self._sub(components, name, where)
            for key in component:
                if key != "limits":
                    raise self._unknown(f"{where}.{key}", key, ("limits",))
            found[name] = self._limits(f"{where}.limits", limits, self._sub(component, "limits", where))
        return found

    def _tools(self, tools: Mapping[str, Any]) -> Mapping[str, ToolSetting]:
        found: dict[str, ToolSetting] = {}
        published: dict[str, str] = {}
        for name in tools:
            where = f"tools.{name}"
            self._check_name(where, name)
            setting = ToolSetting(**self._table("tools.NAME", where, self._sub(tools, name, where)))
            if setting.name is not None and published.setdefault(setting.name, name) != name:
                expected = f"a name that no other tool has (tools.{published[setting.name]} has it)"
                raise self._wrong(f"{where}.name", expected, setting.name)
            found[name] = setting
        return found

    def _limits(self, where: str, base: Limits, table: Mapping[str, Any]) -> Limits:
        values = self._table("limits", where, table)
        for name, value in values.items():
            allowed = getattr(Limits(), name)
            if not self._trusted and value > allowed:
                expected = f"at most {allowed:,}: only a file named with --config may raise a limit"
                raise self._wrong(f"{where}.{name}", expected, value)
        return replace(base, **values)

    def _sub(self, table: Mapping[str, Any], name: str, within: str = "") -> Mapping[str, Any]:
        value = table.get(name, {})
        if not isinstance(value, dict):
            raise self._wrong(within or name, "a table", value)
        return value

    def _table(
        self, table: str, where: str, found: Mapping[str, Any], also: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        keys = {key.name: key for key in TABLES[table]}
        values = {}
        for name, value in found.items():
            path = f"{where}.{name}" if where else name
            if name not in keys:
                raise self._unknown(path, name, (*keys, *also))
            if keys[name].trusted and not self._trusted:
                expected = "no such key in a file that lies in the working folder (name it with --config)"
                raise self._wrong(path, expected, "***" if keys[name].kind == "secret" else value)
            values[name] = self._value(path, keys[name], value)
        return values

    def _value(self, where: str, key: Key, value: object) -> object:
        match key.kind:
            case "flag" if isinstance(value, bool):
                return value
            case "integer" | "number" | "size":
                return self._number(where, key, value)
            case "name" if isinstance(value, str) and NAME.fullmatch(value):
                return value
            case "text" | "secret" if isinstance(value, str) and value.strip():
                if key.choices and value not in key.choices:
                    raise self._wrong(where, f"one of {', '.join(key.choices)}", value)
                return value
            case "folder" | "file" if isinstance(value, str) and value:
                return self._folder(value)
            case "folders" | "texts" if isinstance(value, list) and all(
                isinstance(v, str) and v for v in value
            ):
                return tuple(self._folder(v) if key.kind == "folders" else v for v in value)
        raise self._wrong(where, _EXPECTED[key.kind], "***" if key.kind == "secret" else value)

    def _number(self, where: str, key: Key, value: object) -> float:
        number = parse_size(value) if key.kind == "size" and isinstance(value, str) else value
        kinds = (int, float) if key.kind == "number" else (int,)
        if isinstance(number, bool) or not isinstance(number, kinds):
            raise self._wrong(where, _EXPECTED[key.kind], value)
        if not key.least <= number <= key.most:
            raise self._wrong(where, f"{_EXPECTED[key.kind]} from {key.least:,} to {key.most:,}", value)
        return number

    def _folder(self, text: str) -> Path:
        return (self._path.absolute().parent / Path(text).expanduser()).resolve()

    def _check_name(self, where: str, name: str) -> None:
        if not NAME.fullmatch(name):
            raise self._wrong(where, "a name of lower-case letters, digits and _", name)

    def _unknown(self, where: str, name: str, known: tuple[str, ...]) -> InvalidSettings:
        close = nearest(name, known)
        hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
        return self._wrong(where, f"a key that exists ({hint})", name)

    def _wrong(self, where: str, expected: str, found: object) -> InvalidSettings:
        return InvalidSettings(f"{self._path}: {where}", expected, found)
