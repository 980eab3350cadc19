"""What a model is told of Rust and Go: that they are for tools, and what is missing here."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from mcp_wasm.code.contract import LANGUAGES, MADE_LANGUAGES
from mcp_wasm.runtime import Runtime
from tests.server.clients import text_of
from tests.server.coding import run, talking

pytestmark = pytest.mark.anyio
find_spec = importlib.util.find_spec


async def test_run_code_says_that_they_compile_to_tools_only(coder: Runtime, era: str) -> None:
    async with talking(coder, era) as client:
        result = await run(client, "pub fn f() {}", "rust")
        assert result.is_error
        assert "/language" in text_of(result)
        assert "rust compiles to tools only: make one (create_tool, mcp-wasm publish)" in text_of(result)


async def test_create_tool_lists_them_and_says_what_is_missing(
    coder: Runtime, era: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "go" else find_spec(name))
    async with talking(coder, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        enum = tools["create_tool"].input_schema["properties"]["language"]["enum"]
        assert enum == list(MADE_LANGUAGES)
        assert tools["run_code"].input_schema["properties"]["language"]["enum"] == list(LANGUAGES)
        given = {"name": "thing", "language": "rust", "source": "pub fn f() {}"}
        result = await client.call_tool("create_tool", given)
        assert result.is_error
        assert text_of(result).startswith(
            "Rust for WebAssembly (the program rustc is not installed) is not installed. "
            "Type: rustup target add wasm32-unknown-unknown"
        )
        given = {"name": "thing", "language": "go", "source": "package main\nfunc F() {}"}
        assert "Type: pip install 'mcp-wasm[go]'" in text_of(await client.call_tool("create_tool", given))
