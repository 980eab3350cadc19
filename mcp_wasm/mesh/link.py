"""One connection after another to the servers of a mesh: made again for ever, looked after, let go of.

What is said over it is the business of ``connection``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence

import nats.errors

from mcp_wasm.errors import McpWasmError, MeshDenied, Unreachable
from mcp_wasm.mesh.client import Client
from mcp_wasm.mesh.options import Access, MeshOptions
from mcp_wasm.mesh.traffic import Status, What

_log = logging.getLogger(__name__)

_DENIED = re.compile(r"permissions violation for (publish|subscription) to \"([^\"]*)\"", re.IGNORECASE)

COUNTS = ("in_msgs", "in_bytes", "out_msgs", "out_bytes")
"""What a client counts, and what is added up over all of them."""


class Link:
    """The present client, if there is one; ``begin`` is awaited with each before it counts as there."""

    def __init__(
        self,
        options: MeshOptions,
        servers: Callable[[], Sequence[Access]],
        name: str,
        begin: Callable[[Client], Awaitable[None]],
        end: Callable[[], None],
    ) -> None:
        self.options = options
        self.client: Client | None = None
        self.up = asyncio.Event()
        self.reason = "the connection was not opened"
        self.observers: list[Callable[[Status], None]] = []
        self.reconnects = self.denied = self.dropped = self.failures = 0
        self.hearing: dict[tuple[str, str], set[asyncio.Future[None]]] = {}
        """Who waits for the word that it may not: by ``publish to`` or ``subscribe to``, and a subject."""
        self._servers, self._name, self._begin, self._end = servers, name, begin, end
        self._task: asyncio.Task[None] | None = None
        self._turn = 0
        self._past = dict.fromkeys(COUNTS, 0)

    @property
    def present(self) -> Client | None:
        """The client that what is sent goes to, None while there is none."""
        return self.client if self.up.is_set() else None

    def counted(self) -> dict[str, int]:
        """What all clients have counted."""
        if self.client is None:
            return dict(self._past)
        return {name: count + self.client.nats.stats[name] for name, count in self._past.items()}

    async def open(self, *, wait: bool) -> None:
        """See ``Connection.open``."""
        if wait:
            await self._connect_any()
        self._task = asyncio.create_task(self._keep(), name="NATS connection")

    async def ready(self, seconds: float) -> Client:
        """The client, once there is one.

        Raises:
            Unreachable: there was none within ``seconds``.
        """
        try:
            async with asyncio.timeout(seconds):
                while (client := self.present) is None:
                    await self.up.wait()
        except TimeoutError:
            raise Unreachable("NATS", self.reason) from None
        return client

    async def close(self, seconds: float) -> None:
        """End, and make no further client."""
        self.up.clear()
        self.reason = "the connection is closed"
        while self._task is not None and not self._task.done():
            self._task.cancel()  # again, since nats-py swallows some
            await asyncio.wait({self._task}, timeout=0.5)
        if self.client is not None:
            await self._let_go(self.client, seconds)

    async def complained(self, error: Exception) -> None:
        """What nats-py reports beside the calls: a callback that raised, a subscription that is too slow."""
        if isinstance(error, nats.errors.SlowConsumerError):
            self.dropped += 1
            self.say("slow", f"messages for {error.subject} are dropped: they are not handled fast enough")
        elif found := _DENIED.search(str(error)):
            self.denied += 1
            what = "publish to" if found[1].lower() == "publish" else "subscribe to"
            for future in self.hearing.get((what, found[2].lower()), ()):
                if not future.done():
                    future.set_result(None)
            self.say("denied", str(MeshDenied(what, found[2])))
        else:
            self.failures += 1
            _log.error("NATS: %s", error, exc_info=error)
            self.say("failed", f"{type(error).__name__}: {error}")

    @contextlib.contextmanager
    def denial(self, what: str, subject: str) -> Iterator[asyncio.Future[None]]:
        """Done when the server says that we may not: beside the calls, and in small letters."""
        key = (what, subject.lower())
        future = asyncio.get_running_loop().create_future()
        hearing = self.hearing.setdefault(key, set())
        hearing.add(future)
        try:
            yield future
        finally:
            hearing.discard(future)
            if not hearing:
                self.hearing.pop(key, None)

    def say(self, what: What, detail: str) -> None:
        """Tell the observers."""
        for observer in list(self.observers):
            observer(Status(what, detail))

    async def _keep(self) -> None:
        """Look after the connection, and make it again when it is lost, until cancelled."""
        patience = self.options.retry_first
        while True:
            if self.client is not None:
                self.reason = await self._until_lost(self.client)
                self.up.clear()
                await self._let_go(self.client, 0.5)
                self.client = None
                self.say("disconnected", self.reason)
                patience = self.options.retry_first
            try:
                await self._connect_any()
            except McpWasmError as error:
                self.reason = str(error)
                await asyncio.sleep(patience * random.uniform(0.5, 1))  # noqa: S311 - no secret
                patience = min(patience * 2, self.options.retry_most)
            else:
                self.reconnects += 1

    async def _until_lost(self, client: Client) -> str:
        while True:
            try:
                async with asyncio.timeout(self.options.ping):
                    await client.lost.wait()
                return "the connection was lost"
            except TimeoutError:
                pass
            try:
                async with asyncio.timeout(self.options.ping):
                    await client.flush()
            except TimeoutError:
                return f"the server has not answered for {self.options.ping:g} s"
            except Unreachable:
                return "the connection was lost"

    async def _connect_any(self) -> None:
        """Connect to one of the servers, beginning with another one each time."""
        servers = list(self._servers())
        errors: list[McpWasmError] = []
        for index in range(len(servers)):
            client = Client(servers[(self._turn + index) % len(servers)], self.complained)
            try:
                await self._start(client)
            except (McpWasmError, nats.errors.Error, OSError) as error:
                await client.close(0.5)
                errors.append(error if isinstance(error, McpWasmError) else Unreachable("NATS", str(error)))
            except BaseException:
                await client.close(0.5)
                raise
            else:
                self._turn += index
                return
        self._turn += 1
        raise errors[-1] if errors else Unreachable("NATS", "there is no server to connect to")

    async def _start(self, client: Client) -> None:
        await client.connect(self._name, self.options.connect)
        async with asyncio.timeout(self.options.connect):
            await self._begin(client)
        if not client.alive:
            raise Unreachable("NATS", "the connection was lost at once")
        self.client = client
        self.up.set()
        self.say("connected", client.access.url)

    async def _let_go(self, client: Client, seconds: float) -> None:
        self._end()
        for name in COUNTS:
            self._past[name] += client.nats.stats[name]
        await client.close(seconds)
