from __future__ import annotations

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.app import build
from mcp_wasm.server.options import ServerOptions
from tests.server.clients import connected, text_of


@pytest.mark.anyio
async def test_a_fault_of_ours_says_an_id_and_nothing_else(
    runtime: Runtime, era: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a secret of the host")

    monkeypatch.setattr(runtime, "call", broken)
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_add", {"a": 1, "b": 2})
    assert result.is_error
    said = text_of(result)
    assert "secret" not in said
    fault = said.split()[2]
    assert len(fault) == 8
    assert fault in caplog.text
    assert "a secret of the host" in caplog.text


@pytest.mark.anyio
async def test_a_fault_outside_of_calls_leaks_nothing_either(
    runtime: Runtime, era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> None:
        raise RuntimeError("a secret of the host")

    monkeypatch.setattr(runtime, "component", broken)
    async with connected(runtime, era) as client:
        with pytest.raises(MCPError) as failed:
            await client.read_resource("mcp-wasm://components/demo/wit")
    assert failed.value.code == -32603
    assert "secret" not in failed.value.message


@pytest.mark.anyio
async def test_the_end_of_the_server_answers_the_calls_that_it_stops(runtime: Runtime, era: str) -> None:
    server = build(runtime, ServerOptions())
    answers: list[CallToolResult] = []
    with anyio.fail_after(15):
        async with Client(server, mode=era) as client, anyio.create_task_group() as group:

            async def spin() -> None:
                answers.append(await client.call_tool("demo_spin", {}))

            group.start_soon(spin)
            group.start_soon(spin)
            await client.call_tool("demo_add", {"a": 1, "b": 2})
            while len(answers) < 2:
                server.end_calls()  # a call that has not yet arrived is not in flight
                await anyio.sleep(0.01)
    assert all(answer.is_error and "ending" in text_of(answer) for answer in answers)
