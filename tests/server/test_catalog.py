from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from mcp_wasm.registry.index import ToolSetting
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.code_tools import CODE_TOOLS
from mcp_wasm.server.options import ServerOptions
from tests.server.clients import connected, text_of


@pytest.mark.anyio
async def test_tools_are_listed_by_name_with_schemas_and_annotations(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        tools = (await client.list_tools()).tools
    names = [tool.name for tool in tools]
    assert names == sorted(names)
    assert "demo_add" in names
    add = tools[names.index("demo_add")]
    assert add.input_schema["required"] == ["a", "b"]
    assert add.output_schema is not None
    assert add.output_schema["required"] == ["result"]
    assert add.annotations is not None
    assert (add.annotations.read_only_hint, add.annotations.open_world_hint) == (True, False)
    assert (add.annotations.destructive_hint, add.annotations.idempotent_hint) == (False, True)
    assert add.meta is not None
    assert add.meta["mcp-wasm/component"] == "demo"
    assert len(add.meta["mcp-wasm/digest"]) == 64


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["dynamic", "search", "both"])
async def test_the_pages_of_the_list_hold_every_tool_once(runtime: Runtime, era: str, mode: Any) -> None:
    options = ServerOptions(tools=mode, page_size=2)
    names: list[str] = []
    async with connected(runtime, era, options) as client:
        cursor = None
        while True:
            page = await client.list_tools(cursor=cursor)
            names += [tool.name for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                break
    own = [tool.name for tool in runtime.tools] if mode != "search" else []
    pair = ["call_tool", "search_tools"] if mode != "dynamic" else []
    assert names == sorted([*own, *pair, *CODE_TOOLS])


def component_less(runtime: Runtime) -> ServerOptions:
    runtime.remove("demo")
    return ServerOptions(code=False)


@pytest.mark.anyio
async def test_a_server_without_tools_lists_none_and_says_so(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era, component_less(runtime)) as client:
        assert (await client.list_tools()).tools == []
        assert (await client.list_resources()).resources == []
        with pytest.raises(MCPError, match="There is no tool named 'demo_add'"):
            await client.call_tool("demo_add", {"a": 1, "b": 2})


@pytest.mark.anyio
async def test_a_hidden_tool_is_neither_listed_nor_found_nor_called(
    home: Path, program: Callable[[str], Path], era: str
) -> None:
    settings = {"demo_add": ToolSetting(hidden=True)}
    with Runtime(home=home, tools=settings) as runtime:
        runtime.add(program("server_tools"), name="demo")
        async with connected(runtime, era, ServerOptions(tools="both")) as client:
            assert "demo_add" not in [tool.name for tool in (await client.list_tools()).tools]
            found = await client.call_tool("search_tools", {"query": "add"})
            assert "demo_add" not in text_of(found)
            for name, arguments in (("demo_add", {}), ("call_tool", {"name": "demo_add"})):
                with pytest.raises(MCPError, match="There is no tool"):
                    await client.call_tool(name, arguments)
            (manifest,) = (await client.read_resource("mcp-wasm://components/demo/manifest")).contents
            assert '"demo_add"' not in getattr(manifest, "text", "")
