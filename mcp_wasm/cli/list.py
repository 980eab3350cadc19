"""``mcp-wasm list``: the tools that would be served."""

from __future__ import annotations

import argparse
from typing import Any

from mcp_wasm.cli import terminal, wiring
from mcp_wasm.registry.tool import Tool


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    wiring.add_sources(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON document with the schemas")


def run(args: argparse.Namespace) -> int:
    """Print the tools; what could not be published goes to stderr."""
    with wiring.open_runtime(wiring.read(args)) as runtime:
        tools, refused = runtime.tools, runtime.refused
    if args.json:
        not_published = [{"file": str(p), "reason": e.reason, "hint": e.hint} for p, e in refused.items()]
        terminal.print_json({"tools": [document(tool) for tool in tools], "refused": not_published})
        return 0
    rows = [(tool.name, tool.component, terminal.sentence(tool.description)) for tool in tools]
    if rows:
        print(terminal.table([("TOOL", "COMPONENT", "DESCRIPTION"), *rows]))
    else:
        terminal.note(
            "No tools. Add a component: mcp-wasm add FILE, or build the bundled ones: mcp-wasm build"
        )
    return 0


def document(tool: Tool) -> dict[str, Any]:
    """A tool as JSON: names as MCP has them."""
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": dict(tool.input_schema),
        "outputSchema": dict(tool.output_schema) if tool.output_schema is not None else None,
        "component": tool.component,
        "function": tool.function.path,
        "digest": tool.digest,
        "readOnly": tool.read_only,
        "openWorld": tool.open_world,
    }
