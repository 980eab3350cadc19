"""``mcp-wasm mesh``: a mesh's server, its nodes, who exports an interface, its dead letters, its key."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from mcp_wasm.cli import mesh_flags, settings, terminal, wiring
from mcp_wasm.errors import InvalidSettings

if TYPE_CHECKING:
    from mcp_wasm.mesh.mesh import Mesh

_LOOK_S = 3.0
"""Seconds in which the nodes of a mesh tell what they have."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "what",
        choices=("up", "nodes", "find", "dead", "again", "key", "forget"),
        help="up: run the embedded server; nodes: who is there and has what; find INTERFACE: who exports it; "
        "dead: messages that nobody could handle; again NUMBER: send one of them again; key: show the key of "
        "the mesh, or take one from stdin (key -); forget NODE: let it come with another key",
    )
    parser.add_argument("name", nargs="?", default="", help="the interface, the number, the node, or -")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    mesh_flags.add_mesh(parser)


def run(args: argparse.Namespace) -> int:
    """Do what was asked for."""
    if args.what in {"find", "again", "forget"} and not args.name:
        raise InvalidSettings(f"mesh {args.what}", "a name after it", "nothing")
    if args.what in {"key", "forget"}:
        return _own(args)
    doing: Callable[[Mesh, argparse.Namespace], Awaitable[int]] = {
        "up": _up,
        "nodes": _nodes,
        "find": _find,
        "dead": _dead,
        "again": _again,
    }[args.what]
    return asyncio.run(_in_mesh(args, doing))


def _own(args: argparse.Namespace) -> int:
    """What concerns the files of this home alone."""
    config = settings.read(args)
    found = mesh_flags.joining(args, config)
    from mcp_wasm.mesh import identity  # with the mesh's libraries
    from mcp_wasm.mesh.mesh import FOLDER

    folder = wiring.home(config) / FOLDER / found.options.mesh
    if args.what == "forget":
        known = identity.forget(folder, args.name)
        terminal.note(f"{args.name} is forgotten" if known else f"there is no node {args.name!r} to forget")
        return 0 if known else 2
    if args.name == "-":
        identity.keep_mesh_key(folder, sys.stdin.readline(200))
        terminal.note("The key is kept. Nodes with the same key are one mesh.")
        return 0
    identity.keep_mesh_key(folder)
    print((folder / identity.KEY_FILE).read_text(encoding="ascii").strip())
    terminal.note("Whoever has it can join the mesh. On another machine: mcp-wasm mesh key -")
    return 0


async def _in_mesh(
    args: argparse.Namespace, doing: Callable[[Mesh, argparse.Namespace], Awaitable[int]]
) -> int:
    config = settings.read(args)
    found = mesh_flags.joining(args, config)
    from mcp_wasm.mesh.mesh import running  # the mesh's libraries are loaded only here

    async with running(wiring.home(config), found.options, found.node, found.key) as mesh:
        return await doing(mesh, args)


async def _up(mesh: Mesh, _args: argparse.Namespace) -> int:
    terminal.note(f"NATS is at {mesh.connection.statistics.url}, this node is {mesh.node}.")
    terminal.note("Other commands of this home find it by themselves. Ctrl-C ends it.")

    def tell(node: str, what: str) -> None:
        if what != "node_changed":
            terminal.note(f"{node} {'is up' if what == 'node_up' else 'is gone'}")

    mesh.observe(tell)
    await asyncio.Event().wait()
    return 0


async def _nodes(mesh: Mesh, args: argparse.Namespace) -> int:
    await mesh.settled(_LOOK_S)
    peers = [mesh.directory.peers[name] for name in sorted(mesh.directory.peers)]
    if args.json:
        terminal.print_json({"nodes": [_document(peer) for peer in peers]})
        return 0
    rows = [
        (
            peer.node,
            str(len(peer.description.agents)),
            ", ".join(sorted(peer.description.components)) or "-",
            f"{peer.beat.calls} of {peer.beat.calls + peer.beat.room}",
        )
        for peer in peers
    ]
    if rows:
        print(terminal.table([("NODE", "AGENTS", "COMPONENTS", "CALLS"), *rows]))
    else:
        terminal.note("There is no other node.")
    return 0


def _document(peer: Any) -> dict[str, Any]:
    has = peer.description
    return {
        "node": peer.node,
        "since": peer.boot,
        "calls": peer.beat.calls,
        "room": peer.beat.room,
        "agents": [
            {"path": path, "durable": each.durable, "group": each.group}
            for path, each in sorted(has.agents.items())
        ],
        "components": {name: each.digest for name, each in sorted(has.components.items())},
        "exports": {name: list(who) for name, who in sorted(has.exports.items())},
    }


async def _find(mesh: Mesh, args: argparse.Namespace) -> int:
    await mesh.settled(_LOOK_S)
    found = list(mesh.directory.exporting(args.name))
    if args.json:
        listed = [{"node": node, "component": component} for node, component in found]
        terminal.print_json({"interface": args.name, "exported": listed})
    elif found:
        print(terminal.table([("NODE", "COMPONENT"), *found]))
    else:
        terminal.note(f"No other node exports {args.name}.")
    return 0 if found else 1


async def _dead(mesh: Mesh, args: argparse.Namespace) -> int:
    from mcp_wasm.mesh.boxes import Boxes  # only where there may be some

    letters = await Boxes(mesh).dead()
    if args.json:
        listed = [
            {
                "number": each.number,
                "to": each.message.to,
                "from": each.message.sender,
                "id": each.message.id,
                "payload": each.message.payload,
                "attempts": each.attempts,
                "reason": each.reason,
                "at": each.at,
            }
            for each in letters
        ]
        terminal.print_json({"dead": listed})
        return 0
    rows = [(str(d.number), d.message.to, str(d.attempts), terminal.sentence(d.reason)) for d in letters]
    if rows:
        print(terminal.table([("NUMBER", "TO", "TRIES", "REASON"), *rows]))
    else:
        terminal.note("There are no dead letters.")
    return 0


async def _again(mesh: Mesh, args: argparse.Namespace) -> int:
    from mcp_wasm.mesh.boxes import Boxes  # the same

    if not args.name.isdecimal():
        raise InvalidSettings("mesh again", "the number of a dead letter", args.name)
    letter = await Boxes(mesh).again(int(args.name))
    terminal.note(f"The message {letter.message.id} is sent to {letter.message.to} again.")
    return 0
