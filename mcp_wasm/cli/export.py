"""``mcp-wasm export``: a tool made of code as a component of its own, which any component runtime runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from mcp_wasm.cli import terminal, wiring


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("name", metavar="NAME", help="what `mcp-wasm made` calls it")
    parser.add_argument(
        "-o",
        "--out",
        metavar="OUT",
        type=Path,
        default=Path(),
        help="a folder, or the path of the .wasm file; its WIT is written beside it (default: this folder)",
    )
    wiring.add_sources(parser)


def run(args: argparse.Namespace) -> int:
    """Compile it if need be, and write it."""
    with wiring.open_runtime(wiring.read(args)) as runtime, terminal.Progress() as progress:
        path = runtime.made.export(args.name, args.out, progress.step)
    print(terminal.safe(str(path)))
    return 0
