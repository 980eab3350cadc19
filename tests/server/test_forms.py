from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import (
    KINDS,
    Clock,
    ConfigValue,
    Denial,
    Environment,
    Grant,
    KeyValue,
    Logging,
    Network,
    Nn,
    Random,
    Secret,
    Sessions,
    Storage,
    Tools,
    kind_of,
)
from mcp_wasm.capability.llm import Llm
from mcp_wasm.capability.messaging import Messaging
from mcp_wasm.server.forms import Choice, Question, Wanted, wanted
from mcp_wasm.server.words import words

DIGEST, BEFORE = "ab" * 32, "cd" * 32
NET = Network(("api.example.com",))

SAID: list[tuple[Grant, str]] = [
    (NET, "make GET, HEAD requests over https to `api.example.com`"),
    (
        Network(("*.example.com", "::1"), ("http", "https"), (8080,), ("POST",), private=True, seconds=5),
        "make POST requests over http and https to `*.example.com`, `::1`, port 8080, "
        "ALSO AT ADDRESSES INSIDE YOUR OWN NETWORK OR COMPUTER; seconds: `5`",
    ),
    (Storage(Path("/home/me"), "/data"), "read the files in the folder `/home/me`, as `/data`"),
    (
        Storage(Path("/home/me"), "/data", write=True, quota=None),
        "read, CHANGE AND DELETE the files in the folder `/home/me`, as `/data`; quota: `None`",
    ),
    (Environment("HOME"), "read the environment variable `HOME` of this computer"),
    (Environment("A", "b"), "read the environment variable `A` with the value `b`"),
    (Secret("KEY", "env:K"), "use the secret `KEY` (from `env:K`) and READ it"),
    (
        Secret("KEY", "file:/k", ("a.example",)),
        "use the secret `KEY` (from `file:/k`) in requests to `a.example`, without reading it",
    ),
    (KeyValue("notes"), "read what is kept in the bucket `notes`"),
    (KeyValue("notes", write=True), "read and write what is kept in the bucket `notes`"),
    (Clock("fixed", at=5), "have a clock that is fixed; at: `5`"),
    (Random(seed=7), "have random numbers; seed: `7`"),
    (Logging("warn"), "write to this server's log, from level warn up"),
    (ConfigValue("k", "v"), "read `v` as its configuration `k`"),
    (Nn(("m",), Path("/models")), "run the models `m` in `/models`"),
    (
        Llm(("p",), operations=("reason",), tokens=5000, cost=0.5),
        "ask the language models `*` of `p` (`reason`), up to 32,768 tokens at once,"
        " and 5,000 tokens and 0.5 US dollars in 86400 s",
    ),
    (
        Messaging(("a/b",), ("x.>",), ("y",)),
        "send messages to the agents `a/b`, and publish to `x.\\x3e`, and hear what is published to `y`",
    ),
    (Messaging(), "send no messages"),
    (Tools(("a", "b*"), tools=("x",)), "call the tools `a`, `b*`; tools: `x`"),
    (Sessions(2, 60), "keep up to 2 instances between calls, each until it was idle for 60 s"),
]


@pytest.mark.parametrize(("grant", "said"), SAID)
def test_all_that_a_grant_allows_is_said(grant: Grant, said: str) -> None:
    assert words(grant) == said


def test_every_kind_has_words() -> None:
    assert {kind_of(grant) for grant, _ in SAID} == set(KINDS)


def test_what_cannot_be_said_in_full_has_no_words() -> None:
    assert words(Network(("x" * 260,))) is not None
    assert words(Network(("x" * 261,))) is None
    assert words(Network(tuple(f"{n}.example.com" for n in range(100)))) is None


def question(**changes: Any) -> Question:
    fields: dict[str, Any] = {"wanted": (Wanted(NET, ("GET https://api.example.com/x",)),)}
    return Question("fetch_get", "fetch", DIGEST, **(fields | changes))


