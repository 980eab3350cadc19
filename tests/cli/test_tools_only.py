"""Rust and Go at the command line: what is said where their toolchains are missing, or a program is run."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

find_spec = importlib.util.find_spec
INSTALL = {"rust": "rustup target add wasm32-unknown-unknown", "go": "pip install 'mcp-wasm[go]'"}
SOURCES = {"rust": ("half.rs", "pub fn f() {}"), "go": ("half.go", "package main\nfunc F() {}")}


@pytest.fixture
def without_toolchains(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "go" else find_spec(name))


@pytest.mark.parametrize("language", SOURCES)
def test_publish_says_what_to_install(
    language: str, command: Command, without_toolchains: None, tmp_path: Path
) -> None:
    name, text = SOURCES[language]
    (tmp_path / name).write_text(text, encoding="utf-8")
    ran = command("publish", tmp_path / name, "--no-bundled")
    assert ran.code == 3
    assert f"Type: {INSTALL[language]}" in ran.err


@pytest.mark.parametrize("language", SOURCES)
def test_run_says_that_they_compile_to_tools_only(language: str, command: Command, tmp_path: Path) -> None:
    name, text = SOURCES[language]
    (tmp_path / name).write_text(text, encoding="utf-8")
    ran = command("run", tmp_path / name)
    assert ran.code == 2
    assert f"{language} compiles to tools only" in ran.err


def test_doctor_and_build_code_say_what_is_missing_and_what_to_type(
    command: Command, without_toolchains: None
) -> None:
    found = {each["name"]: each for each in json.loads(command("doctor", "--json").out)}
    ran = command("build", "code", "--list", "--json")
    listed = {each["language"]: each["state"] for each in json.loads(ran.out)}
    for language, install in INSTALL.items():
        assert found[f"build: {language}"]["state"] == "missing"
        assert found[f"build: {language}"]["remedy"].startswith(install)
        assert found[f"code: {language}"]["remedy"].startswith(install)
        assert f"is not installed. Type: {install}" in listed[language]
