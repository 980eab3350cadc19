from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError

from mcp_wasm.agents.events import Event
from mcp_wasm.agents.node import Node
from mcp_wasm.cli import agents_tree, serve_agents
from mcp_wasm.config.model import Config
from mcp_wasm.errors import AgentFailed
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.agents import AgentDoor
from tests.agents.guests import component
from tests.cli.conftest import ROOT, Command, start
from tests.cli.test_serve import INITIALIZE, PROMPT, call, lines
from tests.cli.trees import until
from tests.llm.wire import json_reply, openai_answer
from tests.sandbox.network.server import serving
from tests.server.http_clients import client

TREE = """
name = "served"
intensity = 5

[agents.news]
component = "agent.wasm"
exposed = true
description = "Answers what it is asked."

[agents.hidden]
component = "agent.wasm"

[agents.spinner]
component = "agent.wasm"
exposed = true
limits = { deadline = 600, fuel = 9_000_000_000_000 }
shutdown = 0.2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    component(tmp_path)
    path = tmp_path / "tree.toml"
    path.write_text(TREE, encoding="utf-8")
    return path


def ask(number: int, agent: str, payload: object) -> dict[str, Any]:
    return call(number, "tools/call", name="ask_agent", arguments={"agent": agent, "payload": payload})


@pytest.mark.anyio
async def test_a_client_reaches_the_exposed_agents_of_a_served_tree(file: Path, command: Command) -> None:
    words = ["-P", "-m", "mcp_wasm", "serve", "--no-bundled", "--no-code", "--agents", str(file)]
    server = StdioServerParameters(
        command=sys.executable, args=words, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    async with Client(stdio_client(server)) as client:
        listed = (await client.call_tool("list_agents", {})).structured_content["result"]
        assert {each["agent"]: each["state"] for each in listed} == {"news": "waiting", "spinner": "waiting"}
        kept = await client.call_tool("ask_agent", {"agent": "news", "payload": "k1"})
        assert kept.structured_content["result"]["reply"] is None
        crashed = await client.call_tool("ask_agent", {"agent": "news", "payload": "c"})
        assert crashed.is_error
        again = await client.call_tool("ask_agent", {"agent": "news", "payload": "k2"})
        assert again.structured_content["result"]["reply"] == "k1"
        state = json.loads(text_of_resource(await client.read_resource("mcp-wasm://agents/news/state")))
        assert (state["restarts"], state["memory"]) == (1, {"state": '"k2"'})
        # Its owner looks at it as at any tree.
        assert command("agents", "ask", "hidden", '"m"').out == '"m"\n'
    assert "No tree of agents runs" in command("agents", "ps").out


def test_the_end_of_input_lets_a_question_be_answered_and_stops_the_agents(
    file: Path, command: Command
) -> None:
    child = start(["serve", "--no-bundled", "--no-code", "--agents", file])
    out, err = child.communicate(lines(INITIALIZE, ask(2, "news", {"q": 1})), timeout=PROMPT)
    answers = [json.loads(line) for line in out.splitlines()]
    assert (child.returncode, err) == (0, "")
    assert answers[1]["result"]["structuredContent"]["result"]["reply"] == {"q": 1}
    assert "No tree of agents runs" in command("agents", "ps").out


def http(file: Path, *flags: str) -> tuple[subprocess.Popen[str], str]:
    child = start(["serve", "--no-bundled", "--no-code", "--agents", file, "--http", "127.0.0.1:0", *flags])
    assert child.stderr is not None
    return child, child.stderr.readline().split()[-1]


@pytest.mark.anyio
async def test_a_signal_ends_a_server_whose_agent_computes_and_computes(file: Path, command: Command) -> None:
    child, url = http(file)
    try:
        async with Client(url) as client:
            await client.call_tool("send_to_agent", {"agent": "spinner", "payload": "s"})
            answer = await client.call_tool("ask_agent", {"agent": "news", "payload": [1]})
            assert answer.structured_content["result"]["reply"] == [1]
            assert "spinner  running" in command("agents", "tree").out
            child.send_signal(signal.SIGTERM)
    finally:
        child.communicate(timeout=PROMPT)
    assert child.returncode == 0


ASKING = """
name = "asking"

[agents.summarizer]
component = "agent.wasm"
exposed = true
grants = {{ llm = {{ providers = ["local"] }} }}

[llm.local]
kind = "compatible"
model = "m"
base_url = "http://127.0.0.1:{port}/v1"
key = "env:KEY_OF_A_MODEL"
"""


def test_the_models_of_the_tree_file_answer_with_a_key_of_the_env_file_beside_it(file: Path) -> None:
    with serving(lambda *_: json_reply(openai_answer("In short."))) as models:
        file.write_text(ASKING.format(port=models.port), encoding="utf-8")
        (file.parent / ".env").write_text("KEY_OF_A_MODEL=of-the-env-file", encoding="utf-8")
        child = start(["serve", "--no-bundled", "--no-code", "--agents", file])
        out, err = child.communicate(lines(INITIALIZE, ask(2, "summarizer", "lA long text.")), timeout=PROMPT)
    assert (child.returncode, err) == (0, "")
    reply = json.loads(out.splitlines()[1])["result"]["structuredContent"]["result"]["reply"]
    assert (reply["status"], reply["provider"], reply["text"]) == ("completed", "local", "In short.")
    assert models.seen[0].header("authorization") == ["Bearer of-the-env-file"]
    assert "of-the-env-file" not in out


TOKENS = """
[tokens.looker]
secret = "looker-looker-looker"
tools = ["list_agents", "call_tool"]