def test_a_question_says_who_asks_for_what_with_which_bytes_and_what_follows() -> None:
    said = question().message
    assert "fetch_get, a tool of the component fetch" in said
    assert f"1. {words(NET)}" in said
    assert "`GET https://api.example.com/x`" in said
    assert DIGEST in said
    assert f"SHA-256 {DIGEST[:12]} " in said
    assert "run AGAIN with the same arguments" in said
    assert "LOADED" not in said


def test_a_tool_that_did_not_start_is_not_said_to_run_again() -> None:
    said = question(ran=False).message
    assert "AGAIN" not in said
    assert "it is started once more" in said


def test_a_component_that_a_model_had_loaded_is_named_as_such() -> None:
    assert "A MODEL HAD THIS COMPONENT LOADED" in question(loaded=True).message


def test_changed_bytes_are_shown_beside_the_old_ones_with_what_they_wish_for() -> None:
    said = question(before=BEFORE, grown=("wasi:keyvalue/store", "x`y")).message
    assert "HAS CHANGED" in said
    assert DIGEST in said
    assert BEFORE in said
    assert r"`wasi:keyvalue/store`, `x\x60y`, which this does not allow" in said


@pytest.mark.parametrize(
    "attempt", ["`\n\n**Allowed** [click](http://evil)", "\x1b[2J", "<b>", "\u202e", "a" * 10_000]
)
def test_what_a_guest_chose_stands_in_a_code_span_and_is_bounded(attempt: str) -> None:
    plain = question().message
    said = question(wanted=(Wanted(NET, (attempt,)),)).message
    assert len(said) < len(plain) + 200
    assert said.count("`") == plain.count("`")
    assert said.count("\n") == plain.count("\n")
    assert "<" not in said
    assert all(character.isprintable() for character in said.replace("\n", ""))


def test_the_form_is_one_choice_that_is_set_to_no() -> None:
    schema: Any = question().schema
    answer = schema["properties"]["answer"]
    assert schema["required"] == ["answer"]
    assert answer["type"] == "string"
    assert answer["enum"] == [choice.value for choice in Choice]
    assert answer["default"] == Choice.DENY.value


@pytest.mark.parametrize("choice", list(Choice))
def test_an_answer_counts_as_it_was_given(choice: Choice) -> None:
    assert question().choice("accept", {"answer": choice.value}) is choice


@pytest.mark.parametrize(
    ("action", "content"),
    [
        ("accept", None),
        ("accept", {}),
        ("accept", {"answer": "allow once"}),
        ("accept", {"answer": "ALWAYS"}),
        ("accept", {"answer": True}),
        ("accept", {"answer": ["Always allow"]}),
        ("accept", {"other": "Always allow"}),
        ("decline", {"answer": "Always allow"}),
        ("cancel", {"answer": "Always allow"}),
        ("", {"answer": "Always allow"}),
    ],
)
def test_an_answer_that_is_not_exactly_one_of_ours_means_no(action: str, content: Any) -> None:
    assert question().choice(action, content) is Choice.DENY


def test_what_was_not_offered_cannot_be_chosen() -> None:
    offered = (Choice.DENY, Choice.ONCE)
    limited = question(choices=offered)
    assert limited.choice("accept", {"answer": Choice.ALWAYS.value}) is Choice.DENY
    assert limited.choice("accept", {"answer": Choice.ONCE.value}) is Choice.ONCE


def denied(grant: Grant | None, asked: str, *, quiet: bool = False) -> Denial:
    return Denial("network", asked, "r", "fetch", DIGEST, grant, quiet=quiet)


def test_each_grant_is_asked_for_once_with_what_was_tried() -> None:
    denials = [denied(NET, "GET /1"), denied(KeyValue("b"), "open b"), denied(NET, "GET /2")]
    assert wanted(denials) == (
        Wanted(NET, ("GET /1", "GET /2")),
        Wanted(KeyValue("b"), ("open b",)),
    )


def test_what_nothing_could_allow_or_is_tried_in_passing_or_has_no_words_is_not_asked_for() -> None:
    denials = [denied(None, "a"), denied(NET, "b", quiet=True), denied(Network(("x" * 300,)), "c")]
    assert wanted(denials) == ()
