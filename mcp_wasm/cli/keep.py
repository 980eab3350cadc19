"""``mcp-wasm keep``: lets a tool that a model made outlive its session. Only people do this."""

from __future__ import annotations

import argparse

from mcp_wasm.cli import terminal, wiring
from mcp_wasm.cli.publish import BY


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("name", metavar="NAME", help="what `mcp-wasm made` calls it")
    parser.add_argument(
        "--digest", default="", help="keep it only if this is its digest (the beginning of one will do)"
    )
    wiring.add_sources(parser)


def run(args: argparse.Namespace) -> int:
    """Keep it, with what a person should know of it."""
    with wiring.open_runtime(wiring.read(args)) as runtime:
        made = runtime.made.keep(args.name, by=BY, digest=args.digest)
    tools = ", ".join(made.tools)
    print(
        terminal.safe(
            f"kept {made.name}, version {made.version}, made by {made.created_by} at {made.created_at}\n"
            f"tools: {tools}\nIt holds no grants. mcp-wasm made show {made.name} shows its source."
        )
    )
    return 0
