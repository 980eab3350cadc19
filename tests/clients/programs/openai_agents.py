"""The MCP client of openai-agents."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from agents.mcp import MCPServerStdio


async def main(command: list[str]) -> dict[str, Any]:
    async with MCPServerStdio(params={"command": command[0], "args": command[1:]}) as server:
        tools = await server.list_tools()
        added = await server.call_tool("demo_add", {"a": 1, "b": 2})
        failed = await server.call_tool("demo_find", {"name": ""})
        return {
            "tools": [tool.name for tool in tools],
            "added": getattr(added, "structured_content", None) or added.structuredContent,
            "failed": [added is None or _is_error(failed), failed.content[0].text],
        }


def _is_error(result: Any) -> bool:
    return bool(getattr(result, "is_error", None) or getattr(result, "isError", None))


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
