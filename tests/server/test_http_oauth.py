"""Tokens of an authorization server, over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.access import Access, OAuth
from tests.server.http_clients import (
    asked,
    client,
    session_of,
)
from tests.server.http_tokens import calls, guarded, legacy_call
from tests.server.tokens import ISSUER, RESOURCE, ec_key, jwk, jwks, oauth, rsa_key, signed


@pytest.mark.anyio
async def test_a_token_of_an_authorization_server_opens_what_its_scopes_say(
    audited: Runtime, era: str, tmp_path: Path
) -> None:
    access = Access(oauth=oauth(tmp_path, scopes=("use",)))
    token = signed(scope="use tools:demo_add")
    async with guarded(audited, access) as url, client(url, era, token) as session:
        assert [tool.name for tool in (await session.list_tools()).tools] == ["demo_add"]
        assert not (await session.call_tool("demo_add", {"a": 1, "b": 2})).is_error
        with pytest.raises(MCPError, match="There is no tool"):
            await session.call_tool("demo_spin", {})
    assert {record.client for record in calls(audited)} == {"oauth alice"}


@pytest.mark.anyio
async def test_a_client_is_told_where_to_get_a_token(runtime: Runtime, tmp_path: Path) -> None:
    access = Access(oauth=oauth(tmp_path, scopes=("use",)))
    async with guarded(runtime, access) as url, httpx2.AsyncClient() as http:
        refused = await http.post(url, json={})
        assert refused.status_code == 401
        assert (
            'resource_metadata="https://tools.example/.well-known/oauth-protected-resource/mcp"'
            in (refused.headers["www-authenticate"])
        )
        found = await http.get(url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"))
        assert found.json()["resource"] == RESOURCE
        assert found.json()["authorization_servers"] == [ISSUER]
        assert found.json()["scopes_supported"] == ["use"]
        lacking = await http.post(
            url, json={}, headers={"Authorization": f"Bearer {signed(scope='tools:*')}"}
        )
        assert lacking.status_code == 403
        assert 'error="insufficient_scope"' in lacking.headers["www-authenticate"]
        named = await http.post(url, json={}, headers={"Host": "tools.example"})
        assert named.status_code == 401


@pytest.mark.anyio
async def test_keys_are_fetched_from_their_address_and_redirects_are_not_followed(runtime: Runtime) -> None:
    asked_for: list[bytes] = []

    async def answer(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            request = await stream.receive()
            asked_for.append(request.split(b" ")[1])
            body = jwks(jwk(rsa_key(), "k1"))
            if asked_for[-1] == b"/moved":
                await stream.send(b"HTTP/1.1 302 Found\r\nLocation: /keys\r\nContent-Length: 0\r\n\r\n")
            else:
                await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as group,
    ):
        group.start_soon(listener.serve, answer)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        for path, status in (("/keys", 200), ("/moved", 401)):
            access = Access(oauth=OAuth(ISSUER, RESOURCE, jwks_url=f"http://127.0.0.1:{port}{path}"))
            async with guarded(runtime, access) as url, httpx2.AsyncClient() as http:
                assert asked_for.count(path.encode()) == 0
                for _ in range(3):
                    token = signed(scope="tools:*")
                    found = await http.post(
                        url, content=INITIALIZE, headers=JSON | {"Authorization": f"Bearer {token}"}
                    )
                    assert found.status_code == status
                assert asked_for.count(path.encode()) == 1
        group.cancel_scope.cancel()


JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
INITIALIZE = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "0"},
        },
    }
).encode()


@pytest.mark.anyio
async def test_a_session_belongs_to_the_principal_not_to_one_token(runtime: Runtime, tmp_path: Path) -> None:
    settings = oauth(tmp_path, jwk(rsa_key(), "k1"), jwk(ec_key(), "e1"))
    async with guarded(runtime, Access(oauth=settings)) as url:
        session = await anyio.to_thread.run_sync(lambda: session_of(url, Authorization=f"Bearer {signed()}"))
        headers = {"Mcp_Session_Id": session, "MCP_Protocol_Version": "2025-11-25"}
        body = legacy_call("demo_add", {"a": 1, "b": 2})
        fresh = signed(ec_key(), "e1", "ES256")
        assert (await asked(url, body=body, Authorization=f"Bearer {fresh}", **headers))[0] == 200
        for other in (signed(sub="bob"), signed(client_id="phone")):
            assert (await asked(url, body=body, Authorization=f"Bearer {other}", **headers))[0] == 404
