"""Servers with tokens, and what their audit log says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp_wasm.audit.reading import read
from mcp_wasm.audit.record import Record
from mcp_wasm.audit.sink import folder_of
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.access import Access, Token, hashed
from mcp_wasm.server.options import ServerOptions
from tests.server.http_clients import (
    serving,
)

ALL, ADD, PAIR_ONLY = "token-of-everything", "token-of-demo-add", "token-of-nothing-here"
ACCESS = Access(
    tokens=(
        Token("all", hashed(ALL)),
        Token("add", hashed(ADD), ("demo_add", "demo_rep*")),
        Token("none", hashed(PAIR_ONLY), ("other_*",)),
    )
)


@asynccontextmanager
async def guarded(
    runtime: Runtime, access: Access = ACCESS, options: ServerOptions | None = None
) -> AsyncIterator[str]:
    async with serving(runtime, options, access=access) as url:
        yield url


def calls(runtime: Runtime) -> list[Record]:
    runtime.close()
    return [record for record in read(folder_of(runtime.home)) if record.event == "call"]


def legacy_call(name: str, arguments: dict[str, Any], **rest: Any) -> bytes:
    params = {"name": name, "arguments": arguments} | rest
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
