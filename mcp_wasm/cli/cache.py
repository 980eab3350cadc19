"""``mcp-wasm cache``: how large the cache of compiled components is, and making it smaller."""

from __future__ import annotations

import argparse

from mcp_wasm.cli import settings, terminal, wiring
from mcp_wasm.sandbox.artifacts import Cache


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "action", choices=("size", "prune"), help="show the size, or remove the oldest entries"
    )
    parser.add_argument(
        "--to",
        metavar="SIZE",
        type=settings.size,
        help="prune to this size (default: the limit in the settings)",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(args: argparse.Namespace) -> int:
    """Print the size, after pruning where that was asked for."""
    config = settings.read(args)
    cache = Cache(wiring.home(config) / "cache", config.cache_bytes)
    limit = config.cache_bytes if args.to is None else args.to
    freed = cache.prune(limit) if args.action == "prune" else 0
    usage = cache.usage()
    if args.json:
        document = {
            "folder": str(cache.folder),
            "entries": usage.entries,
            "bytes": usage.size,
            "freed": freed,
        }
        terminal.print_json({**document, "limit": config.cache_bytes})
        return 0
    if args.action == "prune":
        print(f"freed {terminal.size(freed)}")
    print(f"{usage.entries:,} entries, {terminal.size(usage.size)} of {terminal.size(config.cache_bytes)}")
    print(cache.folder)
    return 0
