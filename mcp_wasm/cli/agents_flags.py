"""The actions of ``mcp-wasm agents`` and their flags."""

from __future__ import annotations

import argparse
from typing import Any

from mcp_wasm.cli import wiring


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, about: str, **more: Any) -> argparse.ArgumentParser:
        made = actions.add_parser(
            name, help=about, description=f"{about[0].upper()}{about[1:]}.", allow_abbrev=False, **more
        )
        common = made.add_argument_group("common")
        # Also the parent has them: what is not given here must not hide what is given there.
        for flag, meta, text in (("config", "FILE", "settings file"), ("home", "DIR", "home folder")):
            common.add_argument(f"--{flag}", metavar=meta, default=argparse.SUPPRESS, help=text)
        common.add_argument(
            "--verbose", action="store_true", default=argparse.SUPPRESS, help="log everything"
        )
        return made

    run = action("run", "run the tree of agents that a file describes, until it ends or is stopped")
    run.add_argument("file", metavar="FILE", help="the tree file (docs/agents.md)")
    run.add_argument("--name", default="", help="the tree's name, by which other commands find it")
    run.add_argument("--node", default="", help="this node's name in addresses (default: local)")
    run.add_argument("--quiet", action="store_true", help="show no events")
    wiring.add_sources(run)
    ps = action("ps", "list the agents of all trees that run")
    tree = action("tree", "show a tree with the state of its agents")
    top = action("top", "show a tree live: states, restarts, what waits, messages in a second")
    top.add_argument("--interval", type=_interval, default=1.0, metavar="SECONDS", help="between two looks")
    for name, about in (
        ("send", "send a message to an agent"),
        ("ask", "ask an agent and wait for its answer"),
    ):
        made = action(name, about)
        made.add_argument("agent", metavar="AGENT", help="its address: news, collectors/news, news@node-2")
        made.add_argument("payload", metavar="PAYLOAD", help="JSON, @FILE, or - for the input")
        made.add_argument("--priority", default="", help="critical, high, normal (medium) or low")
        if name == "send":
            made.add_argument("--kind", default="", help="of the message (default: data_transfer)")
        else:
            made.add_argument("--seconds", type=_wait, default=30.0, help="to wait for the answer")
    state = action("state", "show how an agent is, and what it keeps in its memory")
    events = action("events", "show what happened of late")
    events.add_argument(
        "agent", metavar="AGENT", nargs="?", help="only to this one, or below this supervisor"
    )
    events.add_argument("--most", type=_most, default=100, metavar="NUMBER", help="how many, 1 to 1000")
    restart = action("restart", "have an agent started anew, or again where it was stopped")
    move = action("move", "move an agent with its state to another node, where it is on standby")
    move.add_argument("agent", metavar="AGENT", help="its path: news, collectors/news")
    move.add_argument("node", metavar="NODE", help="the node, whose own tree has it on standby for this one")
    stop = action("stop", "stop a tree, in the reverse of the order in which it was started, or one agent")
    stop.add_argument("agent", metavar="AGENT", nargs="?", help="only this one; what waits for it stays")
    action("schema", "print the JSON Schema of tree files, for editors")
    for each in (state, restart):
        each.add_argument("agent", metavar="AGENT", help="its address")
    named = actions.choices
    for each in (tree, top, named["send"], named["ask"], state, events, restart, move, stop):
        each.add_argument("--tree", metavar="NAME", default="", help="which, where several run")
    for each in (ps, tree, events):
        each.add_argument("--json", action="store_true", help="print a JSON document")


def _interval(text: str) -> float:
    return _number(text, 0.1, 3600)


def _wait(text: str) -> float:
    return _number(text, 0.001, 3600)


def _number(text: str, least: float, most: float) -> float:
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not least <= found <= most:
        raise argparse.ArgumentTypeError(
            f"expected a number of seconds from {least:g} to {most:g}, got {text!r}"
        )
    return found


def _most(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 1000, got {text!r}")
    return int(text)
