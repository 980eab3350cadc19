from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.subscriptions import ToolsListChanged
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, TextContent, ToolListChangedNotification

from mcp_wasm.errors import InvalidSettings
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.server.http import serve_http
from mcp_wasm.server.options import ServerOptions

CHILD = Path(__file__).with_name("child.py")
Program = Callable[[str], Path]


@asynccontextmanager
async def serving(
    runtime: Runtime, options: ServerOptions | None = None, token: str | None = None
) -> AsyncIterator[str]:
    """The address of a server in this process."""
    send, receive = anyio.create_memory_object_stream[str](1)

    async def serve() -> None:
        await serve_http(runtime, options or ServerOptions(), token=token, started=send.send_nowait)

    async with send, receive, anyio.create_task_group() as group:
        group.start_soon(serve)
        with anyio.fail_after(10):
            url = await receive.receive()
        yield url
        group.cancel_scope.cancel()


@asynccontextmanager
async def client(url: str, era: str, token: str | None = None, **rest: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=15) as http,
        Client(streamable_http_client(url, http_client=http), mode=era, **rest) as session,
    ):
        yield session


def ask(url: str, method: str = "POST", body: bytes = b"{}", **headers: str) -> tuple[int, bytes]:
    """One raw request: the status and the body."""
    response, connection = open_request(url, method, body, **headers)
    try:
        return response.status, response.read()
    finally:
        connection.close()


def open_request(url: str, method: str, body: bytes, **headers: str) -> tuple[HTTPResponse, HTTPConnection]:
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=15)
    connection.putrequest(method, parts.path, skip_host=True)
    defaults = {
        "Host": f"{parts.hostname}:{parts.port}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Content-Length": str(len(body)),
    }
    for name, value in (
        defaults | {name.replace("_", "-"): value for name, value in headers.items()}
    ).items():
        connection.putheader(name, value)
    connection.endheaders(body)
    return connection.getresponse(), connection


async def asked(url: str, method: str = "POST", body: bytes = b"{}", **headers: str) -> tuple[int, bytes]:
    return await anyio.to_thread.run_sync(lambda: ask(url, method, body, **headers))


NARROW: Any = {"mcp-wasm/limits": {"text": 10}}
MODERN: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
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


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


@pytest.mark.anyio
async def test_a_client_of_either_era_lists_calls_and_reads(runtime: Runtime, era: str) -> None:
    async with serving(runtime) as url, client(url, era) as session:
        assert "demo_add" in [tool.name for tool in (await session.list_tools()).tools]
        result = await session.call_tool("demo_add", {"a": 1, "b": 2})
        assert result.structured_content == {"result": 3}
        (wit,) = (await session.read_resource("mcp-wasm://components/demo/wit")).contents
        assert "world" in getattr(wit, "text", "")


@pytest.mark.anyio
async def test_every_client_hears_of_changes_over_http(runtime: Runtime, program: Program) -> None:
    told = anyio.Event()

    async def hear(message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            told.set()

    async with (
        serving(runtime) as url,
        client(url, "legacy", message_handler=hear) as old,
        client(url, "2026-07-28") as new,
    ):
        assert old.server_capabilities.tools is not None
        assert old.server_capabilities.tools.list_changed
        await old.list_tools()
        with anyio.fail_after(10):
            async with new.listen(tools_list_changed=True) as changes:
                while not told.is_set():  # the client opens its stream for notifications in the background
                    runtime.add(program("server_tools"), name="more")
                    assert await anext(aiter(changes)) == ToolsListChanged()
                    with anyio.move_on_after(0.2):
                        await told.wait()
        assert len((await old.list_tools()).tools) == len((await new.list_tools()).tools) == 14


@pytest.mark.anyio
async def test_giving_up_a_call_over_http_stops_its_guest(runtime: Runtime, era: str) -> None:
    async with serving(runtime) as url, client(url, era) as session:
        for _ in range(5):
            with anyio.move_on_after(0.3):
                await session.call_tool("demo_spin", {})
        with anyio.fail_after(5):
            result = await session.call_tool("demo_add", {"a": 1, "b": 2})
    assert result.structured_content == {"result": 3}


@pytest.mark.anyio
async def test_a_client_that_asks_for_progress_hears_what_its_call_is_doing(
    home: Path, program: Callable[[str], Path], era: str
) -> None:
    heard: list[tuple[float, str | None]] = []
    enough = anyio.Event()

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))
        enough.set()

    with Runtime(home=home, limits=Limits(fuel=10**15)) as runtime:
        runtime.add(program("server_tools"), name="demo")
        async with (
            serving(runtime) as url,
            client(url, era) as session,
            anyio.create_task_group() as group,
        ):

            async def spin() -> None:
                await session.call_tool("demo_spin", {}, progress_callback=hear)

            group.start_soon(spin)
            await enough.wait()
            group.cancel_scope.cancel()
    assert heard == [(1, "running demo_spin, 1 s")]


