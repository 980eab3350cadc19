"""A node's connection to NATS: made again for ever when it is lost, bounded in what it keeps meanwhile.

What it promises: a subscription is in force when ``subscribe`` returns, and again after a loss; what
is published while NATS is away waits, in order, up to a bound, and is refused beyond it. What was on
its way when a connection was lost may be lost (core NATS delivers at most once): what
must arrive goes through JetStream. Nothing here knows what the messages mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from nats.js import JetStreamContext

from mcp_wasm.errors import McpWasmError, MeshDenied, MessageRefused, NoReply, Unreachable
from mcp_wasm.mesh import options as mesh_options
from mcp_wasm.mesh.client import Client
from mcp_wasm.mesh.options import Access, MeshOptions
from mcp_wasm.mesh.traffic import Received, Statistics, Status, What

_log = logging.getLogger(__name__)

_EAGER = 256 * 1024
"""Bytes queued in the client above which a publisher lets others run; above its bound it waits."""

_OVERHEAD = 256
"""Bytes of a message beside its payload and headers: its command line, the header's first line."""

_LOST = (nats.errors.ConnectionClosedError, nats.errors.OutboundBufferLimitError)
_UNFIT = (nats.errors.BadSubjectError, nats.errors.BadHeaderError, nats.errors.MaxPayloadError)

_DENIED = re.compile(r"permissions violation for (publish|subscription) to \"([^\"]*)\"", re.IGNORECASE)

