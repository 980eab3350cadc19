"""Agents: what a message costs, without and with a component, how many live in one process, and a restart."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.measure import percentile
from benchmarks.table import Row, bounded, seconds
from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, MailboxSpec, SupervisorSpec
from mcp_wasm.agents.component import ComponentHandler
from mcp_wasm.agents.effects import Effect, Reply
from mcp_wasm.agents.handler import Handler, Native, Situation
from mcp_wasm.agents.message import Message
from mcp_wasm.agents.node import Node
from mcp_wasm.agents.state import StoredState
from mcp_wasm.agents.targets import Targets
from mcp_wasm.errors import AgentFailed
from mcp_wasm.memory.in_memory import InMemory
from mcp_wasm.memory.protocol import Bounds
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.resident import Residents
from tests.agents.guests import component

_ROOMY = MailboxSpec(capacity=1_000_000)


class _Echo(Native):
    """Answers with what it was sent."""

    def one(self, _situation: Situation, message: Message) -> tuple[Effect, ...]:
        return (Reply(message.payload),) if message.kind == "request" else ()


class _Bench:
    """Nodes over one runtime."""

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        self.folder, self.runtime = folder, runtime
        self.file = component(folder)
        self.residents = Residents(4)
        self.targets = Targets(runtime)

    @asynccontextmanager
    async def node(self, *children: ChildSpec) -> AsyncIterator[Node]:
        """A node with these children; a component ``native`` is ``_Echo``."""

        def make(path: str, spec: AgentSpec) -> Handler:
            return (
                _Echo()
                if spec.component == "native"
                else ComponentHandler(self.runtime, self.residents, path, spec, self.targets)
            )

        state = StoredState(InMemory(Bounds()))
        node = Node("bench", make, state, self.runtime.services, self.folder)
        await node.start(SupervisorSpec(children, intensity=1_000_000))
        try:
            yield node
        finally:
            await node.stop()

    def wasm(self, id_: str, **spec: object) -> ChildSpec:
        """A child that runs the component."""
        return ChildSpec(id_, AgentSpec(self.file, load=(), mailbox=_ROOMY, **spec))  # type: ignore[arg-type]


def _native(id_: str) -> ChildSpec:
    return ChildSpec(id_, AgentSpec("native", load=(), mailbox=_ROOMY, batch=256))


async def _asked(node: Node, path: str, times: int) -> list[float]:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        await node.ask(path, "hello")
        taken.append(time.perf_counter() - begun)
    return taken


async def _a_second(node: Node, path: str, messages: int) -> float:
    """Messages a second, sent in bursts so that sender and agent take turns."""
    slot = node.slots.found(path)
    end = slot.handled + messages
    begun = time.perf_counter()
    for number in range(messages):
        node.tell(path, "hello")
        if number % 512 == 511:
            await asyncio.sleep(0)
    while slot.handled < end:  # noqa: ASYNC110 - an event for each would be measured too
        await asyncio.sleep(0.001)  # the worker needs the interpreter too
    return messages / (time.perf_counter() - begun)


async def _queue(times: int) -> tuple[float, float]:
    """The baseline: asyncio.Queue and a future, p50 of asking and messages a second."""
    queue: asyncio.Queue[tuple[str, asyncio.Future[str] | None]] = asyncio.Queue()

    async def serve() -> None:
        while True:
            text, answer = await queue.get()
            if answer is not None:
                answer.set_result(text)

    server = asyncio.create_task(serve())
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        queue.put_nowait(("x", answer))
        await answer
        taken.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    for _ in range(10 * times):
        queue.put_nowait(("x", None))
    while not queue.empty():  # noqa: ASYNC110 - as above
        await asyncio.sleep(0)
    rate = 10 * times / (time.perf_counter() - begun)
    server.cancel()
    return percentile(taken, 50), rate


async def _restarts(node: Node, path: str, times: int) -> list[float]:
    """From a trap to the next reply."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        try:
            await node.ask(path, "c")
        except AgentFailed:
            begun = time.perf_counter()
        await node.ask(path, "m")
        taken.append(time.perf_counter() - begun)
    return taken


def _resident() -> int:
    statm = Path(f"/proc/{os.getpid()}/statm").read_text(encoding="ascii")
    return int(statm.split()[1]) * resource.getpagesize()


async def _many(bench: _Bench, count: int, per: str) -> tuple[float, float, float]:
    """Seconds to start, bytes an agent, seconds to stop; with ``life`` each has an instance."""
    gc.collect()
    before = _resident()
    begun = time.perf_counter()
    children = [bench.wasm(f"a{n}", per=per) for n in range(count)]
    async with bench.node(*children) as node:
        if per == "life":
            for n in range(count):
                node.tell(f"a{n}", "hello")
            while any(slot.handled < 1 for slot in node.slots.values()):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        started = time.perf_counter() - begun
        gc.collect()
        each = (_resident() - before) / count
        begun = time.perf_counter()
    return started, each, time.perf_counter() - begun


async def _run(folder: Path, runtime: Runtime, *, quick: bool) -> dict[str, list[Row]]:
    times = 300 if quick else 5_000
    bench = _Bench(folder, runtime)
    try:
        baseline, baseline_rate = await _queue(times)
        async with bench.node(_native("native"), bench.wasm("fresh"), bench.wasm("life", per="life")) as node:
            for path in node.slots:
                await _asked(node, path, 50)
            native = percentile(await _asked(node, "native", times), 50)
            rate = await _a_second(node, "native", 20 * times)
            fresh = percentile(await _asked(node, "fresh", times), 50)
            life = percentile(await _asked(node, "life", times), 50)
            fresh_rate = await _a_second(node, "fresh", 4 * times)
            life_rate = await _a_second(node, "life", 8 * times)
            restart = percentile(await _restarts(node, "life", times // 10), 50)
        idle, live = (500, 100) if quick else (10_000, 1_000)
        started, each, stopped = await _many(bench, idle, "message")
        live_started, live_each, _ = await _many(bench, live, "life")
    finally:
        bench.residents.close()
    return {
        "Agents in one process": [
            bounded("ask a handler of Python, p50 (asyncio.Queue)", native, 50e-6, seconds(baseline)),
            _rate("messages to it a second (asyncio.Queue)", rate, 100_000, baseline_rate),
            bounded("ask a component, an instance for its life, p50", life, 200e-6),
            bounded("ask a component, an instance a message, p50", fresh, 200e-6),
            _rate("messages a second, an instance for its life", life_rate, 10_000),
            _rate("messages a second, an instance a message", fresh_rate),
            bounded("from a trap to the next reply, p50", restart, 1e-3),
            Row(f"{idle:,} idle agents: start, stop", f"{seconds(started)}", seconds(stopped)),
            Row(f"{idle:,} idle agents: memory an agent", f"{each / 1024:.1f} KiB"),
            Row(f"{live:,} agents with an instance each: start", seconds(live_started)),
            Row(f"{live:,} agents with an instance each: memory", f"{live_each / 1024:.1f} KiB"),
        ]
    }


def _rate(what: str, found: float, least: float = 0.0, baseline: float = 0.0) -> Row:
    reached = None if not least else found >= least
    target = f"≥ {least:,.0f}/s" if least else ""
    ratio = f"{found / baseline:.2f}×" if baseline else ""
    return Row(what, f"{found:,.0f}/s", f"{baseline:,.0f}/s" if baseline else "", ratio, target, reached)


def run(folder: Path, *, quick: bool) -> dict[str, list[Row]]:
    """The one table."""
    with Runtime(home=folder / "home") as runtime:
        return asyncio.run(_run(folder, runtime, quick=quick))
