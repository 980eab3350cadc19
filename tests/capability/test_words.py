"""Grants as words of a command line, there and back through a shell."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability import document, match
from mcp_wasm.capability.command import add_command, approve_command, denial_command
from mcp_wasm.capability.effective import waits
from mcp_wasm.capability.grant import (
    KINDS,
    NOTHING,
    Clock,
    ConfigValue,
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
from mcp_wasm.capability.keys import KEYS
from mcp_wasm.capability.llm import Llm
from mcp_wasm.capability.messaging import Messaging
from mcp_wasm.capability.policy import EMPTY, Entry, Policy, combine
from mcp_wasm.capability.values import Place
from mcp_wasm.capability.words import FORMS, table, words
from mcp_wasm.errors import InvalidSettings

PLACE = Place(Path("/here"), Path("/people/me"))


def read(kind: str, given: list[str]) -> Grant:
    return document.grant(kind, table(kind, given), kind, PLACE)


SHORT: list[tuple[str, list[str], Grant]] = [
    ("network", ["a.example"], Network(("a.example",))),
    ("network", ["a.example,*.b.example", "c.example"], Network(("a.example", "*.b.example", "c.example"))),
    ("network", ["*"], Network(("*",))),
    ("network", ["::1", "private=true", "schemes=http", "ports=1,2"],
     Network(("::1",), ("http",), (1, 2), private=True)),
    ("network", ["a", "methods=GET,post", "seconds=0.5", "response_bytes=1 MiB"],
     Network(("a",), methods=("GET", "POST"), seconds=0.5, response_bytes=1024**2)),
    ("storage", ["data:/data"], Storage(Path("/here/data"), "/data")),
    ("storage", ["~/a:b:/data:rw", "quota=none"], Storage(Path("/people/me/a:b"), "/data", True, None)),
    ("storage", ["/x:/data:ro"], Storage(Path("/x"), "/data")),
    ("storage", ["folder=/x:/y:rw", "guest=/z"], Storage(Path("/x:/y:rw"), "/z")),
    ("environment", ["HOME"], Environment("HOME")),
    ("environment", ["A=b=c"], Environment("A", "b=c")),
    ("environment", ["A="], Environment("A", "")),
    ("environment", ["name=value", "value=x"], Environment("value", "x")),
    ("secret", ["T=env:T", "hosts=a"], Secret("T", "env:T", ("a",))),
    ("keyvalue", ["notes"], KeyValue("notes")),
    ("keyvalue", ["notes*:rw"], KeyValue("notes*", True)),
    ("keyvalue", ["bucket=a:rw"], KeyValue("a:rw")),
    ("clock", ["fixed", "at=2026-01-31T12:00:00Z"], Clock("fixed", 1769860800.0)),
    ("clock", ["fixed", "at=-1.5"], Clock("fixed", -1.5)),
    ("random", ["7"], Random(7)),
    ("random", [], Random()),
    ("logging", ["warn"], Logging("warn")),
    ("config", ["k=v=w"], ConfigValue("k", "v=w")),
    ("nn", ["m", "n*", "folder=models"], Nn(("m", "n*"), Path("/here/models"))),
    ("llm", ["openai"], Llm(("openai",))),
    ("llm", ["a*,b", "models=m*", "operations=reason,ask", "tokens=9", "cost=0.5"],
     Llm(("a*", "b"), ("m*",), ("reason", "ask"), tokens=9, cost=0.5)),
    ("messaging", ["a/b,c*", "subjects=x.>", "subscribe=y.*.z"],
     Messaging(("a/b", "c*"), ("x.>",), ("y.*.z",))),
    ("tools", ["a_b", "tools=x,y"], Tools(("a_b",), ("x", "y"))),
    ("sessions", ["most=2", "idle=5"], Sessions(2, 5.0)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given", "grant"), SHORT)
def test_words_write_a_grant(kind: str, given: list[str], grant: Grant) -> None:
    assert read(kind, given) == grant
    assert read(kind, list(words(grant))) == grant


WRONG: list[tuple[str, list[str], str]] = [
    ("netwrok", [], "did you mean network?"),
    ("network", [], "the key hosts"),
    ("network", ["host=a"], "did you mean hosts=…?"),
    ("network", ["a", "private=yes"], "true or false"),
    ("network", ["a", "ports=http"], "a port"),
    ("network", ["a", "seconds=long"], "a number"),
    ("network", ["a", "private=true", "private=true"], "one value"),
    ("network", [""], "a host name"),
    ("storage", ["/x"], "FOLDER:GUEST[:rw]"),
    ("storage", ["/x:data"], "FOLDER:GUEST[:rw]"),
    ("clock", ["fixed", "coarse"], "one value"),
    ("random", ["seven"], "a whole number"),
    ("sessions", ["5"], "KEY=VALUE"),
    ("logging", ["lvl=warn"], "did you mean level=…?"),
]


@pytest.mark.parametrize(("kind", "given", "told"), WRONG)
def test_words_that_make_no_grant_are_refused(kind: str, given: list[str], told: str) -> None:
    with pytest.raises(InvalidSettings) as error:
        read(kind, given)
    assert told in str(error.value)


NASTY: list[Grant] = [
    Network(("*", "*.example.com", "::1", "api.example.com"), ("http", "https"), (80,), ("*",), True, 0.1, 0,
            5, 1, 1, 1, ("a_b", "x:y/z@1#[method]c.d")),
    Storage(Path("/with space/$HOME/`id`/'quote'/\"/a=b:c"), "/a b", True, None),
    Storage(Path("/x"), "/x", True, 12345),
    Environment("A", "$(id) `id` ; ' \" \\ \n * ~ & | > < !"),
    Environment("name", "name=value"),
    Environment("A"),
    Secret("T", "keyring:my service/me@example.com", ("a",)),
    KeyValue("-rf :rw"),
    KeyValue("--all:rw", True),
    Clock("fixed", 1769860800.123456),
    Clock("coarse", step=0.25),
    Clock(at=-(2.0**53)),
    Random(0),
    Random(2**63 - 1),
    Logging("trace"),
    ConfigValue("a=b", "--tool"),
    ConfigValue("k", ""),
    Nn(("m$x", "n*"), Path("/m")),
    Llm(("-x",), ("$(id)",), cost=0.1),
    Messaging(("-x", "*"), (">",), ("*.-x",)),
    Tools(("-x", "*")),
    Sessions(1, 0.5 + 1),
]  # fmt: skip


@pytest.mark.parametrize("grant", [*NASTY, *(grant for _, _, grant in SHORT)], ids=kind_of)
def test_a_command_is_the_grant_again_whatever_stands_in_it(grant: Grant) -> None:
    program, *given = shlex.split(add_command("fetch", grant))
    assert [program, *given[:4]] == ["mcp-wasm", "grants", "add", "fetch", kind_of(grant)]
    assert not any(word.startswith("-") for word in given)
    assert read(given[3], given[4:]) == grant


@pytest.mark.skipif(os.name != "posix", reason="POSIX shells")
def test_a_shell_takes_commands_apart_the_same_way(tmp_path: Path) -> None:
    program = tmp_path / "mcp-wasm"
    program.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n", encoding="utf-8")
    program.chmod(0o755)
    for grant in NASTY:
        command = add_command("fetch", grant)
        printed = subprocess.run(
            ["/bin/sh", "-c", command],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, cwd=tmp_path, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        assert printed.stdout.split("\0")[:-1] == shlex.split(command)[1:]


def test_what_a_refusal_proposes_is_a_command() -> None:
    wanted = match.network(NOTHING, "fetch", "POST", "http", "127.0.0.1", 8080).wanted
    assert wanted is not None
    told = "mcp-wasm grants add fetch network 127.0.0.1 schemes=http ports=8080 methods=POST private=true"
    assert add_command("fetch", wanted) == told


def test_a_command_can_name_bytes_and_home() -> None:
    command = add_command("fetch", Clock(), options=("--digest", "d" * 64, "--home", "/my home"))
    assert command == f"mcp-wasm grants add fetch clock --digest {'d' * 64} --home '/my home'"
    assert (
        approve_command("fetch", options=("--home", "/my home"))
        == "mcp-wasm grants approve fetch --home '/my home'"
    )


def test_every_kind_has_its_form() -> None:
    assert set(FORMS) == set(KINDS)
    keys: set[Any] = {key.name for kind in KEYS.values() for key in kind}
    assert not any("=" in key for key in keys)


def test_while_grants_wait_the_command_is_to_approve_them() -> None:
    entry = Entry("fetch", digest="a" * 64, grants=(Clock(),))
    waiting = waits(entry, "b" * 64, frozenset())
    assert denial_command("fetch", Clock()) == "mcp-wasm grants add fetch clock"
    assert denial_command("fetch", Clock(), waiting) == "mcp-wasm grants approve fetch"
    unidentified = combine(Policy({"fetch": Entry("fetch")}), EMPTY).entries["fetch"].problem
    assert denial_command("fetch", None, unidentified) == "mcp-wasm grants approve fetch"
    assert denial_command("fetch", Clock(), "grants.toml: expected a TOML document") == ""
    assert denial_command("fetch", None) == ""


def test_no_command_is_named_for_what_a_model_loaded() -> None:
    assert denial_command("loaded_fetch", Environment("A")) == ""
    assert denial_command("loaded_fetch", None, "mcp-wasm grants approve loaded_fetch") == ""
    assert denial_command("fetch", Environment("A")) != ""
