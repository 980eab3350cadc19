"""Clients of our server in this process, in both protocol eras."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp import Client
from mcp.types import CallToolResult, TextContent

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.app import build
from mcp_wasm.server.options import ServerOptions


def limited(limits: Any) -> Any:
    """The ``_meta`` of a request that narrows its limits."""
    return {"mcp-wasm/limits": limits}


@asynccontextmanager
async def connected(
    runtime: Runtime, era: str, options: ServerOptions | None = None
) -> AsyncIterator[Client]:
    with anyio.fail_after(15):
        async with Client(build(runtime, options or ServerOptions()), mode=era) as client:
            yield client


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))
