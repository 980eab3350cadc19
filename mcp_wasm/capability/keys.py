"""Which keys a grant of each kind has in a policy document, as tables.

The reader of documents, the JSON Schema for editors, the words of the command
line and the documentation are all made from them; a test holds them to the
fields of the dataclasses in ``grant``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Literal

from mcp_wasm.capability.grant import KINDS, Logging
from mcp_wasm.capability.llm import OPERATIONS

Type = Literal[
    "flag",
    "integer",
    "number",
    "size",
    "quota",
    "moment",
    "choice",
    "text",
    "value",
    "variable",
    "name",
    "folder",
    "guest",
    "source",
    "hosts",
    "schemes",
    "ports",
    "methods",
    "names",
    "choices",
    "subjects",
]

LISTS = frozenset({"hosts", "schemes", "ports", "methods", "names", "choices", "subjects"})
"""The types that are lists."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its type, what it is for, ``least`` and ``most`` for numbers, the ``choices`` of a text."""

    name: str
    type: Type
    docs: str
    least: float = 0
    most: float = 2**63 - 1
    choices: tuple[str, ...] = ()


LEVELS = ("trace", "debug", "info", "warn", "error", "critical")
SCHEMES = ("https", "http")

_TOOLS = Key(
    "tools", "names", "only for these tools of the component, by tool name or export path; all without"
)

KEYS: Mapping[str, tuple[Key, ...]] = {
    kind: (*keys, _TOOLS)
    for kind, keys in {
        "network": (
            Key("hosts", "hosts", "names, addresses, `*.suffix` for all names below a suffix, or `*`"),
            Key("schemes", "schemes", "`https`, `http`", choices=SCHEMES),
            Key("ports", "ports", "ports; the scheme's own without", 1, 65_535),
            Key("methods", "methods", "methods of requests, or `*`"),
            Key("private", "flag", "whether addresses that are not public may be reached"),
            Key("seconds", "number", "seconds that one request may take", 0.001, 3600),
            Key("request_bytes", "size", "bytes of a request's body"),
            Key("response_bytes", "size", "bytes of a response's body"),
            Key("requests", "integer", "requests in one call", 1, 1_000_000),
            Key("retries", "integer", "how often a request that may be repeated is tried again", 0, 10),
            Key("breaker", "integer", "failures in a row after which a host is left alone, or 0", 0, 1000),
        ),
        "storage": (
            Key("folder", "folder", "a folder of this machine; a relative one begins at the document"),
            Key("guest", "guest", "the absolute path by which the guest sees it"),
            Key("write", "flag", "whether the guest may write there"),
            Key("quota", "quota", "bytes that a call may leave there; `none`: no bound"),
        ),
        "environment": (
            Key("name", "variable", "the variable"),
            Key("value", "value", "its value; the host's own without"),
        ),
        "secret": (
            Key("name", "variable", "the variable, or the name in `{{secret:NAME}}`"),
            Key("source", "source", "`env:NAME`, `file:PATH` or `keyring:SERVICE/USER`"),
            Key("hosts", "hosts", "only put into requests to these; the guest itself has it without"),
        ),
        "keyvalue": (
            Key("bucket", "name", "the bucket, or `prefix*`"),
            Key("write", "flag", "whether the guest may write there"),
        ),
        "clock": (
            Key("mode", "choice", "the real clock, one that stands still, or one in steps",
                choices=("real", "fixed", "coarse")),
            Key("at", "moment", "where a fixed clock stands: date, time and offset, or seconds since 1970",
                -(2**53), 2**53),
            Key("step", "number", "seconds of a step of a coarse clock", 0.001, 31_536_000),
        ),
        "random": (Key("seed", "integer", "what the numbers follow from; the system's own without", 0),),
        "logging": (Key("level", "choice", "nothing below this level", choices=LEVELS),),
        "config": (
            Key("key", "text", "the key"),
            Key("value", "value", "its value"),
        ),
        "nn": (
            Key("models", "names", "names of models, or `prefix*`"),
            Key("folder", "folder", "the folder in which they lie"),
        ),
        "llm": (
            Key("providers", "names", "names of providers in the settings, or `prefix*`"),
            Key("models", "names", "names of models, or `prefix*`"),
            Key("operations", "choices", "what may be asked for", choices=OPERATIONS),
            Key("call_tokens", "integer", "tokens of one request and its answer together", 1, 10_000_000),
            Key("tokens", "integer", "tokens of a period", 1),
            Key("cost", "number", "US dollars of a period; not bounded without", 0, 1_000_000),
            Key("period", "number", "seconds of a period", 1, 31_536_000),
        ),
        "messaging": (
            Key("agents", "names", "addresses of agents that it may send to, or `prefix*`"),
            Key("subjects", "subjects", "subjects that it may publish to; `*` is a word, `>` the rest"),
            Key("subscribe", "subjects", "subjects that it may be subscribed to"),
        ),
        "tools": (Key("names", "names", "names of published tools, or `prefix*`"),),
        "sessions": (
            Key("most", "integer", "live instances at once", 1, 10_000),
            Key("idle", "number", "seconds after which an idle one is gone", 1, 604_800),
        ),
    }.items()
}  # fmt: skip
"""The keys of each kind, in the order of the dataclass's fields."""


def defaults(kind: str) -> dict[str, object]:
    """The default of each key of a kind that has one; the others must be given."""
    return {f.name: f.default for f in fields(KINDS[kind]) if f.default is not MISSING and f.name != "rule"}


def required(kind: str) -> tuple[str, ...]:
    """The keys that a grant of a kind must have."""
    optional = defaults(kind)
    return tuple(key.name for key in KEYS[kind] if key.name not in optional)


assert Logging().level in LEVELS
