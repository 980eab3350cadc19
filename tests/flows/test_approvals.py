"""Approvals as a person meets them: a server in a process of its own, a form, the same call again."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from wasmtime import wat2wasm

from tests.server.clients import text_of
from tests.server.people import ALWAYS, SESSION, Person

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

PROGRAMS = Path(__file__).parents[1] / "programs"
ERAS = ("legacy", "2026-07-28")


@asynccontextmanager
async def served(home: Path, era: str, person: Any, *flags: str | Path) -> AsyncIterator[Client]:
    """A client of ``mcp-wasm serve`` over stdio that shows forms to ``person``."""
    components = home / "components"
    components.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROGRAMS / "counters.wat", components)
    arguments = ["-m", "mcp_wasm", "serve", "--no-bundled", *map(str, flags)]
    environment = {**os.environ, "MCP_WASM_HOME": str(home)}
    parameters = StdioServerParameters(command=sys.executable, args=arguments, env=environment)
    with anyio.fail_after(50):
        async with Client(stdio_client(parameters), mode=era, elicitation_callback=person) as client:
            yield client


@pytest.mark.parametrize("era", ERAS)
async def test_what_a_person_always_allows_outlives_the_server(home: Path, era: str) -> None:
    person = Person(ALWAYS)
    async with served(home, era, person) as client:
        made = await client.call_tool("counters_new_counter", {"start": 40})
        assert not made.is_error, text_of(made)
    (asked,) = person.asked
    assert "counters_new_counter, a tool of the component counters" in asked.message
    assert "keep up to" in asked.message
    async with served(home, era, person) as client:
        made = await client.call_tool("counters_new_counter", {"start": 40})
        assert made.structured_content is not None
        handle = made.structured_content["result"]
        added = await client.call_tool("counters_counter_add", {"self": handle, "by": 2})
        assert added.structured_content == {"result": 42}
    assert len(person.asked) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_allowed_for_a_session_ends_with_the_server(home: Path, era: str) -> None:
    async with served(home, era, Person(SESSION)) as client:
        made = await client.call_tool("counters_new_counter", {"start": 1})
        assert not made.is_error, text_of(made)
        assert made.structured_content is not None
        handle = made.structured_content["result"]
        added = await client.call_tool("counters_counter_add", {"self": handle, "by": 2})
        assert added.structured_content == {"result": 3}
    async with served(home, era, None) as client:
        denied = await client.call_tool("counters_new_counter", {"start": 1})
        assert "mcp-wasm grants add counters sessions" in text_of(denied)


async def test_flags_switch_questions_off_and_loading_on(home: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.wasm").write_bytes(bytes(wat2wasm((PROGRAMS / "tiny.wat").read_text())))
    person = Person(ALWAYS)
    flags = ("--no-approvals", "--allow-load", tmp_path)
    async with served(home, "legacy", person, *flags) as client:
        assert (await client.call_tool("counters_new_counter", {"start": 1})).is_error
        loaded = await client.call_tool("load_component", {"path": "tiny.wasm", "name": "calc"})
        assert not loaded.is_error, text_of(loaded)
        summed = await client.call_tool("loaded_calc_add", {"a": 1, "b": 2})
        assert summed.structured_content == {"result": 3}
    assert person.asked == []
