from __future__ import annotations

import os
import signal
import socket
from urllib.parse import urlsplit

import pytest

from mcp_wasm.errors import InvalidSettings
from mcp_wasm.runtime import Runtime
from mcp_wasm.server import http
from mcp_wasm.server.http import serve_http
from mcp_wasm.server.options import ServerOptions
from tests.server.http_clients import (
    Program,
    ask,
    asked,
    client,
    serving,
    spawn,
)


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


def test_port_zero_is_printed_with_the_real_port(program: Program) -> None:
    process, url = spawn(program, "token=s3cret")
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


def test_a_response_in_several_writes_does_not_wait_for_acknowledgements() -> None:
    with http._bind("127.0.0.1", 0) as listening:
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
