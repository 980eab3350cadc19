"""Tools of fixed names that talk to the client while they run: logs, progress, sampling, elicitation."""

from __future__ import annotations

import json
import warnings
from typing import Any

import anyio
from mcp import types
from mcp.shared.exceptions import MCPError
from mcp.types import InputRequiredResult

from tests.server.conformance_base import (
    TEXT,
    Answer,
    Context,
    asking,
    fixture,
    said,
)


async def log(ctx: Context, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # logging is deprecated, and still asked for
        await ctx.session.send_log_message(level="info", data=text, related_request_id=ctx.request_id)


@fixture("test_tool_with_logging")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await log(ctx, text)
    return said("done")


@fixture("test_logging_tool")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    await log(ctx, "asked for")
    return said("done")


@fixture("test_tool_with_progress")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    for progress in (0, 50, 100):
        await ctx.session.report_progress(progress, 100, f"Completed step {progress} of 100")
    return said("done")


@fixture("test_sampling", {"type": "object", "properties": {"prompt": {"type": "string"}}})
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    content = types.TextContent(type="text", text=arguments["prompt"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated too
        reply = await ctx.session.create_message(
            [types.SamplingMessage(role="user", content=content)],
            max_tokens=100,
            related_request_id=ctx.request_id,
        )
    return said(f"LLM response: {getattr(reply.content, 'text', '')}")


async def elicit(ctx: Context, request: types.ElicitRequest) -> Answer:
    params = request.params
    assert isinstance(params, types.ElicitRequestFormParams)
    reply = await ctx.session.elicit_form(
        params.message, params.requested_schema, related_request_id=ctx.request_id
    )
    return said(f"action={reply.action}, content={json.dumps(reply.content or {})}")


@fixture("test_elicitation", {"type": "object", "properties": {"message": {"type": "string"}}})
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    answer = {"response": {"type": "string", "description": "User's response"}}
    return await elicit(ctx, asking(answer, arguments["message"], "response"))


@fixture("test_elicitation_sep1034_defaults")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    properties = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return await elicit(ctx, asking(properties))


@fixture("test_elicitation_sep1330_enums")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    titled = [{"const": f"option{n}", "title": f"Option {n}"} for n in (1, 2)]
    properties = {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2"]},
        "titledSingle": {"type": "string", "oneOf": titled},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["read", "write"]}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        "legacyEnum": {"type": "string", "enum": ["s", "m"], "enumNames": ["Small", "Medium"]},
    }
    return await elicit(ctx, asking(properties))


SCHEMA_2020: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": TEXT, "city": TEXT},
        }
    },
    "properties": {
        "name": TEXT,
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": TEXT,
        "email": TEXT,
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


@fixture("json_schema_2020_12_tool", SCHEMA_2020)
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    return said("done")


HEADER = {"type": "object", "properties": {"region": TEXT | {"x-mcp-header": "Region"}}}


@fixture("test_x_mcp_header", HEADER)
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    return said(f"region={arguments.get('region')}")


@fixture("test_missing_capability")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    capabilities = ctx.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        missing: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "sampling is required", missing)
    return said("done")


@fixture("test_reconnection")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    if ctx.close_sse_stream is not None:
        await ctx.close_sse_stream()
    await anyio.sleep(0.2)  # the harness looks at what comes after the stream was closed
    return said("done")


@fixture("test_streaming_elicitation")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    await ctx.session.report_progress(1, 2, "half")
    return InputRequiredResult(input_requests={"question": asking({})})
