"""A store in NATS KV: state that every node of a mesh sees. The protocol is ``memory.protocol``'s.

Its methods are called from any thread; one thread of its own has the connection and does what
they ask, so that no caller needs an event loop. Where NATS is away a call waits for as long as
its caller does, ten seconds at most, and is then ``StateUnavailable``.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent import futures
from dataclasses import replace
from typing import Any, TypeVar

from mcp_wasm.errors import CallerError, McpWasmError, StateOverdue, StateUnavailable
from mcp_wasm.memory import changes, protocol
from mcp_wasm.memory.protocol import PATIENT, Bounds, Entry, Page, Until, Usage
from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.kv_change import Bucket, Draft, entry
from mcp_wasm.mesh.kv_stream import MOST_PARTS, Storage, Stream, decoded
from mcp_wasm.mesh.options import Access, MeshOptions
from mcp_wasm.mesh.server import Embedded

_T = TypeVar("_T")

_SLICE = 0.02
"""The longest single wait, in seconds: a caller's cancellation has no event."""

_SECONDS = 10.0
"""How long NATS may take for one answer."""

_TRIES = 1000
"""How often a change is begun anew since others were quicker: each time one of them was done."""

BATCH = MOST_PARTS - 2
"""Keys of one change: two more parts are the accounts."""


