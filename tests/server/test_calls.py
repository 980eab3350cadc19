from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp.shared.exceptions import MCPError

from mcp_wasm.runtime import Runtime
from tests.server.clients import connected, limited, text_of


@pytest.mark.anyio
async def test_a_result_is_structured_and_the_same_json_in_text(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        await client.list_tools()
        result = await client.call_tool("demo_add", {"a": 40, "b": 2})
    assert result.structured_content == {"result": 42}
    assert text_of(result) == '{"result":42}'
    assert not result.is_error
    assert result.meta is not None
    cost = result.meta["mcp-wasm/cost"]
    assert cost.keys() == {"fuel", "queueMs", "compileMs", "instantiateMs", "runMs", "digest"}
    assert cost["fuel"] > 0


@pytest.mark.anyio
async def test_a_function_without_result_says_null(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        await client.list_tools()
        result = await client.call_tool("demo_nothing", {})
    assert (text_of(result), result.structured_content) == ('{"result":null}', {"result": None})


@pytest.mark.anyio
async def test_an_error_of_the_function_is_told_in_words_and_json(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_find", {"name": ""})
    assert result.is_error
    assert result.structured_content is None
    assert text_of(result) == 'no such user\n{"err":"no such user"}'


@pytest.mark.anyio
async def test_an_image_is_content_and_nothing_else(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        result = await client.call_tool("demo_picture", {})
    assert tools["demo_picture"].output_schema is None
    assert result.structured_content is None
    (block,) = result.content
    assert block.type == "image"
    assert block.mime_type == "image/png"


@pytest.mark.anyio
async def test_an_unknown_tool_is_a_protocol_error_with_the_nearest_names(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("demo_ad", {})
    assert refused.value.code == -32602
    assert "demo_add" in refused.value.message
    assert "demo_add" in refused.value.data["nearest"]


@pytest.mark.anyio
async def test_wrong_arguments_are_named_to_the_model(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_add", {"a": "x", "b": 2})
    assert result.is_error
    assert "/a" in text_of(result)


@pytest.mark.anyio
async def test_a_limit_names_itself_its_value_and_how_to_raise_it(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_spin", {}, meta=limited({"fuel": 50_000}))
    assert result.is_error
    said = text_of(result)
    assert "fuel limit" in said
    assert "50,000" in said
    assert "mcp-wasm.toml" in said
    assert result.meta is not None
    assert result.meta["mcp-wasm/cost"]["fuel"] >= 50_000


@pytest.mark.anyio
async def test_a_trap_is_told_in_words(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_trap", {})
    assert result.is_error
    assert "trapped" in text_of(result)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"fuel": -1}, "limits.fuel"),
        ({"fuel": "many"}, "limits.fuel"),
        ({"deadline": True}, "limits.deadline"),
        ({"instances": 5}, "limits.instances"),
        (["fuel"], "mcp-wasm/limits"),
        ("fuel", "mcp-wasm/limits"),
    ],
)
async def test_a_limit_that_is_none_is_refused_by_name(
    runtime: Runtime, era: str, limits: Any, named: str
) -> None:
    async with connected(runtime, era) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("demo_add", {"a": 1, "b": 2}, meta=limited(limits))
    assert refused.value.code == -32602
    assert named in refused.value.message


@pytest.mark.anyio
async def test_giving_up_a_call_stops_its_guest(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        for _ in range(6):  # more than there are workers: each must be free again
            with anyio.move_on_after(0.2):
                await client.call_tool("demo_spin", {})
        result = await client.call_tool("demo_add", {"a": 1, "b": 2})
    assert result.structured_content == {"result": 3}
