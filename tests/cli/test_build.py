from __future__ import annotations

import json
from pathlib import Path

from mcp_wasm.build.bundled import list_bundled
from tests.cli.conftest import Command

SHIPPED = [tool.name for tool in list_bundled() if tool.shipped is not None]


def test_states_are_listed_without_building(command: Command, home: Path) -> None:
    states = json.loads(command("build", "--list", "--json").out)
    assert [state["name"] for state in states] == [tool.name for tool in list_bundled()]
    assert {state["state"] for state in states} <= {"buildable", "toolchain missing"}
    assert not (home / "bundled").exists()


def test_a_shipped_tool_is_ready_after_a_build_and_its_progress_is_on_stderr(command: Command) -> None:
    name = SHIPPED[0]
    ran = command("build", name, "--json")
    assert ran.code == 0
    assert [(each["name"], each["state"]) for each in json.loads(ran.out)] == [(name, "ready")]
    assert f"1/1 {name}: building\n{name}: ready\n" == ran.err
    assert command("build", name).err == ""


def test_an_unknown_tool_is_named_with_the_nearest(command: Command) -> None:
    ran = command("build", "hahs")
    assert (ran.code, ran.out) == (2, "")
    assert "Did you mean hash?" in ran.err


def test_there_is_something_shipped() -> None:
    assert SHIPPED
