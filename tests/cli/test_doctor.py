from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcp_wasm.build.languages import TOOLCHAINS
from tests.cli.conftest import Command


def findings(command: Command, *words: str | Path) -> dict[str, dict[str, object]]:
    return {each["name"]: each for each in json.loads(command("doctor", "--json", *words).out)}


def test_a_sound_installation_is_code_0(command: Command) -> None:
    ran = command("doctor")
    assert ran.code == 0
    for word in ("python", "wasmtime", "50.0.1", "mcp", "home", "cache", "build: c", "tool: hash"):
        assert word in ran.out


def test_every_toolchain_is_looked_at_and_none_is_needed_to_serve(command: Command) -> None:
    found = findings(command)
    for language in TOOLCHAINS:
        assert found[f"build: {language}"]["needed"] is False


def test_what_is_missing_comes_with_what_to_type(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    ran = command("doctor")
    assert ran.code == 0
    assert findings(command)["node"]["state"] == "missing"
    assert "to do:" in ran.out
    assert "# for node" in ran.out


def test_a_home_that_is_not_usable_is_code_3(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = command("doctor", "--home", tmp_path / "file")
    assert ran.code == 3
    assert "home" in ran.out


def test_a_token_that_others_may_read_is_told(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("[http]\ntoken = 'secret'", encoding="utf-8")
    path.chmod(0o644)
    ran = command("doctor", "--config", path)
    assert ran.code == 3
    assert f"chmod 600 {path}" in ran.out
    assert "secret" not in ran.out
    path.chmod(0o600)
    assert command("doctor", "--config", path).code == 0


def test_each_language_of_code_has_its_state_and_what_to_type(command: Command) -> None:
    found = findings(command)
    for language in ("python", "javascript", "typescript", "c", "wat"):
        assert found[f"code: {language}"]["needed"] is False
    assert found["code: javascript"]["state"] == "ok"
    assert found["code: python"]["state"] == "missing"
    assert "mcp-wasm build code" in command("doctor").out or "pip install" in command("doctor").out
