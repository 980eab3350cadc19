"""Names and docs of WIT text, put on the types and functions that a binary has.

A binary says what is exported; WIT text says what it is called and meant for.
Where the two differ in shape the binary is right and stays as it is. It refuses
to run tools: it reads the JSON that ``wasm-tools component wit --json`` prints
(``wit-parser``'s ``Resolve``), of the binary or of WIT text beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mcp_wasm.component.docs_section import apply_package_docs, package_docs
from mcp_wasm.component.docs_text import cleaned, documented, items_of, with_item_docs, with_name
from mcp_wasm.component.shapes import with_parts
from mcp_wasm.component.types import (
    Function,
    Handle,
    Import,
    Primitive,
    Type,
    Unsupported,
    World,
    children,
)

__all__ = ["apply", "apply_package_docs", "package_docs"]

_ALIASES = 100
"""How many aliases are followed to a type."""

_DEEPEST = 100


def apply(world: World, resolve: Mapping[str, Any], *, name: str = "") -> World:
    """``world`` with the names and docs of ``resolve``; docs that it has already stay.

    ``resolve`` may hold several worlds: ``name`` chooses one (``w`` or
    ``demo:t/w``), otherwise the one that covers most exports is taken. A
    function that it does not have stays as it is.
    """
    text = _Wit(resolve)
    candidates = [w for w in text.worlds() if not name or name in text.names_of(w)]
    paths = {_unversioned(function.path) for function in world.exports}
    best = max(candidates, key=lambda w: len(paths & text.functions(w, "exports").keys()), default=None)
    if best is None:
        return world
    exports, imports = text.functions(best, "exports"), text.functions(best, "imports")
    package = _at(text.packages, best.get("package"))
    return replace(
        world,
        exports=tuple(text.described(function, exports) for function in world.exports),
        imports=tuple(_import(item, imports, text) for item in world.imports),
        docs=world.docs or _docs(best) or _docs(package),
    )


def _import(item: Import, functions: Mapping[str, list[_Found]], text: _Wit) -> Import:
    return replace(item, functions=tuple(text.described(function, functions) for function in item.functions))


_Found = tuple[str, dict[str, Any]]
"""The full path of a function and its JSON."""


class _Wit:
    """What is asked of a ``Resolve``; whatever in it is not of the expected form counts as absent."""

    def __init__(self, resolve: Mapping[str, Any]) -> None:
        self._worlds = _list(resolve.get("worlds"))
        self._interfaces = _list(resolve.get("interfaces"))
        self._types = _list(resolve.get("types"))
        self.packages = _list(resolve.get("packages"))
        self._memo: dict[tuple[int, int], tuple[Type, Type]] = {}

    def worlds(self) -> Iterator[dict[str, Any]]:
        return (world for world in self._worlds if isinstance(world, dict))

    def names_of(self, world: Mapping[str, Any]) -> set[str]:
        package = str(_at(self.packages, world.get("package")).get("name", ""))
        name = str(world.get("name", ""))
        return {name, f"{package}/{name}", f"{package.partition('@')[0]}/{name}"}

    def functions(self, world: Mapping[str, Any], side: str) -> dict[str, list[_Found]]:
        """The functions of ``imports`` or ``exports``, by their path without version."""
        found: dict[str, list[_Found]] = {}
        for path, function in self._paths(_dict(world.get(side))):
            found.setdefault(_unversioned(path), []).append((path, function))
        return found

    def described(self, function: Function, functions: Mapping[str, list[_Found]]) -> Function:
        """``function`` with names and docs of the one with its path, any version if there is one only."""
        candidates = functions.get(_unversioned(function.path), [])
        exact = [item for path, item in candidates if path == function.path]
        others = [item for _, item in candidates]
        if not exact and len(others) != 1:
            return function
        item = (exact or others)[0]
        given = _list(item.get("params"))
        typed = replace(
            function,
            params=tuple(
                replace(param, type=self._named(param.type, _at(given, index).get("type")))
                for index, param in enumerate(function.params)
            ),
            result=None if function.result is None else self._named(function.result, item.get("result")),
        )
        return documented(typed, _docs(item))

    def _paths(self, items: Mapping[str, Any]) -> Iterator[_Found]:
        for key, value in items.items():
            item = _dict(value)
            if isinstance(item.get("function"), dict):
                yield key, item["function"]
            elif "interface" in item:
                interface = _at(self._interfaces, _dict(item["interface"]).get("id"))
                full = self._interface_name(interface) or key
                for name, function in _dict(interface.get("functions")).items():
                    yield f"{full}#{name}", _dict(function)

    def _interface_name(self, interface: Mapping[str, Any]) -> str:
        """``demo:t/ops@1.0.0``, or "" for an interface without a name of its own."""
        name = interface.get("name")
        package = _at(self.packages, interface.get("package")).get("name")
        if not isinstance(name, str) or not isinstance(package, str):
            return ""
        base, at, version = package.partition("@")
        return f"{base}/{name}{at}{version}"

    def _named(self, type_: Type, ref: object, depth: int = 0) -> Type:
        if type(ref) is not int or isinstance(type_, (Primitive, Unsupported)) or depth > _DEEPEST:
            return type_
        key = (id(type_), ref)
        if key not in self._memo:
            # The old type is kept beside the new one, so that its id stays its own.
            self._memo[key] = (type_, self._renamed(type_, ref, depth))
        return self._memo[key][1]

    def _renamed(self, type_: Type, ref: int, depth: int) -> Type:
        name, docs, kind = self._definition(ref)
        if isinstance(type_, Handle):
            handle = _dict(kind.get("handle"))
            resource = _at(self._types, handle.get("own", handle.get("borrow")))
            return replace(type_, name=type_.name or cleaned(resource.get("name")))
        form = next(iter(kind), "")
        items = _items(kind.get(form))
        if form != type(type_).__name__.lower():
            return type_
        refs = _refs(kind[form])
        parts = list(children(type_))
        if len(refs) != len(parts) or tuple(item.get("name") for item in items) != items_of(type_):
            return type_
        inner = [self._named(part, ref, depth + 1) for part, ref in zip(parts, refs, strict=True)]
        named = with_name(with_parts(type_, inner), name, docs)
        return with_item_docs(named, tuple(_docs(item) for item in items))

    def _definition(self, ref: int) -> tuple[str, str, dict[str, Any]]:
        """The outermost name, the outermost docs and the kind of a type behind its aliases."""
        name = docs = ""
        kind: dict[str, Any] = {}
        for _ in range(_ALIASES):
            entry = _at(self._types, ref)
            name, docs = name or cleaned(entry.get("name")), docs or _docs(entry)
            kind = _dict(entry.get("kind"))
            if type(kind.get("type")) is not int:
                break
            ref = kind["type"]
        return name, docs, kind


def _items(form: object) -> list[dict[str, Any]]:
    """The fields, cases or flags of a kind; empty where it has none."""
    for key in ("fields", "cases", "flags"):
        if isinstance(form, dict) and key in form:
            return [_dict(item) for item in _list(form[key])]
    return []


def _refs(form: object) -> list[object]:
    """The types inside a kind, in the order of ``types.children``."""
    if not isinstance(form, dict):
        return [form]
    if "types" in form:
        return _list(form["types"])
    if "ok" in form or "err" in form:
        return [form[side] for side in ("ok", "err") if form.get(side) is not None]
    return [item["type"] for item in _items(form) if item.get("type") is not None]


def _unversioned(path: str) -> str:
    interface, mark, name = path.rpartition("#")
    return f"{interface.partition('@')[0]}{mark}{name}"


def _docs(entry: Mapping[str, Any]) -> str:
    return cleaned(_dict(entry.get("docs")).get("contents"))


def _at(items: list[Any], index: object) -> dict[str, Any]:
    return _dict(items[index]) if type(index) is int and 0 <= index < len(items) else {}


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
