"""Nodes that are real processes, and die as such."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.errors import CallLost
from mcp_wasm.mesh.bridge import Bridge
from mcp_wasm.mesh.mesh import running
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.mesh.remote import RemoteTools
from mcp_wasm.mesh.server import Embedded
from mcp_wasm.runtime import Runtime
from tests.conftest import PROGRAMS
from tests.mesh.nodes import message, when

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(90)]


@contextlib.asynccontextmanager
async def process(home: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    command = [sys.executable, "-m", "mcp_wasm", *words, "--home", str(home)]
    made = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            made.send_signal(signal.SIGTERM)
        await made.communicate()


async def said(home: Path, *words: str) -> Any:
    async with process(home, *words, "--json") as asked:
        out, _ = await asked.communicate()
    return json.loads(out)


async def test_no_call_that_can_be_made_again_fails_when_a_worker_is_killed_and_others_are_said_to_be_lost(
    tmp_path: Path,
) -> None:
    home, programs = tmp_path / "home", tmp_path / "programs"
    programs.mkdir()
    for name in ("tiny.wat", "hostile.wat"):
        (programs / name).write_bytes((PROGRAMS / name).read_bytes())
    async with running(home, MeshOptions(), "caller") as mesh, contextlib.AsyncExitStack() as stack:
        with Runtime(home=tmp_path / "own") as own:
            tools = RemoteTools(mesh, own)
            await tools.start()
            stack.push_async_callback(tools.close)
            works = [
                await stack.enter_async_context(
                    process(home, "worker", "--components", str(programs), "--no-bundled", "--node", name)
                )
                for name in ("one", "two")
            ]
            await when(
                mesh,
                lambda: all(
                    (peer := mesh.directory.peers.get(name)) is not None
                    and "tiny" in peer.description.components
                    for name in ("one", "two")
                ),
            )
            while "tiny_add" not in {each.name for each in own.tools}:  # noqa: ASYNC110 - fetched beside
                await asyncio.sleep(0.01)
            nodes = await said(home, "mesh", "nodes")
            assert {"one", "two", "caller"} <= {each["node"] for each in nodes["nodes"]}
            await check_stream(own, tools, works[0])


async def check_stream(own: Runtime, tools: RemoteTools, victim: asyncio.subprocess.Process) -> None:
    spin, limits = own.tool("tiny_spin"), own.component("tiny").limits
    done, half = 0, asyncio.Event()

    async def stream(start: int) -> None:
        nonlocal done
        for number in range(start, start + 25):
            assert (await own.call("tiny_add", {"a": number, "b": 1})).value == number + 1
            done += 1
            if done >= 40:
                half.set()

    async def spinning(tool: Any) -> object:
        try:
            return await tools.call(tool, {}, limits, "x", None)
        except CallLost as error:
            return error

    once = [asyncio.create_task(spinning(replace(spin, read_only=False)))]
    again = [asyncio.create_task(spinning(spin))]
    while sum(call.begun for call in tools._calls.values()) < 2:  # noqa: ASYNC110 - other processes do it
        await asyncio.sleep(0.01)
    there = {id_: call.node for id_, call in tools._calls.items()}
    streams = [asyncio.create_task(stream(1000 * n)) for n in range(4)]
    await half.wait()
    victim.kill()
    await asyncio.gather(*streams)
    while not all(call.begun and call.node == "two" for call in tools._calls.values()):  # noqa: ASYNC110 - the same
        await asyncio.sleep(0.01)
    assert not any(task.done() for task in again)  # on the other node, if they were on this one
    ended = [task.result() for task in once if task.done()]
    assert len(tools._calls) + len(ended) == len(there)
    assert all("begun on the node one" in str(error) for error in ended)
    assert all("not known whether it ran" in str(error) for error in ended)
    for task in (*once, *again):
        task.cancel()
    await asyncio.gather(*once, *again, return_exceptions=True)


async def test_no_durable_message_is_lost_when_its_node_and_the_server_are_killed(tmp_path: Path) -> None:
    home, book = tmp_path / "home", tmp_path / "book"
    keeper = [sys.executable, str(Path(__file__).parent / "programs" / "keeper.py"), str(home), str(book)]
    sent = list[str]()

    def handled() -> set[str]:
        return set(book.read_text().split()) if book.is_file() else set()

    async def send(bridge: Bridge, count: int) -> None:
        for _ in range(count):
            each = message("keeper@keeper")
            await bridge.send(each, durable=True)
            sent.append(each.id)

    server = Embedded(home / "mesh" / "nats")
    await server.start()
    async with running(home, MeshOptions(), "sender") as mesh:
        bridge = Bridge(mesh)
        await bridge.start(lambda _delivery: None)
        for turn in range(3):
            process = await asyncio.create_subprocess_exec(*keeper)
            sending = asyncio.create_task(send(bridge, 200))
            while len(handled()) < 200 * turn + 20:  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.005)
            process.kill()
            if turn == 1 and server._process is not None:
                server._process.kill()
            await process.wait()
            await sending
        process = await asyncio.create_subprocess_exec(*keeper)
        while not set(sent) <= handled():  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.02)
        process.kill()
        await process.wait()
        await bridge.close()
    await server.stop()
    assert len(sent) == 600
    assert set(sent) == handled()
