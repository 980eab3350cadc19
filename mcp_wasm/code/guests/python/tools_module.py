"""The module ``tools`` of programs: the granted tools as functions, made from what the host lists.

Nothing here decides what may be called: the host does, at each call.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import importlib.abc
import importlib.machinery
import inspect
import json
import keyword
import sys
import types
from collections.abc import Sequence
from typing import Any

import componentize_py_types
import plain
from wit_world.imports import call as host

_NAME = "tools"
_TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}


class ToolError(Exception):
    """A tool gave no result.

    ``tool`` is its name, ``kind`` why (unknown, denied, invalid, failed, limit,
    trapped or unavailable), ``data`` the tool's own error where it failed.
    """

    def __init__(self, tool: str, kind: str, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.tool, self.kind, self.data = tool, kind, data


ToolError.__module__ = _NAME


def _called(name: str, given: dict[str, Any]) -> Any:
    try:
        text = json.dumps(_argument(given))
    except (TypeError, ValueError, RecursionError) as error:
        raise ToolError(name, "invalid", f"{name}: the arguments are no JSON: {error}") from None
    try:
        return json.loads(host.call(name, text))
    except componentize_py_types.Err as error:
        failed = error.value
    kind = type(failed).__name__.rpartition("_")[2].lower()
    raise _error(name, kind, failed.value)


def _error(name: str, kind: str, said: str) -> ToolError:
    if kind != "failed":
        return ToolError(name, kind, said if name in said else f"{name}: {said}")
    try:
        data = json.loads(said)
    except ValueError:
        data = said
    return ToolError(name, kind, f"{name} failed: {data if isinstance(data, str) else said}", data)


def _argument(value: Any) -> Any:
    """``value`` as tools take it: bytes are base64, and what else JSON has not is as it is in a result."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, dict):
        return {key: _argument(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return [_argument(part) for part in value]
    try:
        return plain.to_plain(value)
    except plain.NotPlain:
        raise TypeError(f"a {type(value).__name__} has no form in JSON") from None


def _name(name: str) -> str:
    """A parameter as Python spells it: ``from-base`` is ``from_base``, ``from`` is ``from_``."""
    spelled = name.replace("-", "_")
    return f"{spelled}_" if keyword.iskeyword(spelled) else spelled


def _function(tool: Any) -> Any:
    """A tool as a function: arguments by name, or by place in the order of its schema."""
    schema = json.loads(tool.input_schema)
    properties, required = schema.get("properties") or {}, set(schema.get("required") or ())
    spelled = {_name(name): name for name in properties}
    signature = _signature(spelled, properties, required)

    def function(*args: Any, **kwargs: Any) -> Any:
        if len(args) > len(spelled):
            raise TypeError(f"{tool.name}{signature} takes {len(spelled)} arguments, not {len(args)}")
        given = dict(zip(spelled, args, strict=False))
        twice = sorted(given.keys() & kwargs.keys())
        if twice:
            raise TypeError(f"{tool.name}{signature} was given {', '.join(twice)} twice")
        named = {spelled.get(key, key): value for key, value in (given | kwargs).items()}
        # An optional argument that is None is one that is left out.
        return _called(tool.name, {k: v for k, v in named.items() if v is not None or k in required})

    function.__name__ = function.__qualname__ = tool.name
    function.__module__ = _NAME
    function.__doc__ = _docs(tool.description, spelled, properties)
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


def _signature(spelled: dict[str, str], properties: dict[str, Any], required: set[str]) -> inspect.Signature:
    parameters = []
    for key, name in spelled.items():
        about = properties[name] if isinstance(properties[name], dict) else {}
        kind = about.get("type")
        parameters.append(
            inspect.Parameter(
                key,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if name in required else about.get("default"),
                annotation=_TYPES.get(kind, Any) if isinstance(kind, str) else Any,
            )
        )
    # Schemas may name an optional argument before a required one, which Python's grammar does not.
    return inspect.Signature(parameters, __validate_parameters__=False)


def _docs(description: str, spelled: dict[str, str], properties: dict[str, Any]) -> str:
    lines = [
        f"  {key}: {properties[name]['description']}"
        for key, name in spelled.items()
        if isinstance(properties[name], dict) and properties[name].get("description")
    ]
    return "\n".join([description, *(["", "Arguments:", *lines] if lines else [])])


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes the module when a program imports it, and asks the host for the tools only then."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(_NAME, self) if fullname == _NAME else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return types.ModuleType(_NAME, "The tools that were granted to this code, as functions.")

    def exec_module(self, module: types.ModuleType) -> None:
        _fill(module)


_filled: list[tuple[types.ModuleType, list[str]]] = []
"""Modules with the names that they have by what was granted."""


def _fill(module: types.ModuleType) -> None:
    found = {tool.name: _function(tool) for tool in host.list()}

    def names() -> list[str]:
        """The names of the tools."""
        return sorted(found)

    def missing(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module {_NAME!r} has no attribute {name!r}")
        # The host denies it, and so tells a person what was asked for, before the program has begun.
        with contextlib.suppress(componentize_py_types.Err):
            host.call(name, "{}")
        raise AttributeError(f"no tool {name!r} was granted to this code", name=name, obj=module)

    more = {"ToolError": ToolError, "names": names, **found, "__all__": [*found, "ToolError"]}
    module.__dict__.update(more)
    module.__dict__["__getattr__"] = missing
    _filled.append((module, [*more]))


def renew() -> None:
    """Before each request: in a session others may be granted now, and are listed when they are wanted."""
    for module, names in _filled:
        for name in names:
            module.__dict__.pop(name, None)
        module.__dict__["__getattr__"] = functools.partial(_wanted, module)
    _filled.clear()


def _wanted(module: types.ModuleType, name: str) -> Any:
    _fill(module)
    return getattr(module, name)


def install() -> None:
    """Let programs import ``tools``."""
    sys.meta_path.insert(0, _Finder())
