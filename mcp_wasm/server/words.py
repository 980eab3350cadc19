"""A grant in words, for a person who is to decide on it: all that it allows, exactly.

Every field that differs from what a person would take for granted is said, so
that nothing is allowed which was not read. What a guest may have chosen (hosts,
buckets, names) stands in code spans. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

from mcp_wasm.capability import grant as of
from mcp_wasm.capability.llm import Llm
from mcp_wasm.capability.messaging import Messaging
from mcp_wasm.server.text import coded

_VALUE = 260
"""Characters of one value; a grant with a longer one has no words: it cannot be shown in full."""

_PHRASE = 1000


def words(grant: of.Grant) -> str | None:
    """What ``grant`` allows, as a phrase that follows "it may"; None where it cannot be said in full."""
    said, mentioned = _PHRASES[type(grant)](grant)
    rest = [
        f"{field.name.replace('_', ' ')}: {_several(getattr(grant, field.name))}"
        for field in fields(grant)
        if field.name not in {*mentioned, "rule"} and getattr(grant, field.name) != field.default
    ]
    phrase = "; ".join([said, *rest])
    return None if "…" in phrase or len(phrase) > _PHRASE else phrase


def noted(grant: of.Grant) -> str:
    """``grant`` for logs: its kind and its words, but for a value that the guest is given, maybe a secret."""
    match grant:
        case of.Environment(name=name) | of.ConfigValue(key=name):
            return f"{of.kind_of(grant)}: {_one(name)}"
    return f"{of.kind_of(grant)}: {words(grant)}"


def _one(value: object) -> str:
    return coded(str(value), _VALUE)


def _several(values: object) -> str:
    return ", ".join(_one(v) for v in (values if isinstance(values, tuple) else (values,)))


_Phrase = tuple[str, Iterable[str]]


def _network(grant: of.Network) -> _Phrase:
    methods = ", ".join(coded(method, 20)[1:-1] for method in grant.methods)
    ports = f", port {', '.join(map(str, grant.ports))}" if grant.ports else ""
    inside = ", ALSO AT ADDRESSES INSIDE YOUR OWN NETWORK OR COMPUTER" if grant.private else ""
    over = " and ".join(grant.schemes)
    said = f"make {methods} requests over {over} to {_several(grant.hosts)}{ports}{inside}"
    return said, ("hosts", "schemes", "ports", "methods", "private")


def _storage(grant: of.Storage) -> _Phrase:
    what = "read, CHANGE AND DELETE" if grant.write else "read"
    said = f"{what} the files in the folder {_one(grant.folder)}, as {_one(grant.guest)}"
    return said, ("folder", "guest", "write")


def _environment(grant: of.Environment) -> _Phrase:
    value = "of this computer" if grant.value is None else f"with the value {_one(grant.value)}"
    return f"read the environment variable {_one(grant.name)} {value}", ("name", "value")


def _secret(grant: of.Secret) -> _Phrase:
    hosts = f"in requests to {_several(grant.hosts)}, without reading it" if grant.hosts else "and READ it"
    return f"use the secret {_one(grant.name)} (from {_one(grant.source)}) {hosts}", (
        "name",
        "source",
        "hosts",
    )


def _keyvalue(grant: of.KeyValue) -> _Phrase:
    what = "read and write" if grant.write else "read"
    return f"{what} what is kept in the bucket {_one(grant.bucket)}", ("bucket", "write")


def _nn(grant: of.Nn) -> _Phrase:
    return f"run the models {_several(grant.models)} in {_one(grant.folder)}", ("models", "folder")


def _llm(grant: Llm) -> _Phrase:
    cost = "" if grant.cost is None else f" and {grant.cost:g} US dollars"
    return (
        f"ask the language models {_several(grant.models)} of {_several(grant.providers)}"
        f" ({_several(grant.operations)}), up to {grant.call_tokens:,} tokens at once,"
        f" and {grant.tokens:,} tokens{cost} in {grant.period:g} s",
        ("providers", "models", "operations", "call_tokens", "tokens", "cost", "period"),
    )


def _messaging(grant: Messaging) -> _Phrase:
    parts = {
        "send messages to the agents": grant.agents,
        "publish to": grant.subjects,
        "hear what is published to": grant.subscribe,
    }
    said = [f"{what} {_several(which)}" for what, which in parts.items() if which]
    return ", and ".join(said) or "send no messages", ("agents", "subjects", "subscribe")


def _tools(grant: of.Tools) -> _Phrase:
    return f"call the tools {_several(grant.names)}", ("names",)


def _config(grant: of.ConfigValue) -> _Phrase:
    return f"read {_one(grant.value)} as its configuration {_one(grant.key)}", ("key", "value")


def _logging(grant: of.Logging) -> _Phrase:
    return f"write to this server's log, from level {grant.level} up", ("level",)


def _sessions(grant: of.Sessions) -> _Phrase:
    kept = f"keep up to {grant.most} instances between calls, each until it was idle for {grant.idle:g} s"
    return kept, ("most", "idle")


def _clock(grant: of.Clock) -> _Phrase:
    return f"have a clock that is {grant.mode}", ("mode",)


def _random(_grant: of.Random) -> _Phrase:
    return "have random numbers", ()


_PHRASES: dict[type[Any], Callable[[Any], _Phrase]] = {
    of.Network: _network,
    of.Storage: _storage,
    of.Environment: _environment,
    of.Secret: _secret,
    of.KeyValue: _keyvalue,
    of.Clock: _clock,
    of.Random: _random,
    of.Logging: _logging,
    of.ConfigValue: _config,
    of.Nn: _nn,
    Llm: _llm,
    Messaging: _messaging,
    of.Tools: _tools,
    of.Sessions: _sessions,
}
