"""``mcp-wasm made``: the tools made of code: listed, shown with their source, removed, restored."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mcp_wasm.cli import terminal, wiring
from mcp_wasm.cli.publish import BY, document

if TYPE_CHECKING:
    from mcp_wasm.code.made_contract import Made
    from mcp_wasm.runtime import Runtime

ACTIONS = ("list", "show", "remove", "restore")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="list", help="default: list")
    parser.add_argument("name", metavar="NAME", nargs="?", help="the tool; all but list need it")
    parser.add_argument("version", metavar="VERSION", nargs="?", type=int, help="which version to restore")
    parser.add_argument(
        "--digest", default="", help="show: the version with this digest (the beginning of one will do)"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    wiring.add_sources(parser)


def run(args: argparse.Namespace) -> int:
    """Carry the action out."""
    wanted = {"list": 0, "restore": 2}.get(args.action, 1)
    given = sum(each is not None for each in (args.name, args.version))
    if given != wanted:
        words = ("nothing else", "the NAME of a tool", "a NAME and a VERSION")[wanted]
        terminal.fail(f"made {args.action} takes {words}")
        return 2
    with wiring.open_runtime(wiring.read(args)) as runtime:
        if args.action == "list":
            return _list(runtime.made.list(), as_json=args.json)
        made = _one(runtime, args)
    if args.json:
        terminal.print_json(document(made))
    elif args.action == "show":
        _show(made)
    else:
        now = f", now as version {made.version}" if args.action == "restore" else ""
        print(terminal.safe(f"{args.action}d {made.name}{now}"))
    return 0


def _one(runtime: Runtime, args: argparse.Namespace) -> Made:
    match args.action:
        case "show":
            return runtime.made.show(args.name, digest=args.digest)
        case "remove":
            return runtime.made.remove(args.name, by=BY)
    return runtime.made.restore(args.name, args.version, by=BY)


def _list(found: tuple[Made, ...], *, as_json: bool) -> int:
    if as_json:
        terminal.print_json([document(made) for made in found])
        return 0
    rows = [
        (made.name, f"v{made.version}", made.language, _state(made), made.compiled, made.digest[:12],
         made.created_at, made.created_by)
        for made in found
    ]  # fmt: skip
    head = ("NAME", "VERSION", "LANGUAGE", "STATE", "RUNS AS", "DIGEST", "MADE AT", "BY")
    print(terminal.safe(terminal.table([head, *rows])) if rows else "No tool was made of code.")
    return 0


def _state(made: Made) -> str:
    if made.kept:
        return "kept"
    return f"in a session, before the kept {made.over[:12]}" if made.over else "in a session"


def _show(made: Made) -> None:
    waiting = (
        f"in a session, not kept: version {v.version} by {v.created_by}, {v.created_at}; to see it: "
        f"mcp-wasm made show {made.name} --digest {v.digest[:12]}"
        for v in made.waiting
    )
    lines = [
        f"{made.name}, version {made.version}, {_state(made)}, runs as {made.compiled}",
        f"made of {made.language} by {made.created_by} at {made.created_at}",
        f"tools: {', '.join(made.tools) or 'none'}",
        f"digest: {made.digest}",
        *(f"version {v.version}: {v.digest[:12]}, {v.created_at}, {v.created_by}" for v in made.versions),
        *waiting,
        *([f"exported it has its functions in the interface {made.apart}"] if made.apart else []),
        "",
        made.wit.rstrip(),
        "",
        made.source.rstrip(),
    ]
    # Always safe, also in a file: what a person reads here decides whether they keep it.
    print(terminal.safe("\n".join(lines)))
