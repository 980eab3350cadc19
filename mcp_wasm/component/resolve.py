"""Interfaces out of the JSON of WIT text: what ``wasm-tools component wit --json`` prints, as our types.

Pure. A binary is read through the engine instead (``sandbox.inspect``), which
is right where the two differ; this is for WIT that has no binary, such as that
of the interfaces which the host implements. Source: ``wit-parser``'s ``Resolve``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_wasm.component import types as wit

_INTEGERS = frozenset(wit.INTEGER_RANGES)
_PRIMITIVES = _INTEGERS | {"bool", "f32", "f64", "char", "string"}


def interfaces(resolve: Mapping[str, Any], package: str) -> dict[str, tuple[wit.Function, ...]]:
    """The functions of every interface of ``package`` (``wasi:http@0.2.12``), by the interface's full name.

    A handle's ``name`` is that of its resource.

    Raises:
        ValueError: for a package that is not there, or a type that no value can carry.
    """
    reader = _Reader(resolve)
    found = [p for p in resolve["packages"] if p["name"] == package]
    if not found:
        raise ValueError(f"there is no package {package}")
    base, at, version = package.partition("@")
    return {
        f"{base}/{name}{at}{version}": reader.functions(f"{base}/{name}{at}{version}", number)
        for name, number in found[0]["interfaces"].items()
    }


class _Reader:
    def __init__(self, resolve: Mapping[str, Any]) -> None:
        self._interfaces, self._types = resolve["interfaces"], resolve["types"]

    def functions(self, interface: str, number: int) -> tuple[wit.Function, ...]:
        return tuple(
            wit.Function(
                interface,
                name,
                tuple(wit.Param(param["name"], self._type(param["type"])) for param in function["params"]),
                self._optional(function.get("result")),
            )
            for name, function in self._interfaces[number]["functions"].items()
        )

    def _optional(self, ref: object) -> wit.Type | None:
        return None if ref is None else self._type(ref)

    def _type(self, ref: object) -> wit.Type:
        if isinstance(ref, str):
            if ref not in _PRIMITIVES:
                raise ValueError(f"no value can carry {ref}")
            return wit.Primitive(ref)  # type: ignore[arg-type]
        entry = self._types[ref]
        kind = entry["kind"]
        form, inside = next(iter(kind.items())) if isinstance(kind, dict) else (kind, {})
        if form == "type":
            return self._type(inside)
        if form == "handle":
            ((ownership, resource),) = inside.items()
            return wit.Handle(ownership == "own", self._resource(resource))
        return self._compound(form, inside, entry.get("name") or "")

    def _compound(self, form: str, inside: Any, name: str) -> wit.Type:
        match form:
            case "list":
                return wit.List(self._type(inside), name)
            case "option":
                return wit.Option(self._type(inside), name)
            case "tuple":
                return wit.Tuple(tuple(self._type(each) for each in inside["types"]), name)
            case "result":
                return wit.Result(self._optional(inside.get("ok")), self._optional(inside.get("err")), name)
            case "record":
                fields = tuple(wit.Field(f["name"], self._type(f["type"])) for f in inside["fields"])
                return wit.Record(fields, name)
            case "variant":
                cases = tuple(wit.Case(c["name"], self._optional(c.get("type"))) for c in inside["cases"])
                return wit.Variant(cases, name)
            case "enum":
                return wit.Enum(tuple(case["name"] for case in inside["cases"]), name)
            case "flags":
                return wit.Flags(tuple(flag["name"] for flag in inside["flags"]), name)
        raise ValueError(f"no value can carry {form}")

    def _resource(self, ref: int) -> str:
        """The name of a resource behind its aliases."""
        entry = self._types[ref]
        while isinstance(entry["kind"], dict) and "type" in entry["kind"]:
            entry = self._types[entry["kind"]["type"]]
        return str(entry["name"])
