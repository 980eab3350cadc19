"""The runners of code are made ready after the first answer, and never stand in the way of an end."""

from __future__ import annotations

from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.options import ServerOptions
from mcp_wasm.server.warming import Warming
from tests.server.coding import given, run, talking

pytestmark = pytest.mark.anyio


async def test_a_runner_that_is_ready_needs_no_compile_in_the_first_run(home: Path) -> None:
    with Runtime(home=home) as runtime:
        assert not runtime._invoker._prepared
        await anyio.to_thread.run_sync(Warming(runtime).begin().join)
        assert list(runtime._invoker._prepared) == ["javascript runner"]  # Python's is not built here
        async with talking(runtime, "legacy", ServerOptions(warm=True)) as client:
            assert given(await run(client, "1"))["value"] == 1


async def test_warming_ends_with_the_runtime(home: Path) -> None:
    with Runtime(home=home) as runtime:
        thread = Warming(runtime).begin()
    await anyio.to_thread.run_sync(thread.join)
