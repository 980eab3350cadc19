"""Publishing, on one screen: a component file in, named and typed tools out.

Inspected, checked, named; nothing of the guest runs and nothing large is
compiled. What was read of a binary is kept in the cache by its digest, so that
a server that starts again only has to hash it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_wasm.capability.capability import need
from mcp_wasm.capability.wishes import wishes
from mcp_wasm.component import docs, encode, names, schema
from mcp_wasm.component.types import Function, World
from mcp_wasm.errors import ComponentRefused
from mcp_wasm.registry import sources
from mcp_wasm.registry.tool import Component, Refusal, Tool
from mcp_wasm.sandbox import inspect
from mcp_wasm.sandbox.artifacts import Cache
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.linker import unlinkable

_log = logging.getLogger(__name__)
_FORMAT = 2


def publish(
    found: sources.Source, cache: Cache, limits: Limits, children: Children, name: str | None = None
) -> Component:
    """The component in a file, with its tools and with the reason for each export that is none.

    ``name`` wins over the manifest's name, which wins over the file's stem.
    What looks at the binary in processes of its own belongs to ``children``.

    Raises:
        ComponentRefused: if the file is no component that can run here.
    """
    binary = inspect.read_binary(found.path)
    digest = hashlib.sha256(binary).hexdigest()
    manifest = _Manifest(sources.manifest(found), str(found.manifest))
    world, wit = _described(binary, digest, found, cache, children)
    component = names.component_name(name or manifest.text("name") or found.path.stem)
    if component in names.RESERVED:
        reason = f"the name {component} is kept for code that models send"
        raise ComponentRefused(str(found.path), reason, "Rename the file, or say `name` in its manifest")
    reason = unlinkable(world.imports)
    if reason:
        raise ComponentRefused(str(found.path), reason, "`mcp-wasm inspect` lists what it imports")
    tools, refused = tools_of(component, digest, world, manifest.values, manifest.where)
    if not tools:
        listed = "; ".join(f"{r.path}: {r.reason}" for r in refused[:5]) or "it exports no function"
        raise ComponentRefused(str(found.path), f"it has nothing to publish ({listed})")
    for refusal in refused:
        _log.info("%s: %s is not published: %s", component, refusal.path, refusal.reason)
    needs = tuple(name for name, kind in _wanted(world).items() if kind != "base")
    return Component(
        component,
        digest,
        found.path,
        world,
        wit,
        limits,
        manifest.values,
        tools,
        refused,
        needs,
        wishes(_wanted(world), manifest.values),
    )


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What a manifest says; of it, names, titles and descriptions are used here."""

    values: Mapping[str, Any]
    where: str

    def text(self, key: str, of: Mapping[str, Any] | None = None) -> str:
        value = (self.values if of is None else of).get(key, "")
        if not isinstance(value, str):
            raise ComponentRefused(self.where, f"`{key}` is not a text")
        return value

    def tool(self, function: Function) -> Mapping[str, Any]:
        """The table ``[tools.NAME]`` of a function, by its path or its name."""
        tables = self.values.get("tools", {})
        for key in (function.path, function.name):
            table = tables.get(key) if isinstance(tables, dict) else None
            if isinstance(table, dict):
                return table
        return {}


def tools_of(
    component: str, digest: str, world: World, values: Mapping[str, Any], where: str = ""
) -> tuple[tuple[Tool, ...], tuple[Refusal, ...]]:
    """What a component with these exports publishes, and why it does not publish the rest.

    ``values`` is its manifest, which ``where`` names in errors; it may be empty.

    Raises:
        ComponentRefused: if the manifest has something else where a text belongs.
    """
    manifest = _Manifest(values, where)
    typed, refused = _sort(world.exports)
    named = names.tool_names(component, [function for function, _, _ in typed])
    kinds = set(_wanted(world).values())
    tools = []
    for function, input_schema, output_schema in typed:
        table = manifest.tool(function)
        tools.append(
            Tool(
                name=named[function.path],
                title=manifest.text("title", table) or _title(component, function),
                description=manifest.text("description", table)
                or function.docs
                or _fallback(component, function),
                input_schema=input_schema,
                output_schema=output_schema,
                function=function,
                component=component,
                digest=digest,
                read_only=kinds <= {"base"},
                open_world=not kinds.isdisjoint({"network", "tools"}),  # the other tools may use the network
            )
        )
    return tuple(sorted(tools, key=lambda tool: tool.name)), tuple(refused)


def _wanted(world: World) -> dict[str, str]:
    """The imports that could do something, with what each asks for; types alone can do nothing."""
    return {item.name: need(item.name).kind for item in world.imports if item.kind != "type"}


_Typed = tuple[Function, dict[str, Any], dict[str, Any]]
"""A function with its input and its output schema."""


def _sort(exports: Iterable[Function]) -> tuple[list[_Typed], list[Refusal]]:
    """The functions that become tools, and why the others do not."""
    typed: list[_Typed] = []
    refused: list[Refusal] = []
    for function in exports:
        if names.is_internal(function):
            refused.append(Refusal(function.path, "it belongs to the toolchain"))
        elif names.is_command(function):
            reason = "it is a command (wasi:cli/run), which has no typed interface"
            refused.append(Refusal(function.path, reason))
        else:
            try:
                typed.append((function, schema.input_schema(function), schema.output_schema(function)))
            except schema.Unpublishable as refusal:
                refused.append(Refusal(function.path, str(refusal)))
    return typed, refused


def _title(component: str, function: Function) -> str:
    words = f"{component} {function.name}".replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def _fallback(component: str, function: Function) -> str:
    return f"Calls `{function.path}` of the component {component}, whose author wrote no description."


def _described(
    binary: bytes, digest: str, found: sources.Source, cache: Cache, children: Children
) -> tuple[World, str]:
    """The world of a binary with its docs, and its WIT text; from the cache where it is known."""
    beside = hashlib.sha256(repr(found.signature[1:]).encode()).hexdigest()[:16] if found.wit else "none"
    entry = f"world-{_FORMAT}-{digest}-{beside}"
    kept = cache.read(entry)
    if kept is not None:
        try:
            document = json.loads(kept)
            return encode.world_from_json(document["world"]), document["wit"]
        except (ValueError, KeyError):
            cache.remove(entry)  # written by another version of this package
    world, wit = _inspected(binary, found, children)
    cache.write(entry, json.dumps({"world": encode.world_to_json(world), "wit": wit}).encode())
    return world, wit


def _inspected(binary: bytes, found: sources.Source, children: Children) -> tuple[World, str]:
    seen = inspect.inspect(binary, str(found.path), children)
    world, text = seen.world, seen.text
    if found.wit is not None:
        beside = inspect.wit_resolve(found.wit, children)
        if beside is None:
            raise ComponentRefused(str(found.wit), "it is not WIT that wasm-tools can read")
        world, text = docs.apply(world, beside), inspect.wit_text(found.wit, children) or text
    if (carried := docs.package_docs(binary)) is not None:
        world = docs.apply_package_docs(world, carried)
    if seen.resolve is not None:
        world = docs.apply(world, seen.resolve)
    return world, text
