from __future__ import annotations

import json
import os
from collections.abc import Iterator

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCMessage, JSONRPCNotification, JSONRPCResponse

from mcp_wasm.server.outgoing import Outgoing

MIB = 1024 * 1024


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:
            continue  # the test has closed it


def answer(number: int, text: str = "") -> SessionMessage:
    message: JSONRPCMessage = JSONRPCResponse(jsonrpc="2.0", id=number, result={"text": text})
    return SessionMessage(message)


def read_all(descriptor: int) -> list[dict[str, object]]:
    """Every message until the other end is closed."""
    with open(descriptor, "rb", closefd=False) as stream:
        return [json.loads(line) for line in stream]


@pytest.mark.anyio
async def test_what_is_sent_arrives_in_order_however_large(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outgoing = Outgoing(writing)
    arrived: list[dict[str, object]] = []

    async def receive() -> None:
        arrived.extend(await anyio.to_thread.run_sync(read_all, reading))

    with anyio.fail_after(15):
        async with anyio.create_task_group() as group:
            group.start_soon(receive)
            for number in range(40):
                await outgoing.send(answer(number, "é" * (MIB if number % 2 else 1)))
            await outgoing.aclose()
            os.close(writing)
    assert [message["id"] for message in arrived] == list(range(40))


@pytest.mark.anyio
async def test_a_client_that_reads_nothing_is_sent_no_more_than_so_much(pipe: tuple[int, int]) -> None:
    _, writing = pipe
    outgoing, sent = Outgoing(writing), 0
    with anyio.move_on_after(0.5) as scope:
        while True:
            await outgoing.send(answer(sent, "x" * MIB))
            sent += 1
            await anyio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert sent <= 9
    outgoing.close()


@pytest.mark.anyio
async def test_a_client_that_is_gone_is_noticed(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outgoing, noticed = Outgoing(writing), anyio.Event()
    outgoing.broken = noticed.set
    os.close(reading)
    await outgoing.send(answer(1))
    assert noticed.is_set()
    with pytest.raises(anyio.BrokenResourceError):
        await outgoing.send(answer(2))


@pytest.mark.anyio
async def test_what_json_cannot_carry_becomes_an_error_and_kills_nothing(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outgoing = Outgoing(writing)
    bad: JSONRPCMessage = JSONRPCResponse(jsonrpc="2.0", id=1, result={"text": "\ud800", "deep": object})
    lost: JSONRPCMessage = JSONRPCNotification(jsonrpc="2.0", method="n", params={"text": "\ud800"})
    nobody: JSONRPCMessage = JSONRPCResponse(jsonrpc="2.0", id="\ud800", result={})
    for message in (bad, lost, nobody):
        await outgoing.send(SessionMessage(message))
    await outgoing.send(answer(2, "fine"))
    outgoing.close()
    os.close(writing)
    first, second, third = await anyio.to_thread.run_sync(read_all, reading)
    assert (first["id"], second["id"], third["id"]) == (1, None, 2)
    assert first["error"] == second["error"] == {"code": -32603, "message": "The answer could not be encoded"}


@pytest.mark.anyio
async def test_numbers_that_json_has_not_become_null(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outgoing = Outgoing(writing)
    odd: JSONRPCMessage = JSONRPCResponse(jsonrpc="2.0", id=1, result={"n": [float("nan"), float("inf")]})
    await outgoing.send(SessionMessage(odd))
    outgoing.close()
    os.close(writing)
    (arrived,) = await anyio.to_thread.run_sync(read_all, reading)
    assert arrived["result"] == {"n": [None, None]}
