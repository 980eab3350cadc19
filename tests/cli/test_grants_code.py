"""``mcp-wasm grants ... code``: what a person grants to whatever code a model sends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mcp_wasm.code.contract import DIGEST
from tests.cli.conftest import Command
from tests.cli.test_grants import entry, settings


def test_code_is_granted_something_as_a_component_is(command: Command, home: Path) -> None:
    home.mkdir(exist_ok=True)
    settings(home, "")
    ran = command("grants", "add", "code", "tools", "names=text_*")
    assert (ran.code, ran.out) == (0, "granted to code: tools names=text_*\n")
    assert entry(home, "code").digest == DIGEST
    shown = command("grants", "show", "code").out
    assert "tools names=text_*" in shown
    assert "no such component" not in shown
    assert "granted  mcp-wasm:tools/call" in command("grants", "explain", "code").out
    assert command("grants", "revoke", "code", "tools").code == 0
    assert "code" not in (home / "grants.toml").read_text()


def test_what_code_cannot_use_is_said(command: Command, home: Path) -> None:
    home.mkdir(exist_ok=True)
    settings(home, "")
    ran = command("grants", "add", "code", "network", "api.example.com")
    assert "code imports nothing of network" in ran.err


def test_no_component_can_take_the_grants_of_code(
    command: Command, home: Path, program: Callable[[str], Path], tmp_path: Path
) -> None:
    home.mkdir(exist_ok=True)
    settings(home, "")
    (tmp_path / "code.wat").write_bytes(program("tiny").read_bytes())
    ran = command("add", str(tmp_path / "code.wat"))
    assert ran.code != 0
    assert "the name code is kept for code that models send" in ran.err
