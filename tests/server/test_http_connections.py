"""Clients that open connections and say little: they cost themselves, and nobody else."""

from __future__ import annotations

import contextlib
import socket
from urllib.parse import urlsplit

import anyio
import pytest

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.access import Access
from mcp_wasm.server.connections import Connections
from tests.server.http_clients import asked, client, serving

QUICK = Access(header_seconds=0.3, body_seconds=0.3)


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.create_connection((str(parts.hostname), parts.port))
    connection.settimeout(10)
    return connection


def said(connection: socket.socket) -> bytes:
    """All that the server says until it ends the connection."""
    found = b""
    try:
        while part := connection.recv(65_536):
            found += part
    except ConnectionResetError:
        pass
    finally:
        connection.close()
    return found


async def ended(connection: socket.socket) -> bytes:
    with anyio.fail_after(10):
        return await anyio.to_thread.run_sync(said, connection)


HEAD = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "beginning",
    [b"", b"P", b"POST /mcp HTTP/1.1\r\n", HEAD, HEAD + b"X-Slow: " + b"a" * 1000],
    ids=["nothing", "a letter", "a line", "a header", "a long header"],
)
async def test_a_connection_without_a_request_is_closed(runtime: Runtime, beginning: bytes) -> None:
    async with serving(runtime, access=QUICK) as url:
        connection = await anyio.to_thread.run_sync(connect, url)
        connection.sendall(beginning)
        assert await ended(connection) == b""


@pytest.mark.anyio
async def test_bytes_one_by_one_do_not_keep_a_connection_open(runtime: Runtime) -> None:
    async with serving(runtime, access=QUICK) as url:

        def drip() -> bytes:
            with connect(url) as connection:
                try:
                    connection.sendall(HEAD + b"X-Slow: ")
                    while True:
                        connection.sendall(b"a")
                except (BrokenPipeError, ConnectionResetError):
                    return b"closed"

        with anyio.fail_after(10):
            assert await anyio.to_thread.run_sync(drip) == b"closed"


@pytest.mark.anyio
async def test_the_next_request_on_a_connection_has_to_come_in_time_too(runtime: Runtime) -> None:
    async with serving(runtime, access=QUICK) as url:
        connection = await anyio.to_thread.run_sync(connect, url)
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /health HT")
        found = await ended(connection)
    assert found.count(b"200 OK") == 1
    assert b'{"status":"ok"}' in found


@pytest.mark.anyio
async def test_a_body_that_does_not_come_ends_the_request(runtime: Runtime) -> None:
    async with serving(runtime, access=QUICK) as url:
        connection = await anyio.to_thread.run_sync(connect, url)
        connection.sendall(
            HEAD + b"Accept: application/json, text/event-stream\r\nContent-Length: 1000\r\n\r\n{"
        )
        found = await ended(connection)
        assert b"200 OK" not in found
        assert (await asked(url.replace("/mcp", "/health"), "GET", b""))[0] == 200


@pytest.mark.anyio
async def test_a_request_that_takes_long_is_not_ended_by_impatience(runtime: Runtime, era: str) -> None:
    async with serving(runtime, access=QUICK) as url, client(url, era) as session:
        result = await session.call_tool("demo_spin", {}, meta={"mcp-wasm/limits": {"deadline": 1}})  # type: ignore[arg-type]
        assert result.is_error
        assert not (await session.call_tool("demo_add", {"a": 1, "b": 2})).is_error


@pytest.mark.anyio
async def test_one_address_has_only_so_many_connections_and_gets_them_back(runtime: Runtime) -> None:
    access = Access(client_connections=5, header_seconds=60)
    async with serving(runtime, access=access) as url:
        health = url.replace("/mcp", "/health")
        held = [await anyio.to_thread.run_sync(connect, url) for _ in range(5)]
        sixth = await anyio.to_thread.run_sync(connect, url)
        assert await ended(sixth) == b""
        for connection in held:
            connection.close()
        with anyio.fail_after(5):
            while True:
                try:
                    assert (await asked(health, "GET", b""))[0] == 200
                    break
                except ConnectionError:
                    await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_a_thousand_idle_connections_leave_the_server_answering(runtime: Runtime) -> None:
    access = Access(client_connections=40, header_seconds=0.3)
    async with serving(runtime, access=access) as url:
        held = [await anyio.to_thread.run_sync(connect, url) for _ in range(1000)]
        with anyio.fail_after(10):
            while True:
                try:
                    assert (await asked(url.replace("/mcp", "/health"), "GET", b""))[0] == 200
                    break
                except ConnectionError:
                    await anyio.lowlevel.checkpoint()
        for connection in held:
            connection.close()


@pytest.mark.anyio
async def test_a_header_without_end_is_refused_before_it_is_read(runtime: Runtime) -> None:
    async with serving(runtime) as url:

        def send() -> None:
            with connect(url) as connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(HEAD + b"Authorization: Bearer ")
                while True:
                    connection.sendall(b"x" * 65_536)

        with anyio.fail_after(5):
            await anyio.to_thread.run_sync(send)
        assert (await asked(url.replace("/mcp", "/health"), "GET", b""))[0] == 200


def test_connections_are_counted_by_address_and_together() -> None:
    connections = Connections(Access(connections=4, client_connections=2, proxies=("10.0.0.1",)))
    assert [connections.enter(each) for each in ("a", "a", "a")] == [True, True, False]
    connections.leave("a")
    assert [connections.enter(each) for each in ("b", "b")] == [True, True]
    assert not connections.enter("c")
    for each in ("a", "a", "b", "b", "c"):
        connections.leave(each)
    assert not connections._open
    assert [connections.enter("10.0.0.1") for _ in range(5)] == [True] * 4 + [False]
