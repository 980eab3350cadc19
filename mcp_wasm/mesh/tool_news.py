"""What a node tells others of a component whose tools it serves, and the same read back. Pure.

Types travel, not schemas: whoever hears of a tool makes its schemas of the types as for a component
of its own, and checks arguments and results against them. Titles and descriptions are words of a
stranger to a model, as a component's own docs are.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mcp_wasm.component import encode, names
from mcp_wasm.component.types import Function, Handle, Type, World, children
from mcp_wasm.errors import ComponentRefused
from mcp_wasm.mesh.announcement import ComponentNews, unpacked
from mcp_wasm.mesh.envelope import EnvelopeRefused, read_json
from mcp_wasm.publish import tools_of
from mcp_wasm.registry.tool import Component, Remote, Tool
from mcp_wasm.sandbox.limits import Limits

MOST_BYTES = 4 * 1024 * 1024
"""Bytes of what is told of one component."""

_SHOWN = 8000
_DIGEST = 64


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a component: ``packed`` travels, ``news`` names it."""

    news: ComponentNews
    packed: bytes


def told(component: Component, shown: Collection[Tool] | None = None) -> Told | None:
    """What others are told of ``component``; None where nothing of it can be called from elsewhere.

    ``shown`` are the tools that this node shows (None: all): what a person hid is not served.
    """
    paths = {tool.function.path for tool in shown or () if tool.component == component.name}
    served = {
        tool.function.path
        for tool in component.tools
        if not _keeps(tool.function) and (shown is None or tool.function.path in paths)
    }
    exports = tuple(each for each in component.world.exports if each.path in served)
    if not exports:
        return None
    imports = tuple(replace(each, functions=()) for each in component.world.imports)
    value = {
        "name": component.name,
        "digest": component.digest,
        "world": encode.world_to_json(World(imports, exports, "")),
        "tools": {
            tool.function.path: {"title": tool.title, "description": tool.description[:_SHOWN]}
            for tool in component.tools
            if tool.function.path in served
        },
    }
    text = json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    if len(text) > MOST_BYTES:
        return None
    return Told(ComponentNews(component.digest, hashlib.sha256(text).hexdigest()), zlib.compress(text))


def component_in(packed: bytes, name: str, news: ComponentNews, limits: Limits, remote: Remote) -> Component:
    """The component ``name`` that ``news`` names, whose calls go by ``remote``.

    Raises:
        EnvelopeRefused: it is not what was announced, or no component that could be here.
    """
    text = unpacked(packed, MOST_BYTES)
    if hashlib.sha256(text).hexdigest() != news.shown:
        raise EnvelopeRefused(f"what is told of {name} is not what was announced")
    match read_json(text):
        case {
            "name": str() as own,
            "digest": str() as digest,
            "world": dict() as data,
            "tools": dict() as tools,
        }:
            if own != name or digest != news.digest or len(digest) != _DIGEST:
                raise EnvelopeRefused(f"what is told of {name} is of another component")
        case _:
            raise EnvelopeRefused(f"what is told of {name} has not its form")
    if not names.NAME.fullmatch(name) or name in names.RESERVED:
        raise EnvelopeRefused(f"{name[:80]!r} may not be the name of a component")
    try:
        world = encode.world_from_json(data)
        if any(_keeps(function) for function in world.exports):
            raise EnvelopeRefused(f"a tool of {name} takes or gives handles, which stay in their node")
        found, refused = tools_of(name, digest, world, {"tools": _texts(tools)}, f"what is told of {name}")
    except (ValueError, RecursionError, ComponentRefused) as error:
        raise EnvelopeRefused(f"the types of {name} are none ({type(error).__name__})") from None
    return Component(
        name, digest, Path(f"{name}.remote"), world, "", limits, {}, found, refused, remote=remote
    )


def exported(components: Iterable[Component]) -> dict[str, tuple[str, ...]]:
    """The interfaces that components export, and which of them do."""
    found: dict[str, list[str]] = {}
    for component in components:
        for interface in sorted({each.interface for each in component.world.exports if each.interface}):
            found.setdefault(interface, []).append(component.name)
    return {interface: tuple(who) for interface, who in found.items()}


def _texts(tools: dict[str, Any]) -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = {}
    for path, table in tools.items():
        match table:
            case {"title": str() as title, "description": str() as description}:
                texts[path] = {"title": title[:200], "description": description[:_SHOWN]}
            case _:
                raise EnvelopeRefused("what is told of a tool has not its form")
    return texts


def _keeps(function: Function) -> bool:
    """Whether it takes or gives handles, which belong to a session of one node."""
    types = [param.type for param in function.params]
    return any(map(_has_handle, types if function.result is None else [*types, function.result]))


def _has_handle(type_: Type) -> bool:
    seen: set[int] = set()
    left = [type_]
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Handle):
            return True
        left.extend(children(each))
    return False