Callback = Callable[[Received], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Subscription:
    """A subscription that outlives the loss of a connection; ``stop`` ends it."""

    subject: str
    queue: str
    callback: Callback
    messages: int
    size: int
    _owner: Connection
    _current: NatsSubscription | None = None

    async def stop(self) -> None:
        """End it; what has come already and was not handled is dropped."""
        await self._owner._unsubscribe(self)

    async def _take(self, msg: Msg) -> None:
        await self.callback(Received(msg.subject, msg.data, msg.headers or {}, msg.reply))


@dataclass(frozen=True, slots=True)
class _Waiting:
    subject: str
    payload: bytes
    headers: dict[str, str] | None
    reply: str
    size: int


class Connection:
    """One node's connection. Belongs to the event loop on which it was opened.

    ``servers`` gives those to try, each time anew (the embedded server may have
    another port or password after a restart); by default those of the options.
    """

    def __init__(
        self,
        options: MeshOptions,
        servers: Callable[[], Sequence[Access]] | None = None,
        *,
        name: str = "mcp-wasm",
    ) -> None:
        self.options, self.name = options, name
        self._servers = servers or (lambda: mesh_options.access(options))
        self._client: Client | None = None
        self._ready = asyncio.Event()
        self._subscriptions: dict[Subscription, None] = {}
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._observers: list[Callable[[Status], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._reason = "the connection was not opened"
        self._turn = 0
        self._hearing: dict[tuple[str, str], set[asyncio.Future[None]]] = {}
        self._past = {"in_msgs": 0, "in_bytes": 0, "out_msgs": 0, "out_bytes": 0}
        self.reconnects = self.refused = self.denied = self.dropped = self.failures = 0

    @property
    def connected(self) -> bool:
        """Whether NATS is there, as far as is known."""
        return self._ready.is_set()

    @property
    def most_bytes(self) -> int:
        """Bytes that one message may have on this server, with its headers; 1 MiB where it is not known."""
        client = self._client
        return client.nats.max_payload if client is not None else 1024 * 1024

    @property
    def statistics(self) -> Statistics:
        """What went through so far."""
        now = dict(self._past)
        if self._client is not None:
            now = {name: count + self._client.nats.stats[name] for name, count in now.items()}
        return Statistics(
            self.connected,
            self._client.access.url if self._client is not None else "",
            now["in_msgs"],
            now["in_bytes"],
            now["out_msgs"],
            now["out_bytes"],
            self.reconnects,
            len(self._waiting),
            self._waiting_bytes,
            self.refused,
            self.denied,
            self.dropped,
            self.failures,
        )

    def observe(self, observer: Callable[[Status], None]) -> Callable[[], None]:
        """Have ``observer`` called, on the loop, with what happens; the result ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    async def open(self, *, wait: bool = True) -> None:
        """Connect, and go on connecting whenever that is lost.

        With ``wait`` False it returns at once, and connects when it can.

        Raises:
            Unreachable: with ``wait``, no server could be connected to; nothing goes on then.
        """
        if wait:
            await self._connect_any()
        self._task = asyncio.create_task(self._keep(), name="NATS connection")

    async def ready(self, seconds: float) -> None:
        """Wait until NATS is there.

        Raises:
            Unreachable: it was not within ``seconds``.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        except TimeoutError:
            raise Unreachable("NATS", self._reason) from None

    async def close(self, seconds: float = 3.0) -> None:
        """Send what waits, let callbacks that run end, and let go; all within about ``seconds``."""
        if self._closed:
            return
        self._closed = True
        client = self._client
        if client is not None and client.alive:
            with contextlib.suppress(TimeoutError, Unreachable, nats.errors.Error):
                async with asyncio.timeout(seconds / 2):
                    await client.settle()
        self._ready.clear()
        self._reason = "the connection is closed"
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._client is not None:
            await self._let_go(self._client, seconds / 2)

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        reply: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a message; returns when it is on its way, or waits in the buffer for NATS to come back.

        Raises:
            Unreachable: NATS is away and the buffer is full, or the connection is closed.
            MessageRefused: it is larger than the server takes, or a header or the subject cannot be sent.
        """
        size = self._check(subject, payload, reply, headers)
        message = _Waiting(subject, payload, None if headers is None else dict(headers), reply, size)
        client = self._client
        if client is not None and self.connected and client.alive:
            await self._room(client)
            if await self._send(client, message):
                return
        self._keep_waiting(message)

    async def request(
        self, subject: str, payload: bytes, seconds: float, *, headers: Mapping[str, str] | None = None
    ) -> Received:
        """Send a message and wait for its one answer.

        Raises:
            Unreachable: NATS is not there, or nobody takes ``subject``: it was not handled.
            NoReply: no answer within ``seconds``, or the connection was lost: it may have been handled.
            MeshDenied, MessageRefused: it may not be sent.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        await self.ready(seconds)
        client = self._client
        assert client is not None
        self._check(subject, payload, "", headers)
        given = None if headers is None else dict(headers)
        left = max(0.001, end - loop.time())
        asked = loop.create_task(client.nats.request(subject, payload, left, headers=given))
        lost = loop.create_task(client.lost.wait())
        try:
            with self._denial("publish to", subject) as denied:
                awaited: set[asyncio.Future[Any]] = {asked, lost, denied}
                await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                if denied.done():
                    raise MeshDenied("publish to", subject)
            if not asked.done():
                raise NoReply(subject, seconds)
            msg = asked.result()
        except nats.errors.NoRespondersError:
            raise Unreachable(subject, "nobody takes what is sent there") from None
        except nats.errors.TimeoutError:
            raise NoReply(subject, seconds) from None
        except _LOST:
            raise Unreachable(subject, "the connection to NATS was lost") from None
        except _UNFIT as error:
            raise MessageRefused("a message", "what NATS can send", str(error)) from None
        finally:
            lost.cancel()
            asked.cancel()
        return Received(msg.subject, msg.data, msg.headers or {}, msg.reply)

    async def subscribe(
        self,
        subject: str,
        callback: Callback,
        *,
        queue: str = "",
        messages: int = 65_536,
        size: int = 64 * 1024 * 1024,
    ) -> Subscription:
        """Have ``callback`` called for each message, one after the other, from now on.

        Of those that subscribe with the same ``queue`` one gets a message. Up to
        ``messages`` of ``size`` bytes wait for the callback; further ones are dropped and counted.
        While NATS is away this returns too, and holds from when it is back.

        Raises:
            MeshDenied: this user may not.
            MessageRefused: ``subject`` or ``queue`` is none.
        """
        made = Subscription(subject, queue, callback, messages, size, self)
        self._subscriptions[made] = None
        client = self._client
        if client is None or not self.connected:
            return made
        try:
            with self._denial("subscribe to", subject) as denied:
                await self._enter(client, made)
                await client.settle()
        except _UNFIT as error:
            del self._subscriptions[made]
            raise MessageRefused("a subscription", "a subject of NATS", f"{subject!r}: {error}") from None
        except (Unreachable, nats.errors.Error):
            return made  # lost meanwhile: it is entered again with the next connection
        except asyncio.CancelledError:
            await self._unsubscribe(made)
            raise
        if denied.done():
            await self._unsubscribe(made)
            raise MeshDenied("subscribe to", subject)
        return made

    async def jetstream(self, seconds: float = 5.0) -> JetStreamContext:
        """JetStream on the present connection; ask again after an error, and keep it no longer.

        Raises:
            Unreachable: NATS is not there within ``seconds``.
        """
        await self.ready(seconds)
        assert self._client is not None
        return self._client.nats.jetstream(timeout=seconds)

    async def flush(self) -> None:
        """Return when the server has taken all that was sent.

        Raises:
            Unreachable: it is not there.
        """
        if self._client is None or not self.connected:
            raise Unreachable("NATS", self._reason)
        await self._client.settle()

    # -- what is sent

    def _check(self, subject: str, payload: bytes, reply: str, headers: Mapping[str, str] | None) -> int:
        """About the bytes of a message: a server ends the connection of who sends a larger one."""
        size = len(payload) + _OVERHEAD + len(subject) + len(reply)
        size += sum(len(name) + len(value.encode()) + 4 for name, value in (headers or {}).items())
        if size > self.most_bytes:
            raise MessageRefused("a message", f"at most {self.most_bytes:,} bytes", f"{size:,}")
        return size

    async def _room(self, client: Client) -> None:
        """Wait while the client has too much queued, as long as the server is there and reads."""
        queued = client.nats.pending_data_size
        if queued > self.options.buffer:
            with contextlib.suppress(Unreachable):
                await client.flush()
        elif queued > _EAGER:
            await asyncio.sleep(0)

    async def _send(self, client: Client, message: _Waiting) -> bool:
        """Whether it went into the client. Never waits, so no cancellation is lost in it."""
        if not client.alive:
            return False
        try:
            await client.nats.publish(message.subject, message.payload, message.reply, message.headers)
        except (nats.errors.ConnectionClosedError, nats.errors.OutboundBufferLimitError):
            return False
        except (
            nats.errors.BadSubjectError,
            nats.errors.BadHeaderError,
            nats.errors.MaxPayloadError,
        ) as error:
            raise MessageRefused("a message", "what NATS can send", str(error)) from None
        return True

    def _keep_waiting(self, message: _Waiting) -> None:
        if self._closed:
            raise Unreachable(message.subject, "the connection to NATS is closed")
        if self._waiting_bytes + message.size > self.options.buffer:
            self.refused += 1
            raise Unreachable(
                message.subject,
                f"NATS is away ({self._reason}), and no more than {self.options.buffer:,} bytes wait for it",
            )
        self._waiting.append(message)
        self._waiting_bytes += message.size

    async def _send_waiting(self, client: Client) -> None:
        while self._waiting and client.alive:
            message = self._waiting[0]
            try:
                if not await self._send(client, message):
                    return
            except MessageRefused as error:
                self._say("failed", str(error))
            self._waiting.popleft()
            self._waiting_bytes -= message.size
            await self._room(client)

    # -- the connection itself

    async def _keep(self) -> None:
        """Look after the connection, and make it again when it is lost, until cancelled."""
        patience = self.options.retry_first
        while True:
            if self._client is not None:
                self._reason = await self._until_lost(self._client)
                self._ready.clear()
                await self._let_go(self._client, 0.5)
                self._client = None
                self._say("disconnected", self._reason)
                patience = self.options.retry_first
            try:
                await self._connect_any()
            except McpWasmError as error:
                self._reason = str(error)
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
            client = Client(servers[(self._turn + index) % len(servers)], self._complained)
            try:
                await self._begin(client)
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

    async def _begin(self, client: Client) -> None:
        await client.connect(self.name, self.options.connect)
        async with asyncio.timeout(self.options.connect):
            for each in list(self._subscriptions):
                await self._enter(client, each)
            await client.settle()
        await self._send_waiting(client)
        if not client.alive:
            raise Unreachable("NATS", "the connection was lost at once")
        self._client = client
        self._ready.set()
        # Subscribed while the others were being entered.
        for each in [each for each in self._subscriptions if each._current is None]:
            await self._enter(client, each)
        self._say("connected", client.access.url)

    async def _enter(self, client: Client, made: Subscription) -> None:
        made._current = await client.subscribe(made.subject, made.queue, made._take, made.messages, made.size)

    async def _unsubscribe(self, made: Subscription) -> None:
        self._subscriptions.pop(made, None)
        current, made._current = made._current, None
        if current is not None:
            with contextlib.suppress(nats.errors.Error):  # it is gone already, with its connection
                await current.unsubscribe()

    async def _let_go(self, client: Client, seconds: float) -> None:
        for each in self._subscriptions:
            each._current = None
        for name in self._past:
            self._past[name] += client.nats.stats[name]
        await client.close(seconds)

    async def _complained(self, error: Exception) -> None:
        """What nats-py reports beside the calls: a callback that raised, a subscription that is too slow."""
        if isinstance(error, nats.errors.SlowConsumerError):
            self.dropped += 1
            self._say("slow", f"messages for {error.subject} are dropped: they are not handled fast enough")
        elif found := _DENIED.search(str(error)):
            self.denied += 1
            what = "publish to" if found[1].lower() == "publish" else "subscribe to"
            for future in self._hearing.get((what, found[2]), ()):
                if not future.done():
                    future.set_result(None)
            self._say("denied", str(MeshDenied(what, found[2])))
        else:
            self.failures += 1
            _log.error("NATS: %s", error, exc_info=error)
            self._say("failed", f"{type(error).__name__}: {error}")

    @contextlib.contextmanager
    def _denial(self, what: str, subject: str) -> Iterator[asyncio.Future[None]]:
        """Done when the server says that we may not; it says so beside the calls."""
        future = asyncio.get_running_loop().create_future()
        hearing = self._hearing.setdefault((what, subject), set())
        hearing.add(future)
        try:
            yield future
        finally:
            hearing.discard(future)
            if not hearing:
                self._hearing.pop((what, subject), None)

    def _say(self, what: What, detail: str) -> None:
        for observer in list(self._observers):
            observer(Status(what, detail))
