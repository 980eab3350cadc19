"""The LangChain adapters."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from langchain_mcp_adapters.client import MultiServerMCPClient


async def main(command: list[str]) -> dict[str, Any]:
    server = {"command": command[0], "args": command[1:], "transport": "stdio"}
    tools = {tool.name: tool for tool in await MultiServerMCPClient({"wasm": server}).get_tools()}
    added = await tools["demo_add"].ainvoke({"a": 1, "b": 2})
    call = {"type": "tool_call", "id": "1", "name": "demo_find", "args": {"name": ""}}
    failed = await tools["demo_find"].ainvoke(call)
    return {
        "tools": list(tools),
        "added": json.loads(added[0]["text"]),
        "failed": [failed.status == "error", str(failed.content)],
    }


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
