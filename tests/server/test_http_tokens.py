"""Real servers, real clients, tokens: what each may see, call and read."""

from __future__ import annotations

import json

import anyio
import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from mcp_wasm.audit.reading import read
from mcp_wasm.audit.sink import folder_of
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.access import Access, Budget, Token, hashed
from mcp_wasm.server.code_tools import CODE_TOOLS
from mcp_wasm.server.options import ServerOptions
from tests.server.http_clients import (
    MODERN,
    NARROW,
    asked,
    client,
    session_of,
)
from tests.server.http_tokens import ACCESS, ADD, ALL, PAIR_ONLY, calls, guarded, legacy_call
from tests.server.test_http import text_of


@pytest.mark.anyio
async def test_each_token_sees_its_tools(runtime: Runtime, era: str) -> None:
    async with guarded(runtime) as url:
        seen = {}
        for token in (ALL, ADD, PAIR_ONLY):
            async with client(url, era, token) as session:
                seen[token] = [tool.name for tool in (await session.list_tools()).tools]
    assert len(seen[ALL]) == 7 + len(CODE_TOOLS)
    assert seen[ADD] == ["demo_add", "demo_repeat"]
    assert seen[PAIR_ONLY] == []


@pytest.mark.anyio
async def test_a_tool_outside_of_a_token_is_not_there_by_any_way(audited: Runtime, era: str) -> None:
    async with guarded(audited, options=ServerOptions(tools="both")) as url, client(url, era, ADD) as session:
        assert (await session.call_tool("demo_add", {"a": 1, "b": 2})).structured_content == {"result": 3}
        for name, arguments in (
            ("demo_spin", {}),
            ("call_tool", {"name": "demo_spin"}),
            ("call_tool", {"name": "demo_spin", "arguments": {}}),
        ):
            with pytest.raises(MCPError, match="There is no tool named 'demo_spin'") as refused:
                await session.call_tool(name, arguments)
            assert set(refused.value.error.data["nearest"]) <= {"demo_add", "demo_repeat"}
        found = await session.call_tool("search_tools", {"query": ""})
        assert found.structured_content is not None
        assert [tool["name"] for tool in found.structured_content["result"]] == ["demo_add", "demo_repeat"]
        found = await session.call_tool("search_tools", {"query": "spin", "limit": 50})
        assert "spin" not in text_of(found)
        assert (await session.list_resources()).resources == []
        for kind in ("wit", "manifest"):
            with pytest.raises(MCPError, match="There is no resource"):
                await session.read_resource(f"mcp-wasm://components/demo/{kind}")
    outcomes = {(record.client, record.tool, record.outcome) for record in calls(audited)}
    assert ("token add", "demo_spin", "denied") in outcomes
    assert ("token add", "demo_add", "ok") in outcomes
    assert all(record.transport == "http" for record in calls(audited))


@pytest.mark.anyio
async def test_a_token_for_every_tool_sees_resources(runtime: Runtime, era: str) -> None:
    async with guarded(runtime) as url, client(url, era, ALL) as session:
        assert len((await session.list_resources()).resources) == 2
        assert (await session.read_resource("mcp-wasm://components/demo/wit")).contents


@pytest.mark.anyio
async def test_the_number_of_a_session_opens_nothing_to_another_token(runtime: Runtime) -> None:
    async with guarded(runtime) as url:
        session = await anyio.to_thread.run_sync(lambda: session_of(url, Authorization=f"Bearer {ALL}"))
        headers = {"Mcp_Session_Id": session, "MCP_Protocol_Version": "2025-11-25"}
        body = legacy_call("demo_add", {"a": 1, "b": 2})
        mine, _ = await asked(url, body=body, Authorization=f"Bearer {ALL}", **headers)
        assert mine == 200
        for method in ("POST", "GET", "DELETE"):
            status, _ = await asked(url, method, body, Authorization=f"Bearer {ADD}", **headers)
            assert status == 404, method
        assert (await asked(url, body=body, **headers))[0] == 401
        mine, _ = await asked(url, body=body, Authorization=f"Bearer {ALL}", **headers)
        assert mine == 200


@pytest.mark.anyio
async def test_a_kept_result_is_not_read_by_another_token(runtime: Runtime, era: str) -> None:
    async with (
        guarded(runtime) as url,
        client(url, era, ALL) as mine,
        client(url, era, ADD) as other,
    ):
        cut = await mine.call_tool("demo_repeat", {"text": "x", "times": 500}, meta=NARROW)
        uri = next(block.uri for block in cut.content if block.type == "resource_link")
        assert (await mine.read_resource(uri)).contents
        with pytest.raises(MCPError, match="There is no resource"):
            await other.read_resource(uri)


