"""What a request leaves to its call of what was granted, and what a guest's log looks like to a client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from mcp_wasm.capability.grant import Sessions
from mcp_wasm.policy import edit
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.logged import Logged
from mcp_wasm.sandbox.report import Report
from mcp_wasm.server.content import LOG_KEY, meta
from tests.server.clients import connected, text_of

COUNTERS = Path(__file__).parents[1] / "programs" / "counters.wat"


def leaving(kinds: Any) -> Any:
    return {"mcp-wasm/grants": kinds}


@pytest.fixture
def counters(runtime: Runtime) -> Runtime:
    """The runtime with counters, to which sessions are granted."""
    found = runtime.add(COUNTERS)
    edit.add(runtime.home, found.name, found.digest, found.wishes, [Sessions()])
    return runtime


@pytest.mark.anyio
@pytest.mark.parametrize("kinds", [["sessions"], ["network", "sessions"], None])
async def test_a_call_has_what_it_does_not_leave_out(counters: Runtime, era: str, kinds: Any) -> None:
    async with connected(counters, era) as client:
        made = await client.call_tool("counters_new_counter", {"start": 1}, meta=leaving(kinds))
        assert not made.is_error, text_of(made)


@pytest.mark.anyio
@pytest.mark.parametrize("kinds", [[], ["network"]])
async def test_a_call_does_without_what_it_leaves_out_and_nobody_is_told_to_grant_it(
    counters: Runtime, era: str, kinds: Any
) -> None:
    async with connected(counters, era) as client:
        made = await client.call_tool("counters_new_counter", {"start": 1}, meta=leaving(kinds))
        assert made.is_error
        assert "the call leaves sessions out" in text_of(made)
        assert "grants add" not in text_of(made)
        again = await client.call_tool("counters_new_counter", {"start": 1})
        assert not again.is_error


@pytest.mark.anyio
@pytest.mark.parametrize("wrong", ["sessions", ["everything"], [1], {"sessions": True}])
async def test_what_is_no_list_of_kinds_is_refused(counters: Runtime, era: str, wrong: Any) -> None:
    async with connected(counters, era) as client:
        with pytest.raises(MCPError, match="expected an array of some of network, storage"):
            await client.call_tool("counters_new_counter", {"start": 1}, meta=leaving(wrong))


def test_the_log_of_a_guest_is_beside_its_result() -> None:
    report = Report("0" * 64, log=(Logged("info", "it", "hello"),), log_dropped=2)
    assert meta(report)[LOG_KEY] == {
        "messages": [{"level": "info", "context": "it", "message": "hello"}],
        "dropped": 2,
    }
    assert LOG_KEY not in meta(Report("0" * 64))
