"""What the model is told of a call that failed, where it must know more than that something did."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Sessions
from mcp_wasm.errors import FuelExhausted, StorageExceeded
from mcp_wasm.policy import edit
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.failures import told
from tests.server.clients import connected, text_of
from tests.server.people import value

COUNTERS = Path(__file__).parents[1] / "programs" / "counters.wat"


@pytest.mark.anyio
async def test_a_handle_of_a_session_that_a_trap_ended_says_what_ended_it(runtime: Runtime, era: str) -> None:
    found = runtime.add(COUNTERS)
    edit.add(runtime.home, found.name, found.digest, found.wishes, [Sessions()])
    async with connected(runtime, era) as client:
        handle = value(await client.call_tool("counters_new_counter", {"start": 40}))
        assert (await client.call_tool("counters_counter_fail", {"self": handle})).is_error
        later = await client.call_tool("counters_counter_add", {"self": handle, "by": 2})
    assert later.is_error
    assert text_of(later).startswith(
        f"The handle {handle} is not valid: its session ended: The guest trapped"
    )
    assert text_of(later).endswith("bytes. Make a new one.")


def test_a_limit_of_the_settings_is_named_and_a_quota_is_none_of_them() -> None:
    assert "fuel under [limits]" in told(FuelExhausted(10, 10))
    assert "[limits]" not in told(StorageExceeded(10, 20, "It is the quota of /q."))