@pytest.mark.anyio
async def test_a_kept_result_of_a_session_is_not_read_by_a_stateless_request_of_the_same_token(
    runtime: Runtime,
) -> None:
    async with (
        guarded(runtime) as url,
        client(url, "legacy", ALL) as old,
        client(url, "2026-07-28", ALL) as new,
    ):
        cut = await old.call_tool("demo_repeat", {"text": "x", "times": 500}, meta=NARROW)
        uri = next(block.uri for block in cut.content if block.type == "resource_link")
        with pytest.raises(MCPError, match="There is no resource"):
            await new.read_resource(uri)


@pytest.mark.anyio
async def test_a_token_in_the_address_is_not_read(runtime: Runtime) -> None:
    async with guarded(runtime) as url, httpx2.AsyncClient() as http:
        for query in (f"?token={ALL}", f"?access_token={ALL}", f"?authorization=Bearer%20{ALL}"):
            assert (await http.post(url + query, json={})).status_code == 401


@pytest.mark.anyio
async def test_the_budget_of_a_token_narrows_every_call(runtime: Runtime, era: str) -> None:
    access = Access(tokens=(Token("small", hashed(ALL), budget=Budget(limits={"fuel": 1000})),))
    async with guarded(runtime, access) as url, client(url, era, ALL) as session:
        for meta in (None, {"mcp-wasm/limits": {"fuel": 10**9}}):
            result = await session.call_tool("demo_spin", {}, meta=meta)  # type: ignore[arg-type]
            assert result.is_error
            assert "1,000 units allowed" in text_of(result)
        with pytest.raises(MCPError, match="fuel"):
            await session.call_tool("demo_spin", {}, meta={"mcp-wasm/limits": {"fuel": "much"}})  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_calls_past_the_budget_are_told_to_the_model_whatever_session_and_protocol(
    audited: Runtime,
) -> None:
    access = Access(tokens=(Token("few", hashed(ALL), budget=Budget(calls_per_minute=3)),))
    async with guarded(audited, access) as url:
        refused = 0
        for era in ("legacy", "2026-07-28", "legacy", "2026-07-28", "legacy"):
            async with client(url, era, ALL) as session:
                result = await session.call_tool("demo_add", {"a": 1, "b": 2})
                if result.is_error:
                    assert "3 calls a minute" in text_of(result)
                    refused += 1
    assert refused == 2
    assert [record.outcome for record in calls(audited)].count("too many") == 2


@pytest.mark.anyio
async def test_without_tokens_an_address_has_one_budget_whatever_it_says(runtime: Runtime) -> None:
    async with guarded(runtime, Access(budget=Budget(calls_per_minute=2))) as url:
        refused = []
        for number in range(4):
            meta = MODERN | {"io.modelcontextprotocol/clientInfo": {"name": f"c{number}", "version": "0"}}
            body = legacy_call("demo_add", {"a": 1, "b": 2}, _meta=meta)
            headers = {
                "MCP_Protocol_Version": "2026-07-28",
                "Mcp_Method": "tools/call",
                "Mcp_Name": "demo_add",
                "X_Forwarded_For": f"198.51.100.{number}",
                "Forwarded": f"for=198.51.100.{number}",
            }
            _, answer = await asked(url, body=body, **headers)
            refused.append(json.loads(answer)["result"]["isError"])
    assert refused == [False, False, True, True]


@pytest.mark.anyio
async def test_calls_at_once_are_bounded_for_each_token(runtime: Runtime) -> None:
    budget = Budget(concurrent=1, limits={"deadline": 1})
    access = Access(tokens=(Token("one", hashed(ALL), budget=budget), Token("two", hashed(ADD))))
    async with (
        guarded(runtime, access) as url,
        client(url, "legacy", ALL) as mine,
        client(url, "legacy", ADD) as other,
    ):
        async with anyio.create_task_group() as group:

            async def spin() -> None:
                while (await mine.call_tool("demo_spin", {})).is_error:
                    await anyio.lowlevel.checkpoint()

            group.start_soon(spin)
            with anyio.fail_after(5):
                while not (result := await mine.call_tool("demo_add", {"a": 1, "b": 2})).is_error:
                    await anyio.lowlevel.checkpoint()
            assert "1 may run at once" in text_of(result)
            assert not (await other.call_tool("demo_add", {"a": 1, "b": 2})).is_error
            group.cancel_scope.cancel()
        with anyio.fail_after(5):
            while (await mine.call_tool("demo_add", {"a": 1, "b": 2})).is_error:
                await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_wrong_tokens_are_in_the_audit_log_a_bounded_number_of_times(audited: Runtime) -> None:
    access = Access(tokens=ACCESS.tokens, failures_per_minute=3)
    async with guarded(audited, access) as url, httpx2.AsyncClient() as http:
        codes = [
            (await http.post(url, json={}, headers={"Authorization": "Bearer guess"})).status_code
            for _ in range(10)
        ]
    assert codes == [401] * 3 + [429] * 7
    audited.close()
    found = [record for record in read(folder_of(audited.home)) if record.event == "sign-in"]
    assert [(record.client, record.outcome) for record in found] == [("127.0.0.1", "denied")] * 3
    assert b"guess" not in (folder_of(audited.home) / "audit.jsonl").read_bytes()
