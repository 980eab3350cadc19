"""What the conformance fixtures are made of: a table of tools by name, and short ways to answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.types import InputRequiredResult

Context = ServerRequestContext[Any, Any]
Answer = types.CallToolResult | InputRequiredResult
Fixture = Callable[[Context, dict[str, Any]], Awaitable[Answer]]

NOTHING: dict[str, Any] = {"type": "object", "additionalProperties": False}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="

FIXTURES: dict[str, tuple[dict[str, Any], Fixture]] = {}


def fixture(name: str, schema: dict[str, Any] | None = None) -> Callable[[Fixture], Fixture]:
    """Register a tool of a fixed name."""

    def register(function: Fixture) -> Fixture:
        FIXTURES[name] = (schema or NOTHING, function)
        return function

    return register


def said(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)])


def asking(properties: dict[str, Any], message: str = "?", *required: str) -> types.ElicitRequest:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(text: str) -> types.CreateMessageRequest:
    content = types.TextContent(type="text", text=text)
    message = types.SamplingMessage(role="user", content=content)
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[message], max_tokens=100)
    )


TEXT = {"type": "string"}
