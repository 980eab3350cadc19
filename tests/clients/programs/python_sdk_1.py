"""The Python SDK 1.x as a client."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main(command: list[str]) -> dict[str, Any]:
    server = StdioServerParameters(command=command[0], args=command[1:])
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        tools = await session.list_tools()
        added = await session.call_tool("demo_add", {"a": 1, "b": 2})
        failed = await session.call_tool("demo_find", {"name": ""})
        wrong = await session.call_tool("demo_add", {"a": "one", "b": 2})
        return {
            "tools": [tool.name for tool in tools.tools],
            "added": added.structuredContent,
            "failed": [failed.isError, failed.content[0].text],
            "wrong": [wrong.isError, wrong.content[0].text],
        }


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