[tokens.stranger]
secret = "stranger-stranger-stranger"
tools = ["hash_*"]
"""


@pytest.mark.anyio
@pytest.mark.parametrize("era", ["2026-07-28", "legacy"])
async def test_a_token_reaches_agents_only_by_the_tools_that_it_opens(
    file: Path, tmp_path: Path, era: str
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(TOKENS, encoding="utf-8")
    settings.chmod(0o600)
    child, url = http(file, "--config", str(settings), "--tools", "both")
    try:
        async with client(url, era, "looker-looker-looker") as looker:
            assert not (await looker.call_tool("list_agents", {})).is_error
            asking = {"agent": "news", "payload": 1}
            for name, arguments in (
                ("ask_agent", asking),
                ("send_to_agent", asking),
                ("call_tool", {"name": "ask_agent", "arguments": asking}),
            ):
                with pytest.raises(MCPError, match="There is no tool named"):
                    await looker.call_tool(name, arguments)
            assert (await looker.list_resources()).resources == []
        async with client(url, era, "stranger-stranger-stranger") as stranger:
            assert not any("agent" in tool.name for tool in (await stranger.list_tools()).tools)
            for what in ("state", "events"):
                with pytest.raises(MCPError, match="There is no resource"):
                    await stranger.read_resource(f"mcp-wasm://agents/news/{what}")
    finally:
        child.terminate()
        child.communicate(timeout=PROMPT)


def test_a_signal_after_the_end_of_input_kills_what_would_compute_for_ever(
    file: Path, command: Command
) -> None:
    file.write_text(TREE.replace("shutdown = 0.2", 'shutdown = "infinity"'), encoding="utf-8")
    child = start(["serve", "--no-bundled", "--no-code", "--agents", file])
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(lines(INITIALIZE))
    child.stdin.flush()
    child.stdout.readline()
    sent = call(2, "tools/call", name="send_to_agent", arguments={"agent": "spinner", "payload": "s"})
    child.stdin.write(lines(sent))
    child.stdin.close()
    child.stdin = None
    # Its owner cannot reach it any more from when it stops its agents.
    until(lambda: f"code {command('agents', 'tree').code}", "code 2")
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=PROMPT)
    assert (child.returncode, "stopped by SIGTERM" in err) == (0, True)


def test_a_person_stops_the_server_by_its_tree(file: Path, command: Command) -> None:
    child, _ = http(file)
    assert command("agents", "stop").out == "stopped served\n"
    _, err = child.communicate(timeout=PROMPT)
    assert (child.returncode, err) == (0, "")


BROKEN = [
    ("[agents.a]\ncomponent = 'none.wasm'\n", 1, "none.wasm"),
    ("[agents.a]\ncomponnt = 'x'\n", 2, "did you mean component?"),
    ("[agents.a]\ncomponent = 'agent.wasm'\nhealth = 1\n", 2, "agents.a.health"),
]


@pytest.mark.parametrize(("text", "code", "told"), BROKEN)
def test_nothing_is_served_where_a_tree_cannot_run(
    file: Path, command: Command, text: str, code: int, told: str
) -> None:
    file.write_text(text, encoding="utf-8")
    ran = command("serve", "--no-bundled", "--no-code", "--agents", file)
    assert (ran.code, ran.out, told in ran.err) == (code, "", True), ran


@pytest.fixture
def tree(file: Path, home: Path) -> agents_tree.Tree:
    return agents_tree.read(Config(home=home), str(file))


@pytest.mark.anyio
async def test_agents_live_before_the_first_answer_and_stop_in_reverse_after_the_last(
    tree: agents_tree.Tree, home: Path
) -> None:
    seen: list[Event] = []
    at: list[int] = []

    async def serve(agents: AgentDoor) -> None:
        node = node_of(agents)
        assert {slot.phase for slot in node.slots.values()} == {"waiting"}
        node.events.observe(seen.append)
        at.append(len(seen))

    with Runtime(home=home) as runtime, tree.claimed():
        await serve_agents.serve_with(runtime, tree, serve)
    assert [each.path for each in seen if each.what == "stopped"][:3] == ["spinner", "hidden", "news"]
    assert at == [0]


@pytest.mark.anyio
async def test_a_tree_that_gives_up_is_told_and_the_server_goes_on(
    tree: agents_tree.Tree, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def serve(agents: AgentDoor) -> None:
        node = node_of(agents)
        for _ in range(6):
            with pytest.raises(AgentFailed):
                await node.ask("news", "c")
        with pytest.raises(AgentFailed):
            await node.wait()
        assert await agents.call("list_agents", {}, "test") == []

    with Runtime(home=home) as runtime, tree.claimed():
        await serve_agents.serve_with(runtime, tree, serve)
    assert "the tree served has ended" in caplog.text
    assert "more than 5 restarts" in caplog.text


def text_of_resource(result: Any) -> str:
    return str(result.contents[0].text)


def node_of(door: AgentDoor) -> Node:
    return door._node
