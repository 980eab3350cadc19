"""The mesh: agents of two processes over NATS, durable messages, and how soon what died is there again.

The baseline is nats-py alone: a request to a callback in the other process that answers with what
it got, over the same server, in turns with ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from nats.aio.client import Client

from benchmarks import mesh_node
from benchmarks.measure import percentile
from benchmarks.table import Row, bounded, seconds
from mcp_wasm.agents import message as messages
from mcp_wasm.agents.child_spec import SupervisorSpec
from mcp_wasm.agents.node import Node
from mcp_wasm.errors import McpWasmError
from mcp_wasm.mesh import mesh
from mcp_wasm.mesh.leader import TERM
from mcp_wasm.mesh.mesh import Mesh
from mcp_wasm.mesh.server import Embedded
from tests.agents.guests import component
from tests.mesh import kills
from tests.mesh.servers import until

_AT_ONCE = 128
Ask = Callable[[], Awaitable[object]]


@contextlib.asynccontextmanager
async def process(*words: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """A module of ours in a process of its own, which has said its first line; it is killed in the end."""
    command = [sys.executable, "-m", *map(str, words)]
    made = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert made.stdout is not None
    try:
        await made.stdout.readline()
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            made.kill()
        await made.wait()


async def _p50(ask: Ask, times: int) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        await ask()
        taken.append(time.perf_counter() - begun)
    return percentile(taken, 50)


async def _in_turns(asks: dict[str, Ask], times: int, rounds: int = 5) -> dict[str, list[float]]:
    """The p50 of each, by rounds in which all have their turn."""
    found: dict[str, list[float]] = {name: [] for name in asks}
    for _ in range(rounds):
        for name, ask in asks.items():
            found[name].append(await _p50(ask, max(10, times // rounds)))
    return found


async def _a_second(ask: Ask, times: int, at_once: int = _AT_ONCE) -> float:
    """How many a second are done, with so many on their way."""
    left = times

    async def some() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await ask()

    begun = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(at_once)))
    return times / (time.perf_counter() - begun)


class _Bench:
    """Ours and nats-py alone, against the node ``there``."""

    def __init__(self, node: Node, mesh: Mesh, beside: Client, there: str) -> None:
        self.node, self.mesh, self.beside, self.there = node, mesh, beside, there

    async def plain(self) -> None:
        """A request of nats-py."""
        await self.beside.request(f"plain.{self.there}.echo", b'"hello"', 10)

    def asking(self, agent: str) -> Ask:
        """Asks an agent there, and waits for its answer."""
        return lambda: self.node.ask(f"{agent}@{self.there}", "hello")

    def telling(self, agent: str) -> Ask:
        """Sends to an agent there, until its mailbox has it: of a durable one, until it is stored."""

        async def tell() -> None:
            message = messages.new("client:bench", f"{agent}@{self.there}", '"hello"')
            work = self.node.deliver(message)
            assert work is not None
            await work

        return tell

    async def handled(self, agent: str) -> int:
        """Messages that an agent there has handled."""
        found = await self.beside.request(f"plain.{self.there}.handled", agent.encode(), 10)
        return int(found.data)

    async def told(self, agent: str, times: int) -> float:
        """Messages a second to an agent there, until it has handled them all."""
        end = await self.handled(agent) + times
        begun = time.perf_counter()
        await _a_second(self.telling(agent), times)
        while await self.handled(agent) < end:  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.002)
        return times / (time.perf_counter() - begun)


def _median(values: list[float]) -> float:
    return percentile(values, 50)


async def _speeds(bench: _Bench, times: int) -> list[Row]:
    asks: dict[str, Ask] = {
        "plain": bench.plain,
        "life": bench.asking("life"),
        "fresh": bench.asking("fresh"),
    }
    await _in_turns(asks, 200)
    asked = await _in_turns(asks, times)
    rates: dict[str, list[float]] = {"plain": [], "told": [], "asked": [], "stored": []}
    for _ in range(3):
        rates["plain"].append(await _a_second(bench.plain, 2 * times))
        rates["told"].append(await bench.told("life", 2 * times))
        rates["asked"].append(await _a_second(bench.asking("life"), 2 * times))
        rates["stored"].append(await bench.told("keeper", times))
    plain, rate = _median(asked["plain"]), _median(rates["plain"])
    rows = []
    for name, what in (("life", "an instance for its life"), ("fresh", "an instance a message")):
        ours = _median(asked[name])
        ratio = _median([a / b for a, b in zip(asked[name], asked["plain"], strict=True)])
        target = bounded("", ours, 1e-3)
        row = Row(f"ask a component of another process, {what}, p50", seconds(ours), seconds(plain))
        rows.append(Row(row.what, row.ours, row.baseline, f"{ratio:.2f}×", target.target, target.reached))
    for name, what, least in (
        ("told", f"messages to it a second until handled, {_AT_ONCE} on their way", 3000),
        ("asked", f"asks a second, {_AT_ONCE} on their way", 0),
        ("stored", f"durable messages a second until handled, {_AT_ONCE} on their way", 0),
    ):
        ours = _median(rates[name])
        ratio = _median([a / b for a, b in zip(rates[name], rates["plain"], strict=True)])
        target_, reached = (f"≥ {least:,}/s", ours >= least) if least else ("", None)
        rows.append(Row(what, f"{ours:,.0f}/s", f"{rate:,.0f}/s", f"{ratio:.2f}×", target_, reached))
    return rows


async def _server_back(bench: _Bench, server: Embedded) -> tuple[float, float]:
    """Seconds from the death of the server until this node is connected again, and to the next answer."""
    assert server.pid is not None
    begun = time.perf_counter()
    os.kill(server.pid, signal.SIGKILL)
    await until(lambda: not bench.mesh.connection.connected)
    await until(lambda: bench.mesh.connection.connected)
    connected = time.perf_counter() - begun
    while True:
        try:
            await bench.node.ask(f"life@{bench.there}", "hello", seconds=1)
        except McpWasmError:
            await asyncio.sleep(0.002)
        else:
            return connected, time.perf_counter() - begun


async def _next_leader(folder: Path, rounds: int) -> float:
    """Seconds from the death of a leading process to the first word of the next leader."""
    taken = []
    for turn in range(rounds):
        words = ("benchmarks.mesh_leader", folder)
        async with process(*words, f"one-{turn}") as one:
            command = [sys.executable, "-m", words[0], str(folder), f"other-{turn}"]
            other = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            assert other.stdout is not None
            try:
                await other.stdout.readline()
                word = asyncio.create_task(other.stdout.readline())
                begun = time.perf_counter()
                one.kill()
                await word
                taken.append(time.perf_counter() - begun)
            finally:
                other.kill()
                await other.communicate()
    return _median(taken)


async def _deaths(bench: _Bench, server: Embedded, rounds: int) -> list[Row]:
    found = [await _server_back(bench, server) for _ in range(rounds)]
    leader = await _next_leader(server.places.folder, max(1, rounds // 2))
    return [
        Row("server killed: connected again, median", seconds(_median([a for a, _ in found]))),
        Row("server killed: next answer of an agent there, median", seconds(_median([b for _, b in found]))),
        Row(f"leader killed: the next leads (a term is {TERM:g} s), median", seconds(leader)),
    ]


async def _kills(folder: Path, *, quick: bool) -> list[Row]:
    """Durable messages to three workers, which are killed meanwhile, and the server too."""
    count, workers, servers = (500, 2, 1) if quick else (10_000, 8, 4)
    told = await kills.run(folder, count, workers=3, worker_kills=workers, server_kills=servers)
    lost = told.acknowledged - told.handled
    what = f"{told.acknowledged:,} acknowledged, {workers} kill -9 of workers, {servers} of the server"
    return [
        Row(f"{what}: lost", str(lost), target="0", reached=lost == 0),
        Row("handled more than once", str(told.twice)),
        Row("dead letters", str(told.dead), target="0", reached=told.dead == 0),
        Row("from the first to the last handled", seconds(told.seconds)),
    ]


async def _run(folder: Path, kills_in: Path, *, quick: bool) -> dict[str, list[Row]]:
    times = 300 if quick else 3_000
    component(folder)
    async with contextlib.AsyncExitStack() as stack:
        server = Embedded(folder / "mesh" / mesh.FOLDER / "nats")
        await server.start()
        stack.push_async_callback(server.stop)
        tree = SupervisorSpec(())
        joined, node = await stack.enter_async_context(mesh_node.living(folder, "here", tree))
        await stack.enter_async_context(process("benchmarks.mesh_node", folder, "there"))
        (access,) = server.access()
        beside = await mesh_node.plain(access)
        stack.push_async_callback(beside.close)
        bench = _Bench(node, joined, beside, "there")
        await until(lambda: joined.directory.locate("keeper", "there"))
        speeds = await _speeds(bench, times)
        deaths = await _deaths(bench, server, 3 if quick else 9)
    return {
        "Agents of two processes, over NATS (baseline: requests of nats-py alone)": speeds,
        "What died": deaths,
        "Durable messages": await _kills(kills_in, quick=quick),
    }


def run(folder: Path, *, quick: bool) -> dict[str, list[Row]]:
    """The tables."""
    own, kills_in = folder / "mesh-part", folder / "mesh-kills"
    own.mkdir()
    kills_in.mkdir()
    return asyncio.run(_run(own, kills_in, quick=quick))
