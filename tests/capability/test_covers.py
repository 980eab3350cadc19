"""Whether one grant allows all that another would: tables from both sides, and explanations made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.capability import match
from mcp_wasm.capability.covers import covering
from mcp_wasm.capability.explain import explain, idle, told
from mcp_wasm.capability.grant import (
    NOTHING,
    Clock,
    ConfigValue,
    Environment,
    Grant,
    Grants,
    KeyValue,
    Logging,
    Network,
    Nn,
    Random,
    Secret,
    Sessions,
    Storage,
    Tools,
    gather,
)
from mcp_wasm.capability.llm import Llm
from mcp_wasm.capability.messaging import Messaging

A = Path("/a")
COVERS: list[tuple[Grant, Grant, bool]] = [
    (Network(("a.example",)), Network(("a.example",)), True),
    (Network(("*",)), Network(("a.example", "*.b.example")), True),
    (Network(("*.example",)), Network(("a.example", "*.b.example", "*.example")), True),
    (Network(("*.example",)), Network(("example",)), False),
    (Network(("*.example",)), Network(("*.notexample",)), False),
    (Network(("a.example",)), Network(("*.example",)), False),
    (Network(("*.example",)), Network(("*",)), False),
    (Network(("a.example",)), Network(("a.example", "b.example")), False),
    (Network(("a",), methods=("GET", "POST")), Network(("a",), methods=("POST",)), True),
    (Network(("a",), methods=("*",)), Network(("a",), methods=("POST",)), True),
    (Network(("a",)), Network(("a",), methods=("POST",)), False),
    (Network(("a",)), Network(("a",), schemes=("http",)), False),
    (Network(("a",), ports=(1, 2)), Network(("a",), ports=(2,)), True),
    (Network(("a",), ports=(1, 2)), Network(("a",)), False),
    (Network(("a",)), Network(("a",), ports=(1,)), False),
    (Network(("a",), private=True), Network(("a",)), True),
    (Network(("a",)), Network(("a",), private=True), False),
    (Storage(A, "/x", write=True), Storage(Path("FOLDER"), "/x"), True),
    (Storage(A, "/x"), Storage(Path("FOLDER"), "/x", write=True), False),
    (Storage(A, "/x"), Storage(A, "/x/y"), False),
    (Environment("A", "1"), Environment("A"), True),
    (Environment("A", "1"), Environment("A", "2"), False),
    (Environment("A"), Environment("B"), False),
    (Secret("A", "env:X", ("a",)), Secret("A", "env:A", ("b",)), True),
    (Secret("A", "env:X", ("a",)), Secret("A", "env:A"), False),
    (Secret("A", "env:X"), Secret("A", "env:A", ("a",)), False),
    (KeyValue("a*"), KeyValue("abc"), True),
    (KeyValue("a*"), KeyValue("ab*"), True),
    (KeyValue("ab*"), KeyValue("a*"), False),
    (KeyValue("a"), KeyValue("a*"), False),
    (KeyValue("a"), KeyValue("a", write=True), False),
    (Clock("fixed", 1), Clock("fixed", 1), True),
    (Clock("fixed", 1), Clock(), False),
    (Random(1), Random(2), False),
    (Logging("debug"), Logging("warn"), True),
    (Logging("warn"), Logging("debug"), False),
    (ConfigValue("k", "v"), ConfigValue("k", "other"), True),
    (ConfigValue("k", "v"), ConfigValue("l", "v"), False),
    (Nn(("m*",), A), Nn(("m1", "m2"), A), True),
    (Nn(("m1",), A), Nn(("m1", "m2"), A), False),
    (Llm(("a",), operations=("reason",)), Llm(("PROVIDER",), operations=("reason",)), True),
    (Llm(("a",), operations=("reason",)), Llm(("a",)), False),
    (Llm(("a",), ("m1",)), Llm(("b",)), True),
    (Llm(("a",), ("m*",)), Llm(("b",), ("m1",)), True),
    (Llm(("a",), ("m1",)), Llm(("a",), ("m2",)), False),
    (Messaging(("a/*",), ("x.>",), ("y.*",)), Messaging(("a/b",), ("x.y.z", "x.*"), ("y.z",)), True),
    (Messaging(("a/*",), ("x.>",)), Messaging(("a/*",)), True),
    (Messaging(("a",)), Messaging(("a", "b")), False),
    (Messaging((), ("x.*",)), Messaging((), ("x.>",)), False),
    (Messaging((), ("x.y",)), Messaging((), (), ("x.y",)), False),
    (Tools(("*",)), Tools(("a", "b*")), True),
    (Tools(("a",)), Tools(("b",)), False),
    (Sessions(4, 300), Sessions(2, 300), True),
    (Sessions(4, 300), Sessions(5, 10), False),
]


@pytest.mark.parametrize(("grant", "wish", "covered"), COVERS)
def test_one_grant_covers_another_or_not(grant: Grant, wish: Grant, covered: bool) -> None:
    assert (covering(gather([grant]), wish) is grant) is covered
    assert covering(NOTHING, wish) is None


@pytest.mark.parametrize(("grant", "wish", "covered"), [case for case in COVERS if type(case[0]) is Network])
def test_what_covers_a_wish_allows_what_the_wish_would(grant: Grant, wish: Network, covered: bool) -> None:
    if covered:
        for host in wish.hosts:
            name = host.replace("*", "x") if host != "*" else "any.example"
            for method in wish.methods:
                port = wish.ports[0] if wish.ports else 443
                decision = match.network(gather([grant]), "c", method, "https", name, port)
                assert decision.grant is grant


HTTP = "wasi:http/outgoing-handler@0.2.3"


def test_imports_and_wishes_are_explained_in_order() -> None:
    manifest = {"wishes": {"network": [{"hosts": ["a.example"], "reason": "why"}, {"hosts": ["b.example"]}]}}
    grants = gather([Network(("a.example",), rule="here")])
    lines = explain("fetch", ["wasi:cli/environment@0.2.0", HTTP, "acme:x/y"], manifest, grants)
    assert [(line.asked, line.granted) for line in lines] == [
        (HTTP, True),
        ("acme:x/y", False),
        ('network hosts=["a.example"]', True),
        ('network hosts=["b.example"]', False),
    ]
    assert lines[0].why == "network a.example (here)"
    assert lines[1].command == ""
    assert (lines[2].reason, lines[2].command) == ("why", "")
    assert lines[3].command == "mcp-wasm grants add fetch network b.example"


def test_while_grants_wait_every_command_is_the_one_that_ends_that() -> None:
    def said(waiting: str) -> set[tuple[str, str]]:
        lines = explain("fetch", [HTTP], {"wishes": {"random": {}}}, Grants(waiting=waiting))
        return {(line.why, line.command) for line in lines}

    changed = "its bytes changed; type mcp-wasm grants approve fetch"
    assert said(changed) == {(changed, "mcp-wasm grants approve fetch")}
    assert said("the policy is broken") == {("the policy is broken", "")}


HOSTILE = [
    {"wishes": {"network": {"hosts": ["a"], "methods": ["GET\r\nX: y"]}}},
    {"wishes": {"evil\x1b[2J": {"a\n": "b"}}},
    {"wishes": {"environment": {"name": "A; rm -rf ~"}}},
    {"wishes": {"config": {"key": "$(id)", "value": "`id`"}}},
    {"wishes": {"random": {"seed": 1 << 60_000}}},
    {"wishes": {"storage": {"guest": "/../etc", "folder": "/"}}},
    {"wishes": {"network": [{"hosts": ["x" * 100_000]}] * 3}},
    {"wishes": {"messages": {}}},
    {"wishes": {"environment": {"name": "A", "value": "x\n  granted  everything"}}},
    {"wishes": {"config": {"key": "a", "value": "\u001b[2J\u202e"}}},
]


@pytest.mark.parametrize("manifest", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_manifest_is_explained_without_a_command_that_it_wrote(manifest: dict[str, object]) -> None:
    for line in explain("fetch", [], manifest, NOTHING):
        assert not line.granted
        assert line.asked.isprintable()
        assert line.why.isprintable()
        assert len(line.asked) < 600
        assert line.command in ("", "mcp-wasm grants add fetch config 'key=$(id)' 'value=`id`'")


def test_grants_without_effect_are_found() -> None:
    given = (Network(("a",)), Environment("A"))
    assert idle(given, frozenset()) == given[:1]
    assert idle(given, frozenset({"wasi:http/types"})) == ()
    assert told(Environment("A", rule="here")) == "environment name=A (here)"
    assert told(Environment("A", "x\n2\x1b", rule="here")) == "environment name=A value=x\\n2\\x1b (here)"
