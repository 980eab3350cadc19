"""Rust and Go: tools are made of them and nothing is run, and each says so, or what is missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from mcp_wasm.code.contract import LANGUAGES, MADE_LANGUAGES, Run, not_run
from mcp_wasm.code.made_contract import Wanted
from mcp_wasm.errors import InvalidArguments, SignatureRefused, ToolchainMissing
from mcp_wasm.runtime import Runtime

SOURCES = {"rust": "pub fn f() {}", "go": "package main\nfunc F() {}"}
find_spec = importlib.util.find_spec


@pytest.fixture
def without_toolchains(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "go" else find_spec(name))


@pytest.mark.parametrize("language", SOURCES)
def test_a_run_says_that_these_compile_to_tools_only(language: str, made_runtime: Runtime) -> None:
    run = Run(language, SOURCES[language])  # type: ignore[arg-type]
    with pytest.raises(InvalidArguments, match=f"{language} compiles to tools only: make one"):
        made_runtime.run_code_sync(run)


def test_a_language_of_nobody_is_told_those_that_run() -> None:
    assert not_run("cobol") == f"one of {', '.join(LANGUAGES)}"
    assert [not_run(each) for each in LANGUAGES] == [""] * len(LANGUAGES)
    assert set(MADE_LANGUAGES) == {*LANGUAGES, *SOURCES}


INSTALLED = {
    "rust": "Type: rustup target add wasm32-unknown-unknown",
    "go": r"Type: pip install 'mcp-wasm\[go\]'",
}


@pytest.mark.parametrize("language", SOURCES)
def test_a_tool_without_its_toolchain_is_told_what_to_install(
    language: str, made_runtime: Runtime, without_toolchains: None
) -> None:
    wanted = Wanted("thing", language, SOURCES[language])
    with pytest.raises(ToolchainMissing, match=INSTALLED[language]):
        made_runtime.made.create(wanted, by="a test", client="")
    assert made_runtime.made.list() == ()


@pytest.mark.parametrize("language", SOURCES)
def test_what_cannot_be_typed_is_said_before_any_toolchain_is_looked_for(
    language: str, made_runtime: Runtime, without_toolchains: None
) -> None:
    with pytest.raises(SignatureRefused, match=r"^code\.(rs|go):1:1: "):
        made_runtime.made.create(Wanted("thing", language, "x"), by="a test", client="")
