from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from mcp_wasm.agents.node import Node
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.agents import AgentDoor
from mcp_wasm.server.app import build
from mcp_wasm.server.options import ServerOptions
from tests.agents.nodes import agent, starting, tree
from tests.server.clients import text_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with starting(tmp_path) as start:
        yield await start(
            tree(
                agent("news", exposed=True, description="Answers what it is asked."),
                agent("hidden"),
                intensity=3,
            )
        )


@pytest.fixture
async def client(node: Node, home: Path, era: str) -> AsyncIterator[Any]:
    with Runtime(home=home) as runtime:
        async with Client(build(runtime, ServerOptions(code=False), AgentDoor(node)), mode=era) as client:
            yield client


async def test_the_tools_for_agents_are_listed_only_where_there_are_agents(
    client: Any, home: Path, era: str
) -> None:
    named = {tool.name for tool in (await client.list_tools()).tools}
    assert {"list_agents", "ask_agent", "send_to_agent"} <= named
    with Runtime(home=home / "other") as runtime:
        async with Client(build(runtime, ServerOptions(code=False)), mode=era) as other:
            assert not any("agent" in tool.name for tool in (await other.list_tools()).tools)


async def test_an_exposed_agent_is_listed_asked_and_sent_to(client: Any, node: Node) -> None:
    listed = (await client.call_tool("list_agents", {})).structured_content["result"]
    assert [(each["agent"], each["description"]) for each in listed] == [
        ("news", "Answers what it is asked.")
    ]
    answer = await client.call_tool("ask_agent", {"agent": "news", "payload": {"q": 1}})
    assert answer.structured_content["result"]["reply"] == {"q": 1}
    sent = await client.call_tool("send_to_agent", {"agent": "news", "payload": 1, "priority": "low"})
    assert sent.structured_content["result"]["agent"] == "news"
    await client.call_tool("ask_agent", {"agent": "news", "payload": 2, "priority": "low"})
    assert node.slots["news"].handled == 3


async def test_a_priority_that_is_not_known_is_normal_with_a_warning(client: Any, node: Node) -> None:
    for priority in ("medium", "urgent"):
        asked = await client.call_tool("ask_agent", {"agent": "news", "payload": 1, "priority": priority})
        assert not asked.is_error
    warned = [event.detail for event in node.events.recent() if event.what == "warning"]
    assert len(warned) == 1
    assert "'urgent' is not known" in warned[0]


async def test_a_crash_is_told_and_the_next_question_is_answered(client: Any) -> None:
    failed = await client.call_tool("ask_agent", {"agent": "news", "payload": "c"})
    assert failed.is_error
    assert "news failed" in text_of(failed)
    again = await client.call_tool("ask_agent", {"agent": "news", "payload": "m"})
    assert again.structured_content["result"]["reply"] == "m"


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("ask_agent", {"agent": "hidden", "payload": 1}, "no agent 'hidden'"),
        ("ask_agent", {"agent": "nws", "payload": 1}, "Did you mean news?"),
        ("ask_agent", {"agent": "news"}, "/payload: expected a JSON value"),
        ("ask_agent", {"agent": "news", "payload": 1, "seconds": 601}, "/seconds"),
        ("ask_agent", {"agent": "news", "payload": 1, "seconds": 0}, "/seconds"),
        ("send_to_agent", {"agent": "news", "payload": 1, "kind": "reply"}, "/kind"),
        ("send_to_agent", {"agent": "news", "payload": 1, "priority": 1}, "/priority"),
        ("list_agents", {"all": True}, "/all: expected no such parameter"),
        ("ask_agent", {"agent": "news", "payload": "x" * (1024 * 1024)}, "/payload: expected at most"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_its_place(
    client: Any, tool: str, arguments: dict[str, Any], said: str
) -> None:
    refused = await client.call_tool(tool, arguments)
    assert refused.is_error
    assert said in text_of(refused)


async def test_state_and_events_are_resources_of_exposed_agents_only(client: Any) -> None:
    await client.call_tool("ask_agent", {"agent": "news", "payload": "k1"})
    uris = {str(each.uri) for each in (await client.list_resources()).resources}
    assert {"mcp-wasm://agents/news/state", "mcp-wasm://agents/news/events"} <= uris
    assert not any("hidden" in uri for uri in uris)
    state = json.loads((await client.read_resource("mcp-wasm://agents/news/state")).contents[0].text)
    assert (state["memory"], state["handled"]) == ({"state": '"k1"'}, 1)
    events = json.loads((await client.read_resource("mcp-wasm://agents/news/events")).contents[0].text)
    assert [each["what"] for each in events][:2] == ["started", "ready"]
    for uri in ("mcp-wasm://agents/hidden/state", "mcp-wasm://agents/../state", "mcp-wasm://agents/news/x"):
        with pytest.raises(MCPError):
            await client.read_resource(uri)
