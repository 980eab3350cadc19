from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from mcp.server.subscriptions import ToolsListChanged
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, TextContent, ToolListChangedNotification

from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.server.code_tools import CODE_TOOLS
from tests.server.http_clients import (
    NARROW,
    Program,
    client,
    serving,
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
        both = len(runtime.tools) + len(CODE_TOOLS)
        assert len((await old.list_tools()).tools) == len((await new.list_tools()).tools) == both


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
