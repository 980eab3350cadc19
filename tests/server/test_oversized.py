from __future__ import annotations

import pytest
from mcp.shared.exceptions import MCPError

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.options import ServerOptions
from tests.server.clients import connected, limited, text_of


@pytest.mark.anyio
async def test_a_call_cannot_widen_its_limits(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_add", {"a": 1, "b": 2}, meta=limited({"fuel": 10**15}))
        cut = await client.call_tool(
            "demo_repeat", {"text": "x" * 1024, "times": 1100}, meta=limited({"text": 10**9})
        )
    assert not result.is_error
    assert "Truncated" in text_of(cut)


@pytest.mark.anyio
async def test_an_oversized_result_is_cut_says_so_and_is_read_in_pages(runtime: Runtime, era: str) -> None:
    options = ServerOptions(result_page=1000)
    async with connected(runtime, era, options) as client:
        await client.list_tools()  # from here on the client checks results against the output schemas
        cut = await client.call_tool("demo_repeat", {"text": "é", "times": 2000}, meta=limited({"text": 101}))
        said = text_of(cut)
        assert '{"result":"éé' in said
        assert "100 of 4,013 bytes" in said or "101 of 4,013 bytes" in said
        assert not cut.is_error
        assert cut.structured_content is not None
        assert cut.structured_content.keys() == {"truncated"}
        link = next(block for block in cut.content if block.type == "resource_link")
        assert link.size == 4013
        whole, uri = "", link.uri
        while uri:
            (page,) = (await client.read_resource(uri)).contents
            assert page.meta is not None
            whole += getattr(page, "text", "")
            uri = page.meta["mcp-wasm/page"].get("next", "")
        assert whole == '{"result":"' + "é" * 2000 + '"}'
        for strange in (
            f"{link.uri}/6",
            f"{link.uri}/0",
            f"{link.uri}x",
            f"{link.uri}/1/2",
            f"{link.uri}/99999999",
        ):
            with pytest.raises(MCPError):
                await client.read_resource(strange)


@pytest.mark.anyio
async def test_a_small_result_is_never_cut(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        await client.list_tools()
        result = await client.call_tool("demo_add", {"a": 1, "b": 2}, meta=limited({"text": 1}))
    assert result.structured_content == {"result": 3}


@pytest.mark.anyio
async def test_an_oversized_error_is_cut_too(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_find", {"name": ""}, meta=limited({"text": 5}))
    assert result.is_error
    assert text_of(result).startswith("no su\n[Truncated: 5 of")
