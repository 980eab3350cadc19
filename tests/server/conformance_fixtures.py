"""What the MCP conformance harness asks of a server beyond what components can be.

The harness calls tools, prompts and resources of fixed names. Those that a
component can be are in ``tests/programs/server_conformance.wat``; here is the
rest, put over the handlers of our own server: questions to the client, several
rounds of them, logging, prompts, subscriptions. Nothing here is shipped.
"""

from __future__ import annotations

import json
from typing import Any

from mcp import types
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http import EventCallback, EventId, EventMessage, EventStore, StreamId
from mcp.server.subscriptions import PromptsListChanged, ToolsListChanged
from mcp.shared.exceptions import MCPError
from mcp.types import InputRequiredResult, JSONRPCMessage

from mcp_wasm.server.app import ToolServer
from tests.server import conformance_tools  # noqa: F401 - it registers its tools
from tests.server.conformance_base import (
    FIXTURES,
    PNG,
    TEXT,
    Answer,
    Context,
    asking,
    fixture,
    said,
)
from tests.server.conformance_rounds import ROUNDS, content

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
