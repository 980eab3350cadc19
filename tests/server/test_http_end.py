from __future__ import annotations

import signal

import anyio
import pytest

from tests.server.http_clients import (
    Program,
    client,
    open_request,
    session_of,
    spawn,
)


@pytest.mark.anyio
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_running_guests_open_streams_and_the_process(
    program: Program, stop: signal.Signals
) -> None:
    process, url = spawn(program)
    try:
        async with anyio.create_task_group() as group:

            async def use(era: str, ready: anyio.Event) -> None:
                try:
                    async with client(url, era) as session:
                        await session.list_tools()
                        ready.set()
                        await session.call_tool("demo_spin", {})
                except BaseExceptionGroup:
                    pass  # the server is gone, which is what this is about

            for era in ("legacy", "2026-07-28"):
                ready = anyio.Event()
                group.start_soon(use, era, ready)
                await ready.wait()
            session = await anyio.to_thread.run_sync(session_of, url)
            listening, connection = await anyio.to_thread.run_sync(
                lambda: open_request(url, "GET", b"", Mcp_Session_Id=session)
            )
            assert listening.status == 200
            process.send_signal(stop)
            code = await anyio.to_thread.run_sync(lambda: process.wait(timeout=8))
            assert code == 0
            assert await anyio.to_thread.run_sync(listening.read) == b""  # ended whole, not cut off
            connection.close()
            group.cancel_scope.cancel()
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        errors = process.stderr.read().decode()
        process.stderr.close()
    assert "Traceback" not in errors, errors
