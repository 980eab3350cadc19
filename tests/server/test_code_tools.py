"""Tools from inside code, over MCP: those that a person granted, what is denied, and asking for it."""

from __future__ import annotations

import pytest

from mcp_wasm.runtime import Runtime
from tests.server.clients import text_of
from tests.server.coding import talking

pytestmark = pytest.mark.anyio


async def test_describe_tools_gives_stubs_of_what_is_granted(coder: Runtime, era: str) -> None:
    async with talking(coder, era) as client:
        python = (await client.call_tool("describe_tools", {})).structured_content
        typed = await client.call_tool("describe_tools", {"language": "typescript", "query": "add"})
        wrong = await client.call_tool("describe_tools", {"language": "c"})
    assert python is not None
    assert "def demo_add(" in python["result"]
    assert "Not granted to code" in python["result"]
    assert "demo_trap" in python["result"].partition("Not granted")[2]
    assert "demoAdd(" in text_of(typed)
    assert wrong.is_error
    assert "/language: expected one of python, typescript" in text_of(wrong)
