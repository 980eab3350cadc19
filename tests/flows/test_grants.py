"""Grants as a person meets them: a server, a denied call, the command that it names, the call again."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.server.clients import text_of

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

COUNTERS = Path(__file__).parents[1] / "programs" / "counters.wat"


@asynccontextmanager
async def served(home: Path) -> AsyncIterator[Client]:
    """A client of ``mcp-wasm serve`` over stdio, as Claude Desktop starts it."""
    arguments = ["-m", "mcp_wasm", "serve", "--no-bundled"]
    environment = {**os.environ, "MCP_WASM_HOME": str(home)}
    parameters = StdioServerParameters(command=sys.executable, args=arguments, env=environment)
    with anyio.fail_after(50):
        async with Client(stdio_client(parameters)) as client:
            yield client


async def typed(line: str, home: Path) -> str:
    """What a command line prints; it has to succeed."""
    words = shlex.split(line)
    assert words[0] == "mcp-wasm"
    done = await anyio.run_process(
        [sys.executable, "-m", "mcp_wasm", *words[1:]],
        env={**os.environ, "MCP_WASM_HOME": str(home)},
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


def named(text: str) -> str:
    """The command that a text tells a person to type."""
    return next(line for line in text.split("by typing: ")[1].splitlines() if line).strip()


async def test_a_denied_call_names_a_command_that_makes_the_next_call_work(home: Path) -> None:
    await typed(f"mcp-wasm add {shlex.quote(str(COUNTERS))}", home)
    async with served(home) as client:
        denied = await client.call_tool("counters_new_counter", {"start": 40})
        assert denied.is_error
        await typed(named(text_of(denied)), home)

        made = await client.call_tool("counters_new_counter", {"start": 40})
        assert not made.is_error, text_of(made)
        handle = made.structured_content["result"]
        added = await client.call_tool("counters_counter_add", {"self": handle, "by": 2})
        assert added.structured_content == {"result": 42}

        explained = await typed("mcp-wasm grants explain counters", home)
        assert "sessions" in explained
        await typed("mcp-wasm grants revoke counters --all", home)
        again = await client.call_tool("counters_counter_add", {"self": handle, "by": 2})
        assert again.is_error
        assert "no grant of sessions" in text_of(again)


async def test_other_bytes_wait_for_approval(home: Path, tmp_path: Path) -> None:
    await typed(f"mcp-wasm add {shlex.quote(str(COUNTERS))}", home)
    await typed("mcp-wasm grants add counters sessions", home)
    changed = tmp_path / "counters.wat"
    text = COUNTERS.read_text(encoding="utf-8").replace("(i32.const 16))", "(i32.const 20))")
    changed.write_text(text, encoding="utf-8")
    await typed(f"mcp-wasm add {shlex.quote(str(changed))}", home)
    async with served(home) as client:
        denied = await client.call_tool("counters_new_counter", {"start": 1})
        assert denied.is_error
        assert "mcp-wasm grants approve counters" in text_of(denied)
        await typed("mcp-wasm grants approve counters", home)
        made = await client.call_tool("counters_new_counter", {"start": 1})
        assert not made.is_error, text_of(made)
