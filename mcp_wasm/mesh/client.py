"""One nats-py client for one attempt, with what is known to go wrong in nats-py 2.16 kept from doing harm.

Only this module and ``connection`` touch the client. A client connects once and is never
reconnected by nats-py: its own reconnecting gives up for good on some errors and waits for ever on
others. Whoever uses it makes a new one. The private names used here are of the pinned version.

Known, each with a test: a PING overtakes a SUB that is still queued (so one flush says nothing of a
subscription: ``settle`` flushes twice); a PONG that comes after its flush gave up ends the reading
loop (so no flush gives up); publishing swallows a cancellation while it waits (so it never waits);
closing can wait for ever for a server that stopped reading, and leaves subscriptions behind when
there was something to send; where a server offers no TLS the password is sent without it.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

import nats.aio.client
import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from mcp_wasm.errors import MeshMissing, Unreachable
from mcp_wasm.mesh.options import Access, Tls

_NEVER = 10**9
"""Seconds: longer than anything runs."""

UNFIT = (nats.errors.BadSubjectError, nats.errors.BadHeaderError, nats.errors.MaxPayloadError)
"""What nats-py raises for a message or a subject that cannot be sent."""

OnError = Callable[[Exception], Coroutine[Any, Any, None]]


class _Nats(nats.aio.client.Client):
    """Signs in only where the connection is as secure as it was asked to be."""

    secure = False

    def _connect_command(self) -> bytes:
        if self.secure and not self._server_info.get("tls_required"):
            raise nats.errors.Error("it offers no TLS, and without it nothing may be sent there")
        return super()._connect_command()


class Client:
    """A connection to one server, until it is lost. ``lost`` is set when it is."""

    def __init__(self, access: Access, on_error: OnError) -> None:
        self.access = access
        self.lost = asyncio.Event()
        self.nats = _Nats()
        self.nats.secure = access.secure
        self._on_error = on_error
        self._failure: Exception | None = None
        self._flushes: set[asyncio.Task[None]] = set()
        self._asked: set[asyncio.Future[Msg | None]] = set()
        self._tokens = itertools.count(1)

    @property
    def alive(self) -> bool:
        """Whether it is connected, as far as is known."""
        return not self.lost.is_set() and self.nats.is_connected

    async def connect(self, name: str, seconds: float) -> None:
        """Connect and sign in.

        Raises:
            Unreachable: it could not be done within ``seconds``; why is in it.
            MeshMissing: WebSocket needs a package that is not installed.
        """
        access = self.access
        try:
            options = await asyncio.to_thread(_options, access)
            async with asyncio.timeout(seconds):
                await self.nats.connect(
                    access.url,
                    name=name,
                    inbox_prefix=access.inbox,
                    error_cb=self._failed,
                    disconnected_cb=self._park,
                    closed_cb=self._gone,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=seconds,  # type: ignore[arg-type] # it takes fractions
                    ping_interval=_NEVER,  # the connection looks after that
                    pending_size=0,  # with a bound it waits inside of publish
                    **options,
                )
        except TimeoutError:
            await self.close(0.5)
            raise self._unreachable(f"no answer within {seconds:g} s") from None
        except ImportError:
            raise MeshMissing("aiohttp") from None
        except Exception as error:
            # nats-py passes on whatever its parts raise: OSError, its own errors, those of aiohttp, ssl and
            # nkeys, KeyError, ValueError; each means: not connected.
            await self.close(0.5)
            reason = self._failure if isinstance(error, nats.errors.NoServersError) else error
            raise self._unreachable(_words(reason or error)) from error
        # From here on a loss is told by disconnected_cb, before anything else is done about it.
        self.nats.options["allow_reconnect"] = True

    async def settle(self) -> None:
        """Return when the server has done all that it was sent before."""
        await self.flush()
        await self.flush()

    async def flush(self) -> None:
        """A question and its answer.

        Raises:
            Unreachable: the connection was lost meanwhile.
        """
        if not self.alive:
            raise self._unreachable("the connection was lost")
        task = asyncio.create_task(self.nats.flush(_NEVER))
        self._flushes.add(task)
        task.add_done_callback(self._flushes.discard)
        await self.unless_lost(task)

    async def unless_lost(self, task: asyncio.Task[Any]) -> None:
        """Wait for ``task``, which is left to itself when the caller is cancelled.

        Raises:
            Unreachable: the connection was lost before.
        """
        gone = asyncio.create_task(self.lost.wait())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
        if not task.done():
            raise self._unreachable("the connection was lost")
        if (error := task.exception()) is not None:
            raise self._unreachable(_words(error)) from error

    async def ask(
        self, subject: str, payload: bytes, headers: Mapping[str, str] | None
    ) -> asyncio.Future[Msg | None]:
        """Send a question; its answer comes into the future, or None when the connection is lost before.

        nats-py's own request waits in a task for each and makes a random name: half of what a question costs.
        """
        if not self.alive:
            raise self._unreachable("the connection was lost")
        client = self.nats
        if not client._resp_sub_prefix:
            await client._init_request_sub()
        assert client._resp_sub_prefix is not None
        token, answer = str(next(self._tokens)), asyncio.get_running_loop().create_future()

        def forget(_: object) -> None:
            self._asked.discard(answer)
            client._resp_map.pop(token, None)

        client._resp_map[token] = answer
        self._asked.add(answer)
        answer.add_done_callback(forget)
        try:
            reply = client._resp_sub_prefix.decode() + token
            await client.publish(subject, payload, reply, None if headers is None else dict(headers))
        except BaseException:
            answer.cancel()
            raise
        return answer

    async def subscribe(self, subject: str, queue: str, callback: Callable[[Msg], Awaitable[None]],
                        messages: int, size: int) -> Subscription:  # fmt: skip
        """nats-py's own subscription; see there."""
        return await self.nats.subscribe(
            subject, queue, cb=callback, pending_msgs_limit=messages, pending_bytes_limit=size
        )

    async def close(self, seconds: float) -> None:
        """End it, sending what is queued, within ``seconds``; never raises, never hangs."""
        was_lost = not self.nats.is_connected
        self._lose()
        for task in self._flushes:
            task.cancel()
        if was_lost:
            # Else closing tries to send it, fails, and leaves subscriptions and socket behind.
            self.nats._pending.clear()
            self.nats._pending_data_size = 0
        task = asyncio.create_task(self.nats.close())
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            self._abort()
            self.nats._pending_data_size = 0
            done, _ = await asyncio.wait({task}, timeout=0.5)
        if not done:
            task.cancel()
        elif not task.cancelled():
            task.exception()  # it is over, however it ended
        for sub in self.nats._subs.values():
            sub._stop_processing()
        self._abort()

    def _abort(self) -> None:
        transport = self.nats._transport
        for name in ("_io_writer", "_bare_io_writer"):
            writer = getattr(transport, name, None)
            if writer is not None:
                writer.transport.abort()

    def _lose(self) -> None:
        self.lost.set()
        for answer in tuple(self._asked):
            if not answer.done():
                answer.set_result(None)

    async def _failed(self, error: Exception) -> None:
        self._failure = error
        if isinstance(error, nats.errors.UnexpectedEOF):
            self._lose()
        elif self.nats.is_connected:
            await self._on_error(error)

    async def _gone(self) -> None:
        self._lose()

    async def _park(self) -> None:
        """Called when the connection was lost, in the task that would reconnect: it never goes on."""
        self._lose()
        if not self.nats.is_closed:
            await asyncio.Event().wait()

    def _unreachable(self, reason: str) -> Unreachable:
        return Unreachable(f"NATS at {self.access.url}", reason)


def _options(access: Access) -> dict[str, Any]:
    """What nats-py wants to know of how we sign in and of TLS. Reads files."""
    auth, found = access.auth, dict[str, Any]()
    if auth.user is not None:
        found |= {"user": auth.user, "password": auth.password}
    elif auth.token is not None:
        found["token"] = auth.token
    elif auth.nkey is not None:
        found["nkeys_seed_str"] = auth.nkey
    elif auth.creds is not None:
        with auth.creds.open("rb"):  # so that what is wrong with it is told before a connection is made
            found["user_credentials"] = str(auth.creds)
    if access.secure:
        found["tls"] = _tls(access.tls or Tls())
        if access.tls is not None and access.tls.hostname and urlsplit(access.url).scheme != "wss":
            found["tls_hostname"] = access.tls.hostname
    return found


def _tls(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert is not None:
        context.load_cert_chain(str(tls.cert), None if tls.key is None else str(tls.key))
    return context


def _words(error: BaseException) -> str:
    said = str(error).removeprefix("nats: ").strip().strip("'")
    return said or type(error).__name__
