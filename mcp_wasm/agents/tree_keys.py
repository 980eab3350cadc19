"""Which keys a tree file has, as tables: its reader, its schema and its documentation are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, get_args

from mcp_wasm.agents.child_spec import (
    AgentSpec,
    AutoShutdown,
    ChildSpec,
    HealthSpec,
    Lives,
    MailboxSpec,
    Overflow,
    Restart,
    Retries,
    Strategy,
    SupervisorSpec,
)
from mcp_wasm.agents.message import KINDS, Priority

Type = Literal[
    "flag",
    "integer",
    "number",
    "size",
    "choice",
    "text",
    "name",
    "texts",
    "subjects",
    "component",
    "seconds",
    "backoff",
    "names",
    "addresses",
    "choices",
    "routes",
    "json",
]
"""What a value is: ``seconds`` also two words, ``choices`` and ``routes`` tables."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its type, what it is for, ``least`` and ``most`` for numbers, the ``choices`` of a text.

    ``names`` are the keys of a table of ``choices`` or ``routes``.
    """

    name: str
    type: Type
    docs: str
    least: float = 0
    most: float = 2**53
    choices: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


PRIORITIES = tuple(each.name.lower() for each in Priority)
_YEAR = 366 * 24 * 3600

_SUPERVISING = (
    Key("strategy", "choice", "which children are started again with one that ended",
        choices=get_args(Strategy)),
    Key("intensity", "integer", "restarts within `period` beyond which it gives up", 0, 1_000_000),
    Key("period", "number", "seconds", 0.001, _YEAR),
    Key("auto_shutdown", "choice", "whether the end of significant children ends it",
        choices=get_args(AutoShutdown)),
    Key("children", "names", "agents and supervisors in the order in which they are started"),
)  # fmt: skip
_CHILD = (
    Key("restart", "choice", "started again always, after a failure, never", choices=get_args(Restart)),
    Key(
        "shutdown", "seconds", 'seconds to end by itself; `"infinity"`, or `"brutal_kill"` for none', 0, _YEAR
    ),
    Key("significant", "flag", "whether its end counts for `auto_shutdown`"),
    Key("links", "addresses", "agents that end with it when it fails, and it with them"),
    Key("monitors", "addresses", "agents of whose end it is told by a message `down`"),
)

TABLES: Mapping[str, tuple[Key, ...]] = {
    "": (Key("name", "name", "of the tree; the file's without"), *_SUPERVISING),
    "supervisors.NAME": (*_SUPERVISING, *_CHILD),
    "agents.NAME": (
        Key("component", "component", "a file (`.wasm`, `.wat`, `.py`, `.js`, `.ts`, `.c`, or with a `/`), "
            "or the name of a published component"),
        Key("tool", "text", "makes a tool component an agent: the function that gets each payload"),
        Key("per", "choice", "an instance for each message, or for the agent's life",
            choices=get_args(Lives)),
        Key("config", "json", "what the component is given as its configuration"),
        Key("load", "texts", "keys of its memory that it is given with each message, or `prefix*`"),
        *_CHILD,
        Key("routes", "routes", "agents that get messages of a kind in its place",
            names=tuple(sorted(KINDS))),
        Key("durable", "flag", "whether messages are kept in JetStream until they are handled"),
        Key("group", "name", "messages are shared with the agents of other nodes in the same group"),
        Key("subscribes", "subjects", "subjects whose messages it gets"),
        Key("batch", "integer", "messages that are handled in one go at most", 1, 10_000),
        Key("exposed", "flag", "whether MCP clients, and users of a mesh's doors, may ask it and send to it"),
        Key("description", "text", "what MCP clients are told of it"),
        Key("standby", "names", "it waits here for one of these nodes to move it to this one"),
    ),
    "agents.NAME.mailbox": (
        Key("capacity", "integer", "messages that wait at most", 1, 10_000_000),
        Key("memory", "size", "characters of payload that wait at most", 1),
        Key("overflow", "choice", "what becomes of one more", choices=get_args(Overflow)),
        Key("by_priority", "choices", "the same for some priorities", choices=get_args(Overflow),
            names=PRIORITIES),
        Key("spill", "integer", "messages on disk at most", 0, 100_000_000),
        Key("disk", "size", "bytes on disk at most", 0),
    ),
    "agents.NAME.health": (
        Key("interval", "number", "seconds between two questions", 0.01, _YEAR),
        Key("timeout", "number", "seconds without an answer after which it is started anew", 0.01, _YEAR),
    ),
    "agents.NAME.retries": (
        Key("most", "integer", "times a durable message is given, after which it is a dead letter", 1, 1000),
        Key("backoff", "backoff", "seconds before each further time", 0, _YEAR),
    ),
    "agents.NAME.limits": (
        Key("fuel", "integer", "CPU budget of a message", 1),
        Key("deadline", "number", "seconds of a message", 0.001, _YEAR),
        Key("memory", "size", "bytes of its memory", 1),
        Key("text", "size", "bytes of result that are shown", 1),
        Key("log", "size", "bytes kept of what it prints", 1),
    ),
}  # fmt: skip
"""The keys of each table; beside them ``agents.NAME.grants``, which is as in a policy."""

HANDED_ON = ("mesh", "llm", "state")
"""Tables of settings that are not the tree's own."""

_CLASSES: Mapping[str, tuple[type[Any], ...]] = {
    "": (SupervisorSpec,),
    "supervisors.NAME": (SupervisorSpec, ChildSpec),
    "agents.NAME": (AgentSpec, ChildSpec),
    "agents.NAME.mailbox": (MailboxSpec,),
    "agents.NAME.health": (HealthSpec,),
    "agents.NAME.retries": (Retries,),
}


def default(table: str, key: Key) -> object:
    """What a key is without being given; None where that is nothing that could be written."""
    if table == "supervisors.NAME" and key.name == "shutdown":
        return "infinity"
    for class_ in _CLASSES.get(table, ()):
        for each in fields(class_):
            if each.name == key.name and each.default is not MISSING:
                return None if each.default in ("", (), None) else each.default
    return None
