from __future__ import annotations

import json

import anyio
import pytest

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.options import ServerOptions
from tests.server.http_clients import (
    MODERN,
    NARROW,
    asked,
    serving,
    session_of,
)

MODERN_HEADERS = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "demo_add"}


def modern_call(arguments: bytes) -> bytes:
    meta = json.dumps(MODERN).encode()
    return (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"demo_add","_meta":'
        + meta
        + b',"arguments":'
        + arguments
        + b"}}"
    )


@pytest.mark.anyio
async def test_a_stateless_request_does_not_become_a_session_by_naming_one(runtime: Runtime) -> None:
    async with serving(runtime) as url:
        session = await anyio.to_thread.run_sync(session_of, url)
        asking = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": "demo_repeat",
                "arguments": {"text": "x", "times": 500},
                "_meta": NARROW,
            },
        }
        headers = {"Mcp_Session_Id": session, "MCP_Protocol_Version": "2025-11-25"}
        _, body = await asked(url, body=json.dumps(asking).encode(), **headers)
        result = json.loads(body.split(b"data: ", 1)[1])["result"]
        uri = result["structuredContent"]["truncated"]["uri"]
        reading = {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "resources/read",
            "params": {"uri": uri, "_meta": MODERN},
        }
        stateless = {
            "MCP_Protocol_Version": "2026-07-28",
            "Mcp_Method": "resources/read",
            "Mcp_Name": uri,
            "Mcp_Session_Id": session,
        }
        status, body = await asked(url, body=json.dumps(reading).encode(), **stateless)
        assert "There is no resource" in json.loads(body)["error"]["message"], (status, body)


@pytest.mark.anyio
async def test_an_envelope_that_cannot_be_written_again_costs_nothing(runtime: Runtime) -> None:
    headers = {name.replace("-", "_"): value for name, value in MODERN_HEADERS.items()}
    async with serving(runtime) as url:
        for strange in (b'"x/y":"\\ud800",', b'"x/y":' + b"[" * 400 + b"]" * 400 + b","):
            body = modern_call(b'{"a":1,"b":2}').replace(b'"_meta":{', b'"_meta":{' + strange)
            _, answer = await asked(url, body=body, **headers)
            assert json.loads(answer)["result"]["structuredContent"] == {"result": 3}, answer[:300]


@pytest.mark.anyio
async def test_strangers_are_turned_away(runtime: Runtime) -> None:
    async with serving(runtime) as url:
        assert (await asked(url, Host="evil.example"))[0] == 421
        assert (await asked(url, Origin="https://evil.example"))[0] == 403
        assert (await asked(url, Origin="null"))[0] == 403
        health = url.replace("/mcp", "/health")
        assert await asked(health, "GET", b"") == (200, b'{"status":"ok"}')
        assert (await asked(health, "GET", b"", Host="evil.example"))[0] == 421
        assert (await asked(url.replace("/mcp", "/other")))[0] == 404


@pytest.mark.anyio
async def test_a_large_body_is_refused_and_a_declared_one_is_not_even_read(runtime: Runtime) -> None:
    async with serving(runtime, ServerOptions(body_limit=10_000)) as url:
        assert (await asked(url, body=b'{"a":"' + b"x" * 20_000 + b'"}'))[0] == 413
        assert (await asked(url, body=b"{}", Content_Length="99999999999"))[0] == 413


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (b'{"a":1,"b":2}', 200),
        (b'{"a":NaN,"b":2}', 200),
        (b'{"a":"\\ud800","b":2}', 200),
        (b'{"\\ud800":"\\udfff","a":1,"b":2}', 200),
        (b'{"a":' + b"[" * 900 + b"]" * 900 + b',"b":2}', 200),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b',"b":2}', 400),
        (b'{"a":' + b"9" * 5000 + b',"b":2}', 400),
        (b'{"a":' + b"9" * 4000 + b',"b":2}', 200),
        (b"[1,2]", 400),
        (b'"x"', 400),
    ],
)
async def test_hostile_arguments_over_http_cost_one_call(
    runtime: Runtime, arguments: bytes, status: int
) -> None:
    headers = {name.replace("-", "_"): value for name, value in MODERN_HEADERS.items()}
    async with serving(runtime) as url:
        given, body = await asked(url, body=modern_call(arguments), **headers)
        answer = json.loads(body)
        assert given == status, body[:500]
        assert len(body) < 20_000
        assert b"Internal" not in body
        if arguments != b'{"a":1,"b":2}':
            assert "error" in answer or answer["result"]["isError"]
        given, body = await asked(url, body=modern_call(b'{"a":1,"b":2}'), **headers)
        assert json.loads(body)["result"]["structuredContent"] == {"result": 3}
