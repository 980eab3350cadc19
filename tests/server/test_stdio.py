from __future__ import annotations

import json
import os
import signal

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.server.stdio_server import (
    INITIALIZE,
    INITIALIZED,
    Program,
    Start,
    call,
    command,
    request,
)


@pytest.mark.anyio
async def test_a_client_of_either_era_lists_and_calls(program: Program, era: str) -> None:
    first, *rest = command(program)
    parameters = StdioServerParameters(command=first, args=rest, env=dict(os.environ))
    with anyio.fail_after(15):
        async with Client(parameters, mode=era) as client:
            assert "demo_add" in [tool.name for tool in (await client.list_tools()).tools]
            result = await client.call_tool("demo_add", {"a": 1, "b": 2})
            assert result.structured_content == {"result": 3}
            with anyio.move_on_after(0.3):
                await client.call_tool("demo_spin", {})
            result = await client.call_tool("demo_repeat", {"text": "x" * 1000, "times": 900})
            assert len(result.structured_content["result"]) == 900_000


def test_blank_lines_and_carriage_returns_do_not_matter(start: Start) -> None:
    server = start()
    server.send(b"\n  \r\n" + INITIALIZE.replace(b"\n", b"\r\n") + b"\n\n" + INITIALIZED)
    server.receive()
    server.add()


def test_a_message_may_come_byte_by_byte_and_many_at_once(start: Start) -> None:
    server = start()
    server.greet()
    for at in range(len(line := call(1, "demo_add", a=1, b=1))):
        server.send(line[at : at + 1])
    assert server.receive()["id"] == 1
    server.send(b"".join(call(number, "demo_add", a=number, b=0) for number in range(300)))
    assert {server.receive()["id"] for _ in range(300)} == set(range(300))


def test_a_request_before_the_end_of_input_is_still_answered(start: Start) -> None:
    server = start()
    out, _ = server.process.communicate(INITIALIZE + INITIALIZED + call(1, "demo_add", a=1, b=2), timeout=15)
    answers = {answer["id"]: answer for answer in map(json.loads, out.splitlines())}
    assert answers[1]["result"]["structuredContent"] == {"result": 3}
    assert server.ends() == 0


@pytest.mark.parametrize("stop", ["end of input", signal.SIGTERM, signal.SIGINT])
def test_the_end_ends_running_guests_and_the_process(start: Start, stop: signal.Signals | str) -> None:
    server = start()
    server.greet()
    server.send(b"".join(call(number, "demo_spin") for number in range(4)))
    server.send(request(9, "ping"))
    assert server.receive()["id"] == 9  # the calls have begun
    if isinstance(stop, str):
        server.input.close()
    else:
        server.process.send_signal(stop)
    assert server.ends() == 0


def test_a_client_that_goes_away_ends_the_process(start: Start) -> None:
    server = start()
    server.greet()
    server.output.close()
    server.send(call(1, "demo_repeat", text="x" * 1000, times=900))
    assert server.ends() == 0
