"""HTTP requests for guests: one event loop on one thread, and connections that no two calls share.

Sits on httpcore2, the transport of httpx2, which the MCP SDK brings. What httpx2
adds on top is what must not happen here: default headers, cookies, redirects,
proxies from the environment, decoding, and addresses normalised a second time.
The host interface that uses this is synchronous and holds ``Future``s.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpcore2

from mcp_wasm.capability.grant import Network as Grant
from mcp_wasm.sandbox.network.exchange import exchange
from mcp_wasm.sandbox.network.message import Answer, Request
from mcp_wasm.sandbox.network.pinned import Dial, Pinned, dial
from mcp_wasm.sandbox.network.resolve import Resolve, few_at_once, system

_T = TypeVar("_T")

CONNECTIONS = 16
"""Connections of one call under one grant; further requests wait for one."""
_IDLE, _IDLE_SECONDS = 4, 5.0
_RESOLVERS = 16
_LOOK = 0.02
"""Seconds between two looks at the files that a guest writes."""
_BLOCK = 65_536
"""Bytes that a file may take on the disk beyond its own."""
_ENDING = 5.0
"""Seconds that cancelled requests have to let go of their connections and files."""


class Client:
    """The network of one runtime. Its thread starts with the first request and is joined by ``close``.

    ``resolve`` and ``dial`` are how names become addresses and addresses become
    connections, ``tls`` what certificates are checked against (None: the
    system's authorities), ``pauses`` those of tries and circuit breakers.
    """

    def __init__(
        self,
        resolve: Resolve | None = None,
        dial: Dial = dial,
        tls: ssl.SSLContext | None = None,
        pauses: Any = None,
    ) -> None:
        self._resolvers = ThreadPoolExecutor(_RESOLVERS, "mcp-wasm resolver")
        self._resolve, self._dial = resolve or system(self._resolvers), dial
        self._tls, self._pauses = tls, pauses
        self._breakers: Any = None
        self._resolves: dict[str, Resolve] = {}
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self.sessions: set[Session] = set()

    def session(self) -> Session:
        """The requests of one call."""
        return Session(self)

    def submit(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        """Run ``work`` on the network's thread.

        Raises:
            RuntimeError: after ``close``.
        """
        with self._starting:
            if self._closed:
                work.close()
                raise RuntimeError("the network is closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._run, name="mcp-wasm network", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _run(self) -> None:
        assert self._loop is not None
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        ending = [session.end() for session in list(self.sessions)]
        self._loop.run_until_complete(asyncio.gather(*ending, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def pool(self, grant: Grant, component: str) -> httpcore2.AsyncConnectionPool:
        """A new pool of connections of a component under ``grant``."""
        resolve = self._resolves.setdefault(component, few_at_once(self._resolve))
        if self._tls is None:
            self._tls = httpcore2.default_ssl_context()
        return httpcore2.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=CONNECTIONS,
            max_keepalive_connections=_IDLE,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=Pinned(grant, resolve, self._dial),
        )

    async def send(self, pool: httpcore2.AsyncConnectionPool, request: Request) -> Answer:
        """Send ``request``, as often and as long as its grant says.

        Raises:
            Failure: if it failed.
        """
        if not request.grant.retries and not request.grant.breaker:
            return await exchange(pool, request)
        # Most grants ask for neither, and the two libraries take a tenth of a second to load.
        from mcp_wasm.sandbox.network import again

        pauses = self._pauses or again.Pauses()
        if self._breakers is None:
            self._breakers = again.Breakers(pauses)
        breakers = self._breakers

        async def once() -> Answer:
            return await exchange(pool, request)

        async def guarded() -> Answer:
            answer: Answer = await breakers.guard(request, once)
            return answer

        return await again.retrying(request, guarded if request.grant.breaker else once, pauses)

    def close(self) -> None:
        """Cancel what is under way and join the thread."""
        with self._starting:
            self._closed = True
            loop, thread = self._loop, self._thread
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
        # A resolver that still waits for an answer ends by itself; nobody waits for it.
        self._resolvers.shutdown(wait=False, cancel_futures=True)


class Session:
    """The requests of one call and their connections, all of them gone after ``close``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._pools: dict[Grant, httpcore2.AsyncConnectionPool] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watched: dict[Path, int] = {}
        self._overran: set[Path] = set()

    def start(self, request: Request) -> Future[Answer]:
        """Begin ``request``; the future's exception is a ``Failure``, and cancelling it ends the request."""
        self._client.sessions.add(self)
        return self._client.submit(self._send(request))

    def watch(self, path: Path, limit: int) -> None:
        """Keep the file at ``path``, to which a guest writes as it likes, near ``limit`` bytes until the end.

        The engine asks nobody before it writes: what is written between two looks is the overshoot.
        """
        self._client.sessions.add(self)
        first = not self._watched
        self._watched[path] = limit
        if first:
            self._client.submit(self._watch())

    def overran(self, path: Path) -> bool:
        """Whether a watched file ever had more bytes than it may."""
        return path in self._overran

    async def _watch(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        while True:
            for path, limit in list(self._watched.items()):
                with contextlib.suppress(OSError):
                    if path.stat().st_blocks * 512 > limit + _BLOCK:
                        self._overran.add(path)
                        os.truncate(path, 0)
            await asyncio.sleep(_LOOK)

    async def _send(self, request: Request) -> Answer:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            pool = self._pools.get(request.grant)
            if pool is None:
                pool = self._pools[request.grant] = self._client.pool(request.grant, request.component)
            return await self._client.send(pool, request)
        finally:
            self._tasks.discard(task)

    def close(self) -> None:
        """Cancel every request that is under way and close every connection."""
        if self in self._client.sessions:
            self._client.sessions.discard(self)
            try:
                self._client.submit(self.end()).result(_ENDING * 2)
            except (RuntimeError, TimeoutError):
                return  # the network is closed, and everything with it

    async def end(self) -> None:
        """``close``, on the network's thread."""
        # A request that was submitted just now begins before this continues.
        await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_ENDING)
        for pool in self._pools.values():
            await pool.aclose()
