"""``mcp-wasm remove``: removes a component that was added."""

from __future__ import annotations

import argparse

from mcp_wasm.cli import settings, terminal, wiring
from mcp_wasm.cli.add import delete, files_of
from mcp_wasm.component.names import NAME, nearest
from mcp_wasm.errors import CallerError
from mcp_wasm.registry import sources


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("name", metavar="NAME", help="the component's name, as `mcp-wasm list` shows it")


def run(args: argparse.Namespace) -> int:
    """Remove its files, the component first, so that a server that watches never sees it bare."""
    config = settings.read(args)
    folder = wiring.added(config)
    files = files_of(args.name, folder) if NAME.fullmatch(args.name) else []
    if not files:
        if (wiring.built(config) / f"{args.name}.wasm").is_file() and NAME.fullmatch(args.name):
            raise CallerError(
                f"{args.name} comes with the package and was not added. To leave it out, write "
                f"`hidden = true` under [tools.NAME] for its tools, or serve with --no-bundled."
            )
        added = [path.stem for path in sources.scan([folder])]
        close = nearest(args.name, added)
        hint = f"Did you mean {close[0]}?" if close else f"Added are: {', '.join(added) or 'none'}."
        raise CallerError(f"No component named {args.name!r} was added. {hint}")
    for path in files:
        delete(path)
    print(terminal.line(f"removed {args.name}"))
    return 0
