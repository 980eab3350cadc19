"""``mcp-wasm inspect``: what a component says of itself, and what it would be allowed; nothing of it runs."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_wasm.capability.capability import WORDS, Need, need
from mcp_wasm.cli import settings, terminal, wiring
from mcp_wasm.cli.list import document
from mcp_wasm.component import handles, names, schema
from mcp_wasm.component.signature import signature
from mcp_wasm.component.types import World
from mcp_wasm.errors import ComponentRefused
from mcp_wasm.registry.tool import Refusal, Tool

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found; ``refused`` says why the whole component is not published, or is None."""

    path: Path
    name: str
    size: int
    digest: str
    world: World
    wit: str
    tools: tuple[Tool, ...]
    exports: tuple[Refusal, ...]
    refused: ComponentRefused | None


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a component, .wasm or .wat")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--wit", action="store_true", help="print its world as WIT and nothing else")
    form.add_argument("--json", action="store_true", help="print a JSON document with the schemas")
    parser.add_argument(
        "--name", help="name it would be published by (default: its manifest's, or the file's stem)"
    )


def run(args: argparse.Namespace) -> int:
    """Print what was found; a component that would be refused is described too, with exit code 2."""
    with wiring.new_runtime(settings.read(args)) as runtime:
        found = _look(runtime, args.file, args.name)
    if args.wit:
        terminal.print_text(found.wit)
    elif args.json:
        terminal.print_json(_document(found))
    else:
        print(terminal.safe("\n".join(_lines(found))))
    if found.refused is not None:
        raise found.refused
    return 0


def _look(runtime: Runtime, path: Path, name: str | None) -> Findings:
    from mcp_wasm.sandbox.inspect import read_binary  # loads the engine

    binary = read_binary(path)
    digest = hashlib.sha256(binary).hexdigest()
    try:
        seen = runtime.inspect(path, name=name)
    except ComponentRefused as refused:
        world, wit = _world(binary, path)
        called = names.component_name(name or path.stem)
        return Findings(path, called, len(binary), digest, world, wit, (), _unpublished(world), refused)
    return Findings(
        path, seen.name, len(binary), digest, seen.world, seen.wit, seen.tools, seen.refused, None
    )


def _world(binary: bytes, path: Path) -> tuple[World, str]:
    """The world of a component that is not published.

    Raises:
        ComponentRefused: if not even that can be read.
    """
    from mcp_wasm.sandbox.children import Children
    from mcp_wasm.sandbox.inspect import inspect

    children = Children()
    try:
        seen = inspect(binary, str(path), children)
    finally:
        children.close()
    return seen.world, seen.text


def _unpublished(world: World) -> tuple[Refusal, ...]:
    reasons = ((f.path, schema.unpublishable(f)) for f in world.exports if not names.is_internal(f))
    return tuple(Refusal(path, reason or "its component is refused") for path, reason in reasons)


def _lines(found: Findings) -> Iterable[str]:
    yield f"{found.path}: {terminal.size(found.size)}, sha256 {found.digest}"
    yield f"component {found.name}"
    yield "\ntools:" if found.tools else "\ntools: none"
    for tool in found.tools:
        yield f"  {tool.name}"
        yield f"    {signature(tool.function)}"
        yield f"    {terminal.sentence(tool.description)}"
        yield f"    takes {_compact(tool.input_schema)}"
        if tool.output_schema is not None:
            yield f"    gives {_compact(tool.output_schema)}"
    if found.exports:
        yield "\nexports that are no tools:"
        for refusal in found.exports:
            yield f"  {refusal.path}: {refusal.reason}"
    lasting = _lasting(found)
    yield from _imports(found.world, nothing_else=not lasting)
    if lasting:
        yield f"\nkeep resources between calls: {', '.join(lasting)}"
        yield f"  sessions, which a person grants: mcp-wasm grants add {found.name} sessions"


def _imports(world: World, *, nothing_else: bool) -> Iterable[str]:
    needs = _needs(world)
    yield "\nimports:" if needs else "\nimports: none"
    for name, wish in needs:
        if wish.kind != "base":
            yield f"  {name}: {wish.kind}, it wants to {wish.words}"
    base = [name for name, wish in needs if wish.kind == "base"]
    if base:
        yield f"  base, to {WORDS['base']}: {', '.join(base)}"
    if len(base) == len(needs) and nothing_else:
        yield "it needs nothing that must be granted"


def _lasting(found: Findings) -> list[str]:
    """The tools that take or give resources, so that their calls need a session."""
    return [tool.name for tool in found.tools if handles.carries(tool.function)]


def _compact(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))


def _needs(world: World) -> list[tuple[str, Need]]:
    """The imports by what they ask for; types alone and parts of the component itself ask for nothing."""
    return [(item.name, need(item.name)) for item in world.imports if item.kind not in ("module", "type")]


def _document(found: Findings) -> dict[str, Any]:
    refused = found.refused
    return {
        "file": str(found.path),
        "component": found.name,
        "bytes": found.size,
        "digest": found.digest,
        "tools": [{**document(tool), "signature": signature(tool.function)} for tool in found.tools],
        "notTools": [{"export": each.path, "reason": each.reason} for each in found.exports],
        "imports": [
            {"name": name, "capability": wish.kind, "meaning": f"it wants to {wish.words}"}
            for name, wish in _needs(found.world)
        ],
        "sessions": _lasting(found),
        "refused": None if refused is None else {"reason": refused.reason, "hint": refused.hint},
        "wit": found.wit,
    }
