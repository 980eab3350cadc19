from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.server.subscriptions import ToolsListChanged
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCNotification, JSONRPCRequest, ToolListChangedNotification

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.app import ToolServer, build
from mcp_wasm.server.code_tools import CODE_TOOLS
from mcp_wasm.server.options import ServerOptions

Program = Callable[[str], Path]


class Told:
    """A message handler that remembers how often it was told of changed tools."""

    def __init__(self) -> None:
        self.times = 0
        self._news = anyio.Event()

    async def __call__(self, message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            self.times += 1
            self._news.set()

    async def wait(self) -> None:
        with anyio.fail_after(10):
            await self._news.wait()
        self._news = anyio.Event()


async def names(client: Client) -> set[str]:
    listed = (await client.list_tools()).tools
    return {tool.name.partition("_")[0] for tool in listed if tool.name not in CODE_TOOLS}


@pytest.mark.anyio
async def test_every_handshake_client_hears_of_added_replaced_and_removed_components(
    runtime: Runtime, program: Program
) -> None:
    server = build(runtime, ServerOptions())
    one, two = Told(), Told()
    async with (
        Client(server, mode="legacy", message_handler=one) as first,
        Client(server, mode="legacy", message_handler=two) as second,
    ):
        assert first.server_capabilities.tools is not None
        assert first.server_capabilities.tools.list_changed
        assert await names(first) == await names(second) == {"demo"}
        for change, expected in (
            (lambda: runtime.add(program("server_tools"), name="more"), {"demo", "more"}),
            (lambda: runtime.remove("demo"), {"more"}),
        ):
            await anyio.to_thread.run_sync(change)  # a change comes from any thread
            await one.wait()
            await two.wait()
            assert await names(first) == await names(second) == expected


@pytest.mark.anyio
async def test_a_client_of_the_stateless_protocol_hears_on_the_stream_it_asked_for(
    runtime: Runtime, program: Program
) -> None:
    async with Client(build(runtime, ServerOptions()), mode="2026-07-28") as client:
        with anyio.fail_after(10):
            async with client.listen(tools_list_changed=True) as changes:
                await anyio.to_thread.run_sync(lambda: runtime.add(program("server_tools"), name="more"))
                assert await anext(aiter(changes)) == ToolsListChanged()
        assert await names(client) == {"demo", "more"}


@pytest.mark.anyio
async def test_changes_in_quick_succession_are_told_as_one(runtime: Runtime, program: Program) -> None:
    told = Told()
    async with Client(build(runtime, ServerOptions()), mode="legacy", message_handler=told) as client:
        await names(client)

        def add_all() -> None:
            for number in range(5):
                runtime.add(program("server_tools"), name=f"more{number}")

        await anyio.to_thread.run_sync(add_all)
        await told.wait()
        assert len(await names(client)) == 6
        await names(client)
    assert told.times <= 2


async def handshake(server: ToolServer, *, started: anyio.Event, silent: anyio.Event) -> None:
    """A client that shakes hands and from then on reads nothing."""
    async with create_client_server_memory_streams() as (ours, theirs), anyio.create_task_group() as group:
        reading, writing = ours
        options = server.create_initialization_options()
        group.start_soon(server.run, *theirs, options)
        hello = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "silent", "version": "0"},
        }
        request = JSONRPCRequest(jsonrpc="2.0", id=0, method="initialize", params=hello)
        await writing.send(SessionMessage(request))
        await reading.receive()
        ready = JSONRPCNotification(jsonrpc="2.0", method="notifications/initialized")
        await writing.send(SessionMessage(ready))
        started.set()
        await silent.wait()
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_client_that_reads_nothing_holds_up_no_other(runtime: Runtime, program: Program) -> None:
    server = build(runtime, ServerOptions())
    started, over, told = anyio.Event(), anyio.Event(), Told()
    async with anyio.create_task_group() as group:
        for _ in range(3):
            started = anyio.Event()

            async def silent(started: anyio.Event = started) -> None:
                await handshake(server, started=started, silent=over)

            group.start_soon(silent)
            await started.wait()
        async with Client(server, mode="legacy", message_handler=told) as client:
            await names(client)
            for number in range(3):
                runtime.add(program("server_tools"), name=f"more{number}")
                await told.wait()
        over.set()


@pytest.mark.anyio
async def test_nobody_is_told_after_the_server_has_ended(runtime: Runtime, program: Program) -> None:
    told = Told()
    async with Client(build(runtime, ServerOptions()), mode="legacy", message_handler=told) as client:
        await names(client)
    runtime.add(program("server_tools"), name="more")
    assert told.times == 0
