"""Real HTTP servers on a free port, real clients of both eras, and raw requests."""

from __future__ import annotations

import json
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
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.access import Access
from mcp_wasm.server.http import serve_http
from mcp_wasm.server.options import ServerOptions

CHILD = Path(__file__).with_name("child.py")
Program = Callable[[str], Path]


@asynccontextmanager
async def serving(
    runtime: Runtime,
    options: ServerOptions | None = None,
    token: str | None = None,
    access: Access | None = None,
) -> AsyncIterator[str]:
    """The address of a server in this process."""
    send, receive = anyio.create_memory_object_stream[str](1)

    async def serve() -> None:
        settings = options or ServerOptions()
        await serve_http(runtime, settings, token=token, access=access, started=send.send_nowait)

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


def session_of(url: str, **headers: str) -> str:
    """A new session of the handshake protocol."""
    info = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
    opening = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": info}).encode()
    response, connection = open_request(url, "POST", opening, **headers)
    session: str = response.headers["mcp-session-id"]
    connection.close()
    return session


def spawn(program: Program, *settings: str) -> tuple[subprocess.Popen[bytes], str]:
    process = subprocess.Popen(
        [sys.executable, str(CHILD), "http", str(program("server_tools")), *settings], stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(b"Serving MCP at "):
            return process, line.split()[-1].decode()
    raise AssertionError("the server did not start")
