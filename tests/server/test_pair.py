from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from mcp_wasm.registry.index import ToolSetting
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.options import ServerOptions
from tests.server.clients import connected, text_of


@pytest.mark.anyio
async def test_the_stable_pair_finds_and_calls_tools_as_if_called_directly(
    runtime: Runtime, era: str
) -> None:
    async with connected(runtime, era, ServerOptions(tools="search")) as client:
        await client.list_tools()
        found = await client.call_tool("search_tools", {"query": "add"})
        assert found.structured_content is not None
        best = found.structured_content["result"][0]
        assert best["name"] == "demo_add"
        assert best["inputSchema"]["required"] == ["a", "b"]

        direct = await client.call_tool("demo_add", {"a": 1, "b": 2})
        through = await client.call_tool("call_tool", {"name": "demo_add", "arguments": {"a": 1, "b": 2}})
        assert through.content == direct.content
        assert through.structured_content == direct.structured_content
        wrong = await client.call_tool("demo_add", {"a": "x"})
        assert text_of(
            await client.call_tool("call_tool", {"name": "demo_add", "arguments": {"a": "x"}})
        ) == text_of(wrong)
        with pytest.raises(MCPError, match="There is no tool"):
            await client.call_tool("call_tool", {"name": "nobody"})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "arguments", "pointer"),
    [
        ("call_tool", {}, "/name"),
        ("call_tool", {"name": "call_tool"}, "/name"),
        ("call_tool", {"name": "call_tool", "arguments": {"name": "call_tool"}}, "/name"),
        ("call_tool", {"name": "search_tools", "arguments": {"query": ""}}, "/name"),
        ("call_tool", {"name": "demo_add", "arguments": '{"a":1,"b":2}'}, "/arguments"),
        ("call_tool", {"name": "demo_add", "args": {}}, "/args"),
        ("search_tools", {}, "/query"),
        ("search_tools", {"query": 5}, "/query"),
        ("search_tools", {"query": "", "limit": 0}, "/limit"),
        ("search_tools", {"query": "", "limit": True}, "/limit"),
    ],
)
async def test_wrong_arguments_of_the_pair_are_named(
    runtime: Runtime, era: str, name: str, arguments: dict[str, Any], pointer: str
) -> None:
    async with connected(runtime, era, ServerOptions(tools="both")) as client:
        result = await client.call_tool(name, arguments)
    assert result.is_error
    assert f"- {pointer}: expected" in text_of(result)


@pytest.mark.anyio
async def test_the_pair_is_not_there_unless_asked_for(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        with pytest.raises(MCPError, match="There is no tool"):
            await client.call_tool("search_tools", {"query": ""})


@pytest.mark.anyio
async def test_a_component_cannot_take_the_names_of_the_pair(
    home: Path, program: Callable[[str], Path], era: str
) -> None:
    settings = {"demo_add": ToolSetting(name="call_tool")}
    with Runtime(home=home, tools=settings) as runtime:
        runtime.add(program("server_tools"), name="demo")
        async with connected(runtime, era, ServerOptions(tools="both")) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names.count("call_tool") == 1
            result = await client.call_tool("call_tool", {"a": 1, "b": 2})
            assert result.is_error
        async with connected(runtime, era) as client:
            result = await client.call_tool("call_tool", {"a": 1, "b": 2})
            assert result.structured_content == {"result": 3}
