"""A pydantic-ai agent whose model, without a network, calls every tool that it is offered."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ToolReturnPart
from pydantic_ai.models.test import TestModel


async def main(command: list[str]) -> dict[str, Any]:
    toolset = MCPToolset(StdioTransport(command[0], command[1:]))
    model = TestModel(call_tools=["demo_add"])
    agent = Agent(model, toolsets=[toolset])
    async with agent:
        done = await agent.run("add something")
    returned = [
        part for message in done.all_messages() for part in message.parts if isinstance(part, ToolReturnPart)
    ]
    offered = model.last_model_request_parameters.function_tools
    return {"tools": [tool.name for tool in offered], "added": returned[0].content}


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
