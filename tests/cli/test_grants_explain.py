"""``mcp-wasm grants explain``: what a component asks for, has, and why; its author's words shown safely."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Logging
from mcp_wasm.policy.file import read
from tests.cli.conftest import Command

WISHING = """
(component
  (import "wasi:logging/logging@0.1.0-draft" (instance
    (type $l (enum "trace" "debug" "info" "warn" "error" "critical"))
    (export "level" (type $level (eq $l)))
    (export "log" (func (param "level" $level) (param "context" string) (param "message" string)))))
  (core module $m (func (export "get") (result i32) (i32.const 1)))
  (core instance $i (instantiate $m))
  (func (export "get") (result u32) (canon lift (core func $i "get")))
  (func (export "put") (result u32) (canon lift (core func $i "get"))))
"""
"""A component that imports an interface that must be granted."""


@pytest.fixture
def wishing(home: Path) -> Path:
    """The home with a component that asks for things, in imports and in its manifest."""
    (home / "components").mkdir(parents=True)
    (home / "mcp-wasm.toml").write_text("bundled = false", encoding="utf-8")
    (home / "components" / "asks.wat").write_text(WISHING, encoding="utf-8")
    (home / "components" / "asks.toml").write_text(
        '[[wishes.logging]]\nlevel = "debug"\nreason = "tells what it does\\u001b[2J"\n'
        '[[wishes.storage]]\nguest = "/data"\n[wishes.environmet]\nname = "A"\n',
        encoding="utf-8",
    )
    return home


def test_each_import_and_wish_is_explained(command: Command, wishing: Path) -> None:
    ran = command("grants", "explain", "asks")
    assert ran.code == 0, ran.err
    assert "denied   wasi:logging/logging" in ran.out
    assert "no grant of logging to asks" in ran.out
    assert "to grant it: mcp-wasm grants add asks logging LEVEL" in ran.out
    assert "to grant it: mcp-wasm grants add asks logging level=debug" in ran.out
    assert "to grant it: mcp-wasm grants add asks storage folder=FOLDER guest=/data" in ran.out
    assert "nobody can grant it as it is written" in ran.out
    assert "did you mean environment?" in ran.out
    assert "its author says: tells what it does\\x1b[2J" in ran.out
    assert "\x1b" not in ran.out


def test_what_is_proposed_is_granted_when_typed(command: Command, wishing: Path) -> None:
    asked = json.loads(command("grants", "explain", "asks", "--json").out)["asked"]
    proposed = [each["command"] for each in asked if each["command"] and "LEVEL" not in each["command"]]
    for line in proposed:
        assert command(*shlex.split(line)[1:]).code == 0
    assert Logging("debug") in read(wishing / "grants.toml").entries["asks"].grants
    asked = json.loads(command("grants", "explain", "asks", "--json").out)["asked"]
    assert [each["granted"] for each in asked] == [True, True, True, False]
    assert asked[0]["why"] == "logging level=debug (grants.asks.logging[0])"


def test_a_grant_for_one_tool_is_explained_for_that_tool(command: Command, wishing: Path) -> None:
    command("grants", "add", "asks", "logging", "debug", "--tool", "asks_get")

    def granted(*tool: str) -> bool:
        asked = json.loads(command("grants", "explain", "asks", *tool, "--json").out)["asked"]
        return bool(asked[0]["granted"])

    assert granted()
    assert granted("asks_get")
    assert granted("get")
    assert not granted("asks_put")


def test_a_manifest_that_wishes_for_more_makes_a_trusted_name_wait(command: Command, wishing: Path) -> None:
    command("grants", "add", "asks", "logging", "debug")
    command("grants", "approve", "asks", "--trust", "name")
    manifest = wishing / "components" / "asks.toml"
    manifest.write_text(manifest.read_text() + '[wishes.network]\nhosts = ["evil.example"]\n')
    assert "asks: holds" in command("grants", "show").out  # the same bytes
    path = wishing / "components" / "asks.wat"
    path.write_text(path.read_text().replace("i32.const 1", "i32.const 2"))
    shown = command("grants", "show").out
    assert "asks: waits: the bytes of asks have changed and it now wishes for more" in shown
    assert 'network hosts=["evil.example"]' in shown


def test_a_component_that_keeps_resources_asks_for_sessions(
    command: Command, home: Path, program: Callable[[str], Path]
) -> None:
    (home / "components").mkdir(parents=True)
    (home / "mcp-wasm.toml").write_text("bundled = false", encoding="utf-8")
    copied = home / "components" / "counters.wat"
    copied.write_bytes(program("counters").read_bytes())
    add = "mcp-wasm grants add counters sessions"
    seen = command("inspect", copied)
    assert f"sessions, which a person grants: {add}\n" in seen.out
    assert "it needs nothing" not in seen.out
    assert "counters_new_counter" in json.loads(command("inspect", copied, "--json").out)["sessions"]
    asked = json.loads(command("grants", "explain", "counters", "--json").out)["asked"]
    assert [(each["kind"], each["granted"], each["command"]) for each in asked] == [("sessions", False, add)]
    assert command(*shlex.split(add)[1:]).code == 0
    asked = json.loads(command("grants", "explain", "counters", "--json").out)["asked"]
    assert [(each["kind"], each["granted"]) for each in asked] == [("sessions", True)]
    shown = command("audit")
    assert "sessions" in shown.out
