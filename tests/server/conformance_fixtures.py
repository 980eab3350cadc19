"""What the MCP conformance harness asks of a server beyond what components can be.

The harness calls tools, prompts and resources of fixed names. Those that a
component can be are in ``tests/programs/server_conformance.wat``; here is the
rest, put over the handlers of our own server: questions to the client, several
rounds of them, logging, prompts, subscriptions. Nothing here is shipped.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http import EventCallback, EventId, EventMessage, EventStore, StreamId
from mcp.server.subscriptions import PromptsListChanged, ToolsListChanged
from mcp.shared.exceptions import MCPError
from mcp.types import InputRequiredResult, JSONRPCMessage

from mcp_wasm.server.app import ToolServer

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


TEXT = {"type": "string"}
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


ROUNDS = "test_input_required_result_"
NAME = asking({"name": TEXT}, "What is your name?", "name")
CONFIRM = asking({"ok": {"type": "boolean"}}, "Please confirm", "ok")


def given(ctx: Context) -> tuple[dict[str, Any], str | None]:
    """What the client sent back: its answers, and the state it was given."""
    params = types.CallToolRequestParams.model_validate(ctx.params, by_name=False)
    return dict(params.input_responses or {}), params.request_state


def content(reply: Any) -> dict[str, Any]:
    found: dict[str, Any] = getattr(reply, "content", None) or {}
    return found


@fixture(ROUNDS + "elicitation")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    replies, _ = given(ctx)
    reply = replies.get("user_name")
    if isinstance(reply, types.ElicitResult):
        return said(f"Hello, {content(reply).get('name', '?')}!")
    return InputRequiredResult(input_requests={"user_name": NAME}) if reply is None else said("Hello!")


@fixture(ROUNDS + "sampling")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    replies, _ = given(ctx)
    if "capital_question" in replies:
        return said(f"Model said: {getattr(replies['capital_question'].content, 'text', '?')}")
    return InputRequiredResult(
        input_requests={"capital_question": sampling("What is the capital of France?")}
    )


@fixture(ROUNDS + "list_roots")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    replies, _ = given(ctx)
    if "client_roots" in replies:
        return said(f"Client exposed {len(getattr(replies['client_roots'], 'roots', []))} root(s).")
    return InputRequiredResult(input_requests={"client_roots": types.ListRootsRequest()})


@fixture(ROUNDS + "request_state")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    replies, state = given(ctx)
    if "confirm" in replies and state == "nonce":
        return said("state-ok: confirmation received")
    return InputRequiredResult(input_requests={"confirm": CONFIRM}, request_state="nonce")


@fixture(ROUNDS + "tampered_state")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    _, state = given(ctx)
    if state is not None:
        return said(f"state-ok: {state}")
    return InputRequiredResult(input_requests={"confirm": CONFIRM}, request_state="round-1")


@fixture(ROUNDS + "multiple_inputs")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    requests: dict[str, Any] = {
        "user_name": NAME,
        "greeting": sampling("Generate a greeting"),
        "client_roots": types.ListRootsRequest(),
    }
    if requests.keys() <= given(ctx)[0].keys():
        return said("All inputs received.")
    return InputRequiredResult(input_requests=requests, request_state="multiple")


@fixture(ROUNDS + "multi_round")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    replies, raw = given(ctx)
    state = json.loads(raw) if raw else {"round": 0}
    if state["round"] == 1 and "step1" in replies:
        color = asking({"color": TEXT}, "Step 2: What is your favorite color?", "color")
        following = json.dumps({"round": 2, "name": content(replies["step1"]).get("name")})
        return InputRequiredResult(input_requests={"step2": color}, request_state=following)
    if state["round"] == 2 and "step2" in replies:
        return said(f"{state['name']} likes {content(replies['step2']).get('color')}.")
    return InputRequiredResult(input_requests={"step1": NAME}, request_state=json.dumps({"round": 1}))


@fixture(ROUNDS + "capabilities")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    can = ctx.session.client_capabilities
    requests: dict[str, Any] = {}
    if can is None or can.sampling is not None:
        requests["sample"] = sampling("Say hello")
    if can is None or can.elicitation is not None:
        requests["ask"] = NAME
    return InputRequiredResult(input_requests=requests, request_state="gated")


RESOURCES = {
    "test://static-text": ("text/plain", "This is the content of the static text resource."),
    "test://watched-resource": ("text/plain", "Watched resource content"),
}
PROMPTS: dict[str, tuple[str, ...]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    ROUNDS + "prompt": (),
}


def read(uri: str) -> types.ReadResourceResult | None:
    """A resource of a fixed name."""
    if uri in RESOURCES:
        mime_type, text = RESOURCES[uri]
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, mime_type=mime_type, text=text)]
        )
    if uri == "test://static-binary":
        return types.ReadResourceResult(
            contents=[types.BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)]
        )
    if uri.startswith("test://template/") and uri.endswith("/data"):
        text = json.dumps({"id": uri.removeprefix("test://template/").removesuffix("/data")})
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, mime_type="application/json", text=text)]
        )
    return None


async def get_prompt(
    ctx: Context, params: types.GetPromptRequestParams
) -> types.GetPromptResult | InputRequiredResult:
    """A prompt of a fixed name."""
    arguments = params.arguments or {}

    def text(words: str) -> types.TextContent:
        return types.TextContent(type="text", text=words)

    blocks: list[types.ContentBlock]
    match params.name:
        case "test_simple_prompt":
            blocks = [text("This is a simple prompt for testing.")]
        case "test_prompt_with_arguments":
            blocks = [text(f"arg1='{arguments.get('arg1')}', arg2='{arguments.get('arg2')}'")]
        case "test_prompt_with_embedded_resource":
            uri = arguments["resourceUri"]
            contents = types.TextResourceContents(uri=uri, mime_type="text/plain", text="embedded")
            blocks = [types.EmbeddedResource(type="resource", resource=contents), text("See above.")]
        case "test_prompt_with_image":
            blocks = [types.ImageContent(type="image", data=PNG, mime_type="image/png"), text("See above.")]
        case name if name == ROUNDS + "prompt":
            reply = (params.input_responses or {}).get("user_context")
            if reply is None:
                wanted = asking({"context": TEXT}, "What context should be used?", "context")
                return InputRequiredResult(input_requests={"user_context": wanted})
            blocks = [text(f"Use the following context: {content(reply).get('context')}")]
        case _:
            raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=b) for b in blocks])


class Events(EventStore):
    """Events kept in memory, for a client that comes back to a stream."""

    def __init__(self) -> None:
        self._events: list[tuple[StreamId, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: StreamId, message: JSONRPCMessage | None) -> EventId:
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(
        self, last_event_id: EventId, send_callback: EventCallback
    ) -> StreamId | None:
        last = int(last_event_id)
        if not 0 < last <= len(self._events):
            return None
        stream = self._events[last - 1][0]
        for number, (stream_id, message) in enumerate(self._events[last:], last + 1):
            if stream_id == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def install(server: ToolServer) -> None:
    """Put the fixtures over the handlers of ``server``."""
    _tools(server)
    _resources(server)

    async def list_prompts(ctx: Context, params: types.PaginatedRequestParams) -> types.ListPromptsResult:
        prompts = [
            types.Prompt(
                name=name,
                description=name,
                arguments=[types.PromptArgument(name=n, description=n, required=True) for n in names],
            )
            for name, names in PROMPTS.items()
        ]
        return types.ListPromptsResult(prompts=prompts)

    async def complete(ctx: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        return types.CompleteResult(completion=types.Completion(values=[], total=0, has_more=False))

    async def nothing(ctx: Context, params: Any) -> types.EmptyResult:
        return types.EmptyResult()

    server.add_request_handler("prompts/list", types.PaginatedRequestParams, list_prompts)
    server.add_request_handler("prompts/get", types.GetPromptRequestParams, get_prompt)
    server.add_request_handler("completion/complete", types.CompleteRequestParams, complete)
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, nothing)
    server.add_request_handler("resources/subscribe", types.SubscribeRequestParams, nothing)
    server.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, nothing)
    sealed = RequestStateSecurity(keys=[b"k" * 32])
    server.middleware.append(RequestStateBoundary(sealed, default_audience=server.name))


def _tools(server: ToolServer) -> None:
    listing, calling = server.get_request_handler("tools/list"), server.get_request_handler("tools/call")
    listening = server.get_request_handler("subscriptions/listen")
    assert listing is not None
    assert calling is not None
    assert listening is not None
    bus = listening.handler._bus  # type: ignore[attr-defined]

    @fixture("test_trigger_tool_change")
    async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
        await bus.publish(ToolsListChanged())
        return said("done")

    @fixture("test_trigger_prompt_change")
    async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
        await bus.publish(PromptsListChanged())
        return said("done")

    async def list_tools(ctx: Context, params: types.PaginatedRequestParams) -> dict[str, Any]:
        listed = await listing.handler(ctx, params)
        assert isinstance(listed, dict)
        extra = [
            {"name": name, "description": name, "inputSchema": schema}
            for name, (schema, _) in FIXTURES.items()
        ]
        return listed | {"tools": [*listed["tools"], *extra]}

    async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> Any:
        if params.name in FIXTURES:
            return await FIXTURES[params.name][1](ctx, params.arguments or {})
        return await calling.handler(ctx, params)

    server.add_request_handler("tools/list", types.PaginatedRequestParams, list_tools)
    server.add_request_handler("tools/call", types.CallToolRequestParams, call_tool)
    server.get_tool_input_schema = lambda name: FIXTURES[name][0] if name in FIXTURES else None


def _resources(server: ToolServer) -> None:
    listing, reading = (
        server.get_request_handler("resources/list"),
        server.get_request_handler("resources/read"),
    )
    templates = server.get_request_handler("resources/templates/list")
    assert listing is not None
    assert reading is not None
    assert templates is not None

    async def list_all(ctx: Context, params: types.PaginatedRequestParams) -> dict[str, Any]:
        listed = await listing.handler(ctx, params)
        assert isinstance(listed, dict)
        extra = [{"uri": uri, "name": uri} for uri in (*RESOURCES, "test://static-binary")]
        return listed | {"resources": [*listed["resources"], *extra]}

    async def list_templates(ctx: Context, params: types.PaginatedRequestParams) -> dict[str, Any]:
        listed = await templates.handler(ctx, params)
        assert isinstance(listed, dict)
        extra = {"uriTemplate": "test://template/{id}/data", "name": "template"}
        return listed | {"resourceTemplates": [*listed["resourceTemplates"], extra]}

    async def read_one(ctx: Context, params: types.ReadResourceRequestParams) -> Any:
        return read(params.uri) or await reading.handler(ctx, params)

    server.add_request_handler("resources/list", types.PaginatedRequestParams, list_all)
    server.add_request_handler("resources/templates/list", types.PaginatedRequestParams, list_templates)
    server.add_request_handler("resources/read", types.ReadResourceRequestParams, read_one)
