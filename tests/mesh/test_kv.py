"""State in NATS KV beyond what every store does: several processes, and a server that dies."""

from __future__ import annotations

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from mcp_wasm.errors import StateOverdue, StateRefused, StateUnavailable
from mcp_wasm.memory.protocol import Bounds, Until
from mcp_wasm.mesh.kv import NatsKv
from mcp_wasm.mesh.options import EmbeddedOptions, MeshOptions
from mcp_wasm.mesh.server import Embedded
from tests.memory.stores import Patience
from tests.mesh.servers import QUICK, Connect

pytestmark = pytest.mark.anyio


async def test_what_was_written_survives_a_kill_of_the_server(server: Embedded) -> None:
    def work() -> None:
        with closing(NatsKv(MeshOptions(**QUICK), server.access)) as store:
            store.set_many("b", [("k", b"1"), ("l", b"2")])
            version = store.entry("b", "k").version
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            assert store.get_many("b", ["k", "l"]) == [b"1", b"2"]
            assert store.swap("b", "k", version, b"3") is None
            assert store.usage("b").keys == 2

    await asyncio.to_thread(work)


async def test_stores_of_two_processes_lose_nothing_and_keep_one_bound(server: Embedded) -> None:
    """Two stores with connections of their own are what two processes are to the server."""

    def work() -> None:
        bounds = Bounds(keys=8)
        options = MeshOptions(**QUICK)
        with (
            closing(NatsKv(options, server.access, bounds, storage="memory")) as one,
            closing(NatsKv(options, server.access, bounds, storage="memory")) as other,
        ):
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda s: [s.increment("b", "n", 1) for _ in range(20)], (one, other)))
            assert one.get("b", "n") == other.get("b", "n") == b"40"
            taken = []
            for number in range(10):
                store = (one, other)[number % 2]
                try:
                    store.set("b", f"k{number}", b"")
                except StateRefused:
                    continue
                taken.append(number)
            assert len(taken) == 7
            assert one.clear("b") == 8
            assert other.list_keys("b").keys == ()

    await asyncio.to_thread(work)


async def test_what_is_no_state_of_ours_is_not_reached_by_a_name(server: Embedded, connect: Connect) -> None:
    one = await connect(server)
    heard = []

    async def hear(message: object) -> None:
        heard.append(message)

    await one.subscribe("secret.>", hear)

    def work() -> None:
        with closing(NatsKv(MeshOptions(**QUICK), server.access, storage="memory")) as store:
            for name in (">", "*", "a.b", "secret.x", "x y", "é", "$KV", "x" * 128):
                store.set(name, name, name.encode())
                assert store.list_keys(name).keys == (name,)
                assert store.get(name, name) == name.encode()
            assert store.list_keys("a").keys == ()

    await asyncio.to_thread(work)
    assert heard == []


def test_a_server_that_is_not_there_is_waited_for_as_long_as_the_caller_does() -> None:
    with closing(NatsKv(MeshOptions(urls=("nats://127.0.0.1:9",), **QUICK))) as store:
        patience: Until = Patience(left=4)
        with pytest.raises(StateOverdue):
            store.get("b", "k", until=patience)
    with pytest.raises(StateUnavailable, match="closed"):
        store.get("b", "k")


async def test_a_server_that_puts_each_write_on_disk_keeps_state_as_others_do(tmp_path: Path) -> None:
    server = Embedded(tmp_path / "nats", EmbeddedOptions(sync="full"))
    await server.start()

    def work() -> None:
        with closing(NatsKv(MeshOptions(**QUICK), server.access)) as store:
            store.set_many("b", [("k", b"1"), ("l", b"2")])
            assert store.delete("b", "l")
            assert store.get_many("b", ["k", "l"]) == [b"1", None]

    await asyncio.to_thread(work)
    await server.stop()
