"""``mcp-wasm agents``: run a tree of agents, and reach one that runs."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_wasm.cli import agents_show, settings, terminal, wiring
from mcp_wasm.cli.agents_flags import declare
from mcp_wasm.errors import CallerError, HostError, InvalidSettings

if TYPE_CHECKING:
    from mcp_wasm.agents.control_client import Client

FOLDER = "agents"
"""Below the home: a folder for each tree."""

_STOPPING = 120.0
"""Seconds that a tree may take to stop before this command says that it still does."""
_MARGIN = 5.0
_MOVING = 120.0
"""Seconds that a move may take: what runs is finished first, and answers of models are waited for."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    declare(parser)


def run(args: argparse.Namespace) -> int:
    """Carry the action out."""
    return _ACTIONS[args.action](args)


def folder(args: argparse.Namespace) -> Path:
    """The folder of the trees."""
    return wiring.home(settings.read(args)) / FOLDER


def _run(args: argparse.Namespace) -> int:
    from mcp_wasm.cli import agents_run  # loads the engine

    return agents_run.run(args)


def _ps(args: argparse.Namespace) -> int:
    from mcp_wasm.agents.control_client import Client, running

    trees = []
    for name in running(folder(args)):
        with Client(folder(args) / name) as client:
            trees.append((client.call("about"), client.call("views")))
    if args.json:
        terminal.print_json([about | {"views": views} for about, views in trees])
    elif trees:
        print(terminal.safe(terminal.table(agents_show.listed(trees))))
    else:
        print("No tree of agents runs. Start one: mcp-wasm agents run FILE")
    return 0


def _tree(args: argparse.Namespace) -> int:
    with _client(args) as client:
        about, views = client.call("about"), client.call("views")
    if args.json:
        terminal.print_json(about | {"views": views})
    else:
        print(terminal.safe("\n".join(agents_show.tree(about, views))))
    return 0


def _top(args: argparse.Namespace) -> int:
    with _client(args) as client:
        if not sys.stdout.isatty():
            about, views = client.call("about"), client.call("views")
            print(terminal.safe("\n".join(agents_show.tree(about, views))))
            return 0
        return agents_show.live(client, args.interval)


def _send(args: argparse.Namespace) -> int:
    request = _message(args) | ({"kind": args.kind} if args.kind else {})
    with _client(args) as client:
        answer = client.call("send", **request)
    _warn(answer)
    print(answer["id"])
    return 0


def _ask(args: argparse.Namespace) -> int:
    with _client(args) as client:
        request = _message(args) | {"seconds": args.seconds}
        answer = client.call("ask", args.seconds + _MARGIN, **request)
    _warn(answer)
    terminal.print_json(answer["reply"])
    return 0


def _state(args: argparse.Namespace) -> int:
    with _client(args) as client:
        terminal.print_json(client.call("state", to=args.agent))
    return 0


def _events(args: argparse.Namespace) -> int:
    with _client(args) as client:
        found = client.call("events", most=args.most, **({"to": args.agent} if args.agent else {}))
    if args.json:
        terminal.print_json(found)
    else:
        for event in found:
            print(terminal.safe(agents_show.event(event)))
    return 0


def _restart(args: argparse.Namespace) -> int:
    with _client(args) as client:
        client.call("restart", to=args.agent)
    print(f"restarting {args.agent}")
    return 0


def _move(args: argparse.Namespace) -> int:
    with _client(args) as client:
        client.call("move", _MOVING, to=args.agent, node=args.node)
    print(f"moved {args.agent} to {args.node}")
    return 0


def _stop(args: argparse.Namespace) -> int:
    from mcp_wasm.agents.control_socket import is_claimed

    name = _name(args)
    with _client(args) as client:
        client.call("stop", **({"to": args.agent} if args.agent else {}))
    if args.agent:
        print(f"stopped {args.agent}; start it again: mcp-wasm agents restart {args.agent}")
        return 0
    until = time.monotonic() + _STOPPING
    while is_claimed(folder(args) / name):
        if time.monotonic() > until:
            raise HostError(f"The tree {name} has not stopped within {_STOPPING:g} s; it was asked to")
        time.sleep(0.05)
    print(f"stopped {name}")
    return 0


def _schema(_args: argparse.Namespace) -> int:
    from mcp_wasm.agents.tree_keys import HANDED_ON
    from mcp_wasm.agents.tree_schema import tree_schema
    from mcp_wasm.config.keys import json_schema

    settings_ = json_schema()["properties"]
    terminal.print_json(tree_schema({name: settings_[name] for name in HANDED_ON if name in settings_}))
    return 0


_ACTIONS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "ps": _ps,
    "tree": _tree,
    "top": _top,
    "send": _send,
    "ask": _ask,
    "state": _state,
    "events": _events,
    "restart": _restart,
    "move": _move,
    "stop": _stop,
    "schema": _schema,
}


def _client(args: argparse.Namespace) -> Client:
    from mcp_wasm.agents.control_client import Client

    return Client(folder(args) / _name(args))


def _name(args: argparse.Namespace) -> str:
    """The tree that is meant: the one that was named, or the only one that runs.

    Raises:
        CallerError: there is none, or several.
    """
    from mcp_wasm.agents.control_client import running

    names = running(folder(args))
    if args.tree:
        if args.tree not in names:
            raise CallerError(f"no tree {args.tree!r} runs; {_those(names)}")
        return str(args.tree)
    if len(names) != 1:
        choose = f"{_those(names)}: choose one with --tree NAME" if names else _those(names)
        raise CallerError(choose)
    return names[0]


_NONE = "no tree of agents runs, or it is still being started (mcp-wasm agents run FILE)"


def _those(names: list[str]) -> str:
    return f"there run {', '.join(names)}" if names else _NONE


def _message(args: argparse.Namespace) -> dict[str, Any]:
    request = {"to": args.agent, "payload": _payload(args.payload)}
    return request | ({"priority": args.priority} if args.priority else {})


def _payload(given: str) -> Any:
    try:
        if given == "-":
            text = sys.stdin.read()
        elif given.startswith("@"):
            text = Path(given[1:]).read_text(encoding="utf-8")
        else:
            text = given
        return json.loads(text)
    except OSError as error:
        raise InvalidSettings("PAYLOAD", "a file that can be read", f"{given} ({error.strerror})") from None
    except (ValueError, RecursionError):
        expected = "JSON (a text stands in double quotes: '\"like this\"'), @FILE, or - for the input"
        raise InvalidSettings("PAYLOAD", expected, given[:80]) from None


def _warn(answer: Mapping[str, Any]) -> None:
    if answer.get("warning"):
        terminal.note(f"mcp-wasm: {answer['warning']}")
