"""The FastMCP client."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def main(command: list[str]) -> dict[str, Any]:
    async with Client(StdioTransport(command[0], command[1:])) as client:
        tools = await client.list_tools()
        added = await client.call_tool("demo_add", {"a": 1, "b": 2})
        failed = await client.call_tool("demo_find", {"name": ""}, raise_on_error=False)
        wrong = await client.call_tool("demo_add", {"a": "one", "b": 2}, raise_on_error=False)
        return {
            "tools": [tool.name for tool in tools],
            "added": added.structured_content,
            "failed": [failed.is_error, failed.content[0].text],
            "wrong": [wrong.is_error, wrong.content[0].text],
        }


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
