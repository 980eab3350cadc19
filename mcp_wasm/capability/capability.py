"""Which capability an import asks for: a table from interface to kind, with words for people.

Pure. It refuses to know what was granted and how an import is linked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "base",
    "network",
    "storage",
    "keyvalue",
    "nn",
    "logging",
    "config",
    "messaging",
    "tools",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Need:
    """What one import asks for.

    ``interface`` is the import's name without its version, ``words`` the need in
    a phrase that follows "it wants to". ``base`` is no wish: it is always linked
    and gives nothing away.
    """

    kind: Kind
    interface: str
    words: str


WORDS: dict[Kind, str] = {
    "base": "use the clock, random numbers and an empty environment, as every program may",
    "network": "make requests over the network",
    "storage": "keep and read files or objects",
    "keyvalue": "keep and read values under keys",
    "nn": "run machine learning models",
    "logging": "write to the log",
    "config": "read its configuration",
    "messaging": "send and receive messages",
    "tools": "call other tools",
    "unknown": "use something that this runtime does not know",
}
"""What each kind means, in a phrase that follows "it wants to"."""

# By package.
_KINDS: dict[str, Kind] = {
    "wasi:cli": "base",
    "wasi:clocks": "base",
    "wasi:random": "base",
    "wasi:io": "base",
    "wasi:filesystem": "base",
    "wasi:sockets": "base",
    "wasi:http": "network",
    "wasi:tls": "network",
    "wasi:blobstore": "storage",
    "wasi:sql": "storage",
    "wasi:keyvalue": "keyvalue",
    "wasi:nn": "nn",
    "wasi:logging": "logging",
    "wasi:config": "config",
    "wasi:runtime-config": "config",
    "wasi:messaging": "messaging",
    "mcp-wasm:tools": "tools",
}


def need(import_name: str) -> Need:
    """What the import ``import_name`` (``wasi:http/types@0.2.3``, any version) asks for."""
    interface = import_name.partition("@")[0]
    kind = _KINDS.get(interface.partition("/")[0], "unknown")
    words = WORDS[kind] if kind != "unknown" else f"use `{interface[:80]}`, which this runtime does not know"
    return Need(kind, interface, words)
