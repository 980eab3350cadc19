"""Durable messages to workers in other processes, which are killed meanwhile, and their NATS server too.

Used by a test at a small scale and by the benchmarks at the full one. A kill comes when so many messages
were acknowledged as a random number of a fixed seed says: in the midst of others that are on their way.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import nats.errors

from mcp_wasm.agents import message as messages
from mcp_wasm.errors import Unreachable
from mcp_wasm.mesh.boxes import Boxes
from mcp_wasm.mesh.bridge import Bridge
from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.identity import Identity, keep_mesh_key
from mcp_wasm.mesh.mesh import FOLDER, Joined, Mesh
from mcp_wasm.mesh.server import Embedded
from tests.agents.guests import ROOT, component
from tests.mesh.kills_child import AGENT, OPTIONS
from tests.mesh.nodes import when
from tests.mesh.servers import until

_LINE = re.compile(r'"k(\d+)"')


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the messages: how many were acknowledged, handled at all, and more than once.

    ``again`` is how often one had to be sent again, since it was not acknowledged; ``seconds`` is from the
    first send until nothing waited.
    """

    acknowledged: int
    handled: int
    lost: int
    twice: int
    dead: int
    again: int
    workers_killed: int
    servers_killed: int
    seconds: float


class Workers:
    """Processes that are there again when they were killed."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self._folder, self._names = folder, names
        self._living: dict[str, asyncio.subprocess.Process] = {}
        self._keeping: list[asyncio.Task[None]] = []
        self._ready = {name: asyncio.Event() for name in names}

    async def __aenter__(self) -> Workers:
        self._keeping = [asyncio.create_task(self._keep(name)) for name in self._names]
        for ready in self._ready.values():
            await ready.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        for made in self._living.values():
            with contextlib.suppress(ProcessLookupError):
                made.kill()
            await made.communicate()

    def kill(self, chance: random.Random) -> bool:
        """Kill -9 one that lives; whether there was one."""
        living = [name for name in self._names if name in self._living]
        if not living:
            return False
        self._living.pop(chance.choice(living)).kill()
        return True

    async def _keep(self, name: str) -> None:
        while True:
            command = [sys.executable, "-m", "tests.mesh.kills_child", str(self._folder), name]
            pipe = asyncio.subprocess.PIPE
            made = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
            assert made.stdout is not None
            self._living[name] = made
            if await made.stdout.readline():
                self._ready[name].set()
            await made.wait()


@contextlib.asynccontextmanager
async def sender(folder: Path) -> AsyncIterator[tuple[Bridge, Embedded]]:
    """The node that sends, and the server, which is its child."""
    server = Embedded(folder / "mesh" / FOLDER / "nats")
    await server.start()
    keys = folder / "mesh" / FOLDER / OPTIONS.mesh
    connection = Connection(OPTIONS, server.access)
    await connection.open()
    who = Identity("sender", keys, keep_mesh_key(keys, None))
    mesh = Mesh(Joined(who, OPTIONS), connection)
    await mesh.start()
    bridge = Bridge(mesh)
    await bridge.start(lambda _delivery: None)
    try:
        yield bridge, server
    finally:
        await bridge.close()
        await mesh.close()
        await connection.close(1)
        await server.stop()


class Run:
    """One run: ``count`` messages, ``kills`` of workers and of the server."""

    def __init__(self, bridge: Bridge, server: Embedded, workers: Workers, seed: int) -> None:
        self._bridge, self._server, self._workers = bridge, server, workers
        self._chance = random.Random(seed)
        self._acknowledged = self._again = 0
        self._killed: Counter[str] = Counter()

    async def send(self, count: int, worker_kills: int, server_kills: int, at_once: int) -> None:
        """Send all, each until it is acknowledged."""
        kinds = ["worker"] * worker_kills + ["server"] * server_kills
        self._chance.shuffle(kinds)
        moments = sorted(self._chance.sample(range(count // 20, count * 19 // 20), len(kinds)))
        plan = list(zip(moments, kinds, strict=True))
        numbers = iter(range(count))

        async def some() -> None:
            for number in numbers:
                await self._sent(messages.new("client:sender", AGENT, f'"k{number}"'))
                self._acknowledged += 1
                while plan and self._acknowledged >= plan[0][0]:
                    await self._kill(plan.pop(0)[1])

        await asyncio.gather(*(some() for _ in range(at_once)))

    async def _sent(self, message: messages.Message) -> None:
        while True:
            try:
                await self._bridge.send(message, durable=False)
            except Unreachable:
                self._again += 1
            else:
                return

    async def _kill(self, kind: str) -> None:
        if kind == "server":
            await until(lambda: self._server.pid)  # it is being started again
            assert self._server.pid is not None
            os.kill(self._server.pid, signal.SIGKILL)
        else:
            await until(lambda: self._workers.kill(self._chance))
        self._killed[kind] += 1

    async def empty(self) -> None:
        """Until nothing waits in any mailbox."""
        boxes = Boxes(self._bridge.mesh)
        while True:
            with contextlib.suppress(Unreachable, nats.errors.Error):  # the server may be away
                js = await self._bridge.mesh.connection.jetstream()
                if not (await js.stream_info(boxes.stream)).state.messages:
                    return
            await asyncio.sleep(0.02)

    async def told(self, folder: Path, count: int, seconds: float) -> Told:
        """What the journals say."""
        found = _journals(folder)
        dead = await Boxes(self._bridge.mesh).dead(count)
        return Told(
            acknowledged=self._acknowledged,
            handled=len(found),
            lost=len(set(range(count)) - set(found)),
            twice=sum(times > 1 for times in found.values()),
            dead=len(dead),
            again=self._again,
            workers_killed=self._killed["worker"],
            servers_killed=self._killed["server"],
            seconds=seconds,
        )


def _journals(folder: Path) -> Counter[int]:
    """How often each message was handled."""
    texts = [journal.read_text(encoding="ascii") for journal in folder.glob("journal-*")]
    matches = [_LINE.fullmatch(line) for text in texts for line in text.splitlines()]
    return Counter(int(match[1]) for match in matches if match)


async def run(  # noqa: PLR0917 - the numbers of a run
    folder: Path,
    count: int,
    workers: int,
    worker_kills: int,
    server_kills: int,
    at_once: int = 64,
    seed: int = 5,
) -> Told:
    """Do it, in an empty ``folder``."""
    component(folder)
    async with (
        sender(folder) as (bridge, server),
        Workers(folder, tuple(f"w{n}" for n in range(workers))) as living,
    ):
        await when(bridge.mesh, lambda: bridge.mesh.directory.locate(AGENT) is not None)
        one = Run(bridge, server, living, seed)
        begun = time.monotonic()
        await one.send(count, worker_kills, server_kills, at_once)
        await one.empty()
        return await one.told(folder, count, time.monotonic() - begun)