@pytest.mark.anyio
async def test_a_kept_result_is_not_read_by_another_session(runtime: Runtime) -> None:
    async with serving(runtime) as url, client(url, "legacy") as mine, client(url, "legacy") as other:
        cut = await mine.call_tool("demo_repeat", {"text": "x", "times": 500}, meta=NARROW)
        uri = next(block.uri for block in cut.content if block.type == "resource_link")
        assert (await mine.read_resource(uri)).contents
        with pytest.raises(MCPError, match="There is no resource"):
            await other.read_resource(uri)
        async with client(url, "2026-07-28") as stateless:
            with pytest.raises(MCPError, match="There is no resource"):
                await stateless.read_resource(uri)


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
async def test_a_token_is_required_where_there_is_one(runtime: Runtime, era: str) -> None:
    async with serving(runtime, token="right") as url:
        async with client(url, era, "right") as session:
            assert (await session.list_tools()).tools
        for authorization in ("", "Bearer wrong", "Bearer "):
            for method in ("POST", "GET", "DELETE"):
                status, _ = await asked(url, method, b"{}", Authorization=authorization)
                assert status == 401
        assert (await asked(url))[0] == 401
        assert (await asked(url.replace("/mcp", "/health"), "GET", b""))[0] == 200


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
async def test_beyond_loopback_a_token_is_demanded(runtime: Runtime, host: str) -> None:
    with pytest.raises(InvalidSettings, match="token"):
        await serve_http(runtime, ServerOptions(), host, 0)


@pytest.mark.anyio
@pytest.mark.parametrize("token", ["", "  "])
async def test_an_empty_token_is_none(runtime: Runtime, token: str) -> None:
    with pytest.raises(InvalidSettings, match="token"):
        await serve_http(runtime, ServerOptions(), "127.0.0.1", 0, token)


@pytest.mark.anyio
async def test_an_address_in_use_is_refused_with_a_word(runtime: Runtime) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(InvalidSettings, match="can be bound"),
    ):
        await serve_http(runtime, ServerOptions(), "127.0.0.1", taken.getsockname()[1])


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


def session_of(url: str) -> str:
    """A new session of the handshake protocol."""
    info = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
    opening = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": info}).encode()
    response, connection = open_request(url, "POST", opening)
    session: str = response.headers["mcp-session-id"]
    connection.close()
    return session


def start(program: Program, *settings: str) -> tuple[subprocess.Popen[bytes], str]:
    process = subprocess.Popen(
        [sys.executable, str(CHILD), "http", str(program("server_tools")), *settings], stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(b"Serving MCP at "):
            return process, line.split()[-1].decode()
    raise AssertionError("the server did not start")


@pytest.mark.anyio
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_running_guests_open_streams_and_the_process(
    program: Program, stop: signal.Signals
) -> None:
    process, url = start(program)
    try:
        async with anyio.create_task_group() as group:

            async def use(era: str, ready: anyio.Event) -> None:
                try:
                    async with client(url, era) as session:
                        await session.list_tools()
                        ready.set()
                        await session.call_tool("demo_spin", {})
                except BaseExceptionGroup:
                    pass  # the server is gone, which is what this is about

            for era in ("legacy", "2026-07-28"):
                ready = anyio.Event()
                group.start_soon(use, era, ready)
                await ready.wait()
            session = await anyio.to_thread.run_sync(session_of, url)
            listening, connection = await anyio.to_thread.run_sync(
                lambda: open_request(url, "GET", b"", Mcp_Session_Id=session)
            )
            assert listening.status == 200
            process.send_signal(stop)
            code = await anyio.to_thread.run_sync(lambda: process.wait(timeout=8))
            assert code == 0
            assert await anyio.to_thread.run_sync(listening.read) == b""  # ended whole, not cut off
            connection.close()
            group.cancel_scope.cancel()
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        errors = process.stderr.read().decode()
        process.stderr.close()
    assert "Traceback" not in errors, errors


def test_port_zero_is_printed_with_the_real_port(program: Program) -> None:
    process, url = start(program, "token=s3cret")
    try:
        port = urlsplit(url).port
        assert port
        assert ask(url, Authorization="Bearer s3cret")[0] in (400, 422)
        assert ask(url)[0] == 401
    finally:
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=8) == 0
        assert process.stderr is not None
        assert b"s3cret" not in process.stderr.read()
        process.stderr.close()