class NatsKv:
    """A ``Store`` in the stream of ``options.mesh``; ``servers`` as for ``Connection``.

    With neither ``servers`` nor ``options.urls`` it uses the embedded server in ``options.folder``, or starts
    it. ``storage`` is where the server keeps it, see ``kv_stream.Stream``; who makes the stream decides.
    """

    def __init__(
        self,
        options: MeshOptions,
        servers: Callable[[], Sequence[Access]] | None = None,
        bounds: Bounds | None = None,
        *,
        name: str = "state",
        storage: Storage = "file",
    ) -> None:
        wanted = bounds or Bounds()
        self.bounds = replace(wanted, batch=min(wanted.batch, BATCH))
        self._embedded: Embedded | None = None
        if servers is None and not options.urls:
            if options.folder is None:
                raise CallerError(
                    "State in NATS: expected a URL of NATS or a folder for its data, got neither"
                )
            self._embedded = Embedded(options.folder, options.embedded)
            servers = self._embedded.access
        self._failed: McpWasmError | None = None
        self._options, self._servers, self._storage = options, servers, storage
        self._name = f"mw_{options.mesh}_{name}"
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stream: Stream | None = None
        self._writing: asyncio.Lock | None = None
        self._closed = False

    def get(self, bucket: str, key: str, *, until: Until = PATIENT) -> bytes | None:
        """See ``Store``."""
        return self.entry(bucket, key, until=until).value

    def entry(self, bucket: str, key: str, *, until: Until = PATIENT) -> Entry:
        """See ``Store``."""
        return self._read(bucket, [key], until)[0]

    def exists(self, bucket: str, key: str, *, until: Until = PATIENT) -> bool:
        """See ``Store``."""
        return self.get(bucket, key, until=until) is not None

    def get_many(self, bucket: str, keys: Sequence[str], *, until: Until = PATIENT) -> list[bytes | None]:
        """See ``Store``."""
        protocol.check_batch(self.bounds, len(keys))
        found = [each.value for each in self._read(bucket, keys, until)]
        protocol.check_batch(self.bounds, 0, sum(len(value or b"") for value in found))
        return found

    def list_keys(
        self,
        bucket: str,
        prefix: str = "",
        *,
        after: str | None = None,
        most: int | None = None,
        until: Until = PATIENT,
    ) -> Page:
        """See ``Store``; it costs as much as the bucket has keys."""
        begin, last, count = protocol.check_list(self.bounds, prefix, after, most)
        words = self._do(bucket, until, Bucket.keys)
        keys = sorted(
            key for key in map(decoded, words) if key.startswith(begin) and (last is None or key > last)
        )
        return protocol.page(keys, count)

    def usage(self, bucket: str, *, until: Until = PATIENT) -> Usage:
        """See ``Store``."""
        return self._do(bucket, until, Bucket.account)[2]

    def set(self, bucket: str, key: str, value: bytes, *, until: Until = PATIENT) -> None:
        """See ``Store``."""
        self._change(
            bucket, [key], until, lambda draft: changes.set_one(draft, self.bounds, bucket, key, value)
        )

    def set_many(self, bucket: str, items: Sequence[tuple[str, bytes]], *, until: Until = PATIENT) -> None:
        """See ``Store``."""
        protocol.check_batch(self.bounds, len(items), sum(len(value) for _, value in items))
        keys = [key for key, _ in items]
        self._change(bucket, keys, until, lambda draft: changes.set_many(draft, self.bounds, bucket, items))

    def delete(self, bucket: str, key: str, *, until: Until = PATIENT) -> bool:
        """See ``Store``."""
        return self.delete_many(bucket, [key], until=until) == 1

    def delete_many(self, bucket: str, keys: Sequence[str], *, until: Until = PATIENT) -> int:
        """See ``Store``."""
        protocol.check_batch(self.bounds, len(keys))
        return self._change(
            bucket, keys, until, lambda draft: changes.delete_many(draft, self.bounds, bucket, keys)
        )

    def clear(self, bucket: str, *, until: Until = PATIENT) -> int:
        """See ``Store``."""
        return self._change(bucket, [], until, lambda draft: changes.clear(draft, bucket))

    def swap(
        self, bucket: str, key: str, version: int, value: bytes | None, *, until: Until = PATIENT
    ) -> Entry | None:
        """See ``Store``."""
        return self._change(
            bucket,
            [key],
            until,
            lambda draft: changes.swap(draft, self.bounds, bucket, key, version, value=value),
        )

    def increment(
        self,
        bucket: str,
        key: str,
        delta: int,
        *,
        least: int = -(2**63),
        most: int = 2**63 - 1,
        until: Until = PATIENT,
    ) -> int:
        """See ``Store``."""
        within = (least, most)
        return self._change(
            bucket,
            [key],
            until,
            lambda draft: changes.increment(draft, self.bounds, bucket, key, delta, within=within),
        )

    def close(self) -> None:
        """Let the connection go and end the thread."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
            loop = self._loop
        if thread is not None and loop is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def _read(self, bucket: str, keys: Sequence[str], until: Until) -> list[Entry]:
        wanted = [protocol.check_key(self.bounds, key) for key in keys]
        distinct = list(dict.fromkeys(wanted))
        _, found = self._do(bucket, until, lambda of: of.entries(distinct))
        return [entry(found[key]) for key in wanted]

    def _change(self, bucket: str, keys: Sequence[str], until: Until, work: Callable[[Draft], _T]) -> _T:
        wanted = list(dict.fromkeys(protocol.check_key(self.bounds, key) for key in keys))

        async def change(of: Bucket) -> _T:
            assert self._writing is not None
            for _ in range(_TRIES):
                async with self._writing:  # those of this process one after the other
                    done, result = await of.change(wanted, work)
                if done:
                    return result
                await asyncio.sleep(random.uniform(0, 0.005))  # noqa: S311 - no secret
            raise StateUnavailable(f"NATS KV {self._name}", "others change it all the time")

        return self._do(bucket, until, change)

    def _do(self, bucket: str, until: Until, work: Callable[[Bucket], Coroutine[Any, Any, _T]]) -> _T:
        protocol.check_bucket(bucket)
        if until.due():
            raise StateOverdue

        loop = self._running()

        async def done() -> _T:
            assert self._stream is not None
            await self._stream.make()
            return await work(Bucket(self._stream, bucket))

        waiting = asyncio.run_coroutine_threadsafe(done(), loop)
        while True:
            try:
                return waiting.result(_SLICE)
            except futures.CancelledError:
                raise StateUnavailable(f"NATS KV {self._name}", "it is closed") from None
            except TimeoutError:
                if until.due():
                    waiting.cancel()
                    raise StateOverdue from None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise StateUnavailable(f"NATS KV {self._name}", "it is closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                begun = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._loop, begun), name="mcp-wasm NATS KV", daemon=True
                )
                self._thread.start()
                begun.wait()
            if self._failed is not None:
                raise StateUnavailable(f"NATS KV {self._name}", str(self._failed))
            return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop, begun: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        connection = Connection(self._options, self._servers, name="mcp-wasm state")
        self._stream = Stream(connection, self._name, _SECONDS, self._storage)
        self._writing = asyncio.Lock()
        try:
            if self._embedded is not None:
                loop.run_until_complete(self._embedded.start())
            loop.run_until_complete(connection.open(wait=False))
        except McpWasmError as error:
            self._failed = error
        begun.set()
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(connection.close(1))
            if self._embedded is not None:
                loop.run_until_complete(self._embedded.stop())
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_default_executor())  # whose thread would go some time later
            loop.close()
