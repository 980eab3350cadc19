"""A runtime for code, whose runners are compiled once for all tests, and runs over MCP on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult

from mcp_wasm.capability.grant import Tools
from mcp_wasm.code.contract import CODE, DIGEST, WISHES
from mcp_wasm.policy import edit
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.app import build
from mcp_wasm.server.options import ServerOptions
from tests import once

PROGRAMS = Path(__file__).parents[1] / "programs"
GRANTED = ("demo_add", "demo_repeat", "demo_find")


def grant_tools(home: Path, *names: str) -> None:
    """What a person would type: mcp-wasm grants add code tools names=…"""
    home.mkdir(parents=True, exist_ok=True)
    edit.add(home, CODE, DIGEST, WISHES, [Tools(names)])


@pytest.fixture(scope="session")
def coder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A runtime with the component ``demo``, of which code may call ``GRANTED``."""
    home = once.share_compiled(tmp_path_factory, tmp_path_factory.mktemp("coder"))
    grant_tools(home, *GRANTED)
    with Runtime(home=home, workers=4) as runtime:
        runtime.add(PROGRAMS / "server_tools.wat", name="demo")
        yield runtime


@asynccontextmanager
async def talking(
    runtime: Runtime, era: str, options: ServerOptions | None = None, person: Any = None
) -> AsyncIterator[Client]:
    """A client in this process that checks results against the schemas, as the SDK does once it has them."""
    server = build(runtime, options or ServerOptions())
    with anyio.fail_after(15):
        async with Client(server, mode=era, elicitation_callback=person) as client:
            await client.list_tools()
            yield client


async def run(client: Client, code: str, language: str = "javascript", **rest: Any) -> CallToolResult:
    """The result of ``run_code``."""
    arguments = {"language": language, "code": code, **rest}
    result: CallToolResult = await client.call_tool("run_code", arguments)
    return result


def given(result: CallToolResult) -> dict[str, Any]:
    """What a run gave; a failed one fails the test."""
    assert not result.is_error, result.content
    assert result.structured_content is not None
    found: dict[str, Any] = result.structured_content["result"]
    return found
