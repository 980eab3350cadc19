"""A node's connection to NATS: made again for ever when it is lost, bounded in what it keeps meanwhile.

What it promises: a subscription is in force when ``subscribe`` returns, and again after a loss; what
is published while NATS is away waits, in order, up to a bound, and is refused beyond it. What was on
its way when a connection was lost may be lost (core NATS delivers at most once): what
must arrive goes through JetStream. Nothing here knows what the messages mean.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import nats.errors
from nats.js import JetStreamContext

from mcp_wasm.errors import MeshDenied, MessageRefused, NoReply, Unreachable
from mcp_wasm.mesh import options as mesh_options
from mcp_wasm.mesh.client import UNFIT, Client
from mcp_wasm.mesh.link import Link
from mcp_wasm.mesh.options import Access, MeshOptions
from mcp_wasm.mesh.outbox import Outbox, Outgoing
from mcp_wasm.mesh.subscriptions import Callback, Subscription, Subscriptions
from mcp_wasm.mesh.traffic import Received, Statistics, Status

_EAGER = 256 * 1024
"""Bytes queued in the client above which a publisher lets others run; above its bound it waits."""

__all__ = ["Connection", "Subscription"]

_NOBODY = "503"
"""The status with which a server answers for a subject that nobody subscribes to."""

_LOST = (nats.errors.ConnectionClosedError, nats.errors.OutboundBufferLimitError)


def _given_up(answer: asyncio.Future[Any], _denied: asyncio.Future[None]) -> None:
    if not answer.done():
        answer.set_result(None)


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
        where = servers or (lambda: mesh_options.access(options))
        self._link = Link(options, where, name, self._begin, self._end)
        self._heard = Subscriptions(self._link)
        self._outbox = Outbox(options.buffer)
        self._closed = False

    @property
    def connected(self) -> bool:
        """Whether NATS is there, as far as is known."""
        return self._link.up.is_set()

    @property
    def most_bytes(self) -> int:
        """Bytes that one message may have on this server, with its headers; 1 MiB where it is not known."""
        client = self._link.client
        return client.nats.max_payload if client is not None else 1024 * 1024

    @property
    def statistics(self) -> Statistics:
        """What went through so far."""
        link, now = self._link, self._link.counted()
        return Statistics(
            connected=self.connected,
            url=link.client.access.url if link.client is not None else "",
            received=now["in_msgs"],
            received_bytes=now["in_bytes"],
            sent=now["out_msgs"],
            sent_bytes=now["out_bytes"],
            reconnects=link.reconnects,
            waiting=len(self._outbox),
            waiting_bytes=self._outbox.bytes,
            refused=self._outbox.refused,
            denied=link.denied,
            dropped=link.dropped,
            failures=link.failures,
        )

    def observe(self, observer: Callable[[Status], None]) -> Callable[[], None]:
        """Have ``observer`` called, on the loop, with what happens; the result ends that."""
        self._link.observers.append(observer)
        return lambda: self._link.observers.remove(observer)

    async def open(self, *, wait: bool = True) -> None:
        """Connect, and go on connecting whenever that is lost.

        With ``wait`` False it returns at once, and connects when it can.

        Raises:
            Unreachable: with ``wait``, no server could be connected to; nothing goes on then.
        """
        await self._link.open(wait=wait)

    async def ready(self, seconds: float) -> None:
        """Wait until NATS is there.

        Raises:
            Unreachable: it was not within ``seconds``.
        """
        await self._link.ready(seconds)

    async def close(self, seconds: float = 3.0) -> None:
        """Send what waits, let callbacks that run end, and let go; all within about ``seconds``."""
        if self._closed:
            return
        self._closed = True
        client = self._link.present
        if client is not None:
            with contextlib.suppress(TimeoutError, Unreachable, nats.errors.Error):
                async with asyncio.timeout(seconds / 2):
                    await client.settle()
        await self._link.close(seconds / 2)

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
        message = Outgoing(subject, payload, None if headers is None else dict(headers), reply)
        self._check(message)
        client = self._link.present
        if client is not None and client.alive:
            await self._room(client)
            if await self._send(client, message):
                return
        if self._closed:
            raise Unreachable(subject, "the connection to NATS is closed")
        self._outbox.put(message, self._link.reason)

    async def request(
        self, subject: str, payload: bytes, seconds: float, *, headers: Mapping[str, str] | None = None
    ) -> Received:
        """Send a message and wait for its one answer.

        Raises:
            Unreachable: NATS is not there, or nobody takes ``subject``: it was not handled.
            NoReply: no answer within ``seconds``, or the connection was lost: it may have been handled.
            MeshDenied, MessageRefused: it may not be sent.
        """
        end = asyncio.get_running_loop().time() + seconds
        client = self._link.present or await self._link.ready(seconds)
        message = Outgoing(subject, payload, None if headers is None else dict(headers))
        self._check(message)
        answer: asyncio.Future[Any] | None = None
        try:
            with self._link.denial("publish to", subject) as denied:
                answer = await client.ask(subject, payload, message.headers)
                denied.add_done_callback(partial(_given_up, answer))
                async with asyncio.timeout_at(end):
                    msg = await answer
                if denied.done():
                    raise MeshDenied("publish to", subject)
        except TimeoutError:
            raise NoReply(subject, seconds) from None
        except _LOST:
            raise Unreachable(subject, "the connection to NATS was lost") from None
        except UNFIT as error:
            raise MessageRefused("a message", "what NATS can send", str(error)) from None
        finally:
            if answer is not None:
                answer.cancel()
        if msg is None:
            raise NoReply(subject, seconds)
        if msg.headers and msg.headers.get("Status") == _NOBODY:
            raise Unreachable(subject, "nobody takes what is sent there")
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
        return await self._heard.add(Subscription(subject, queue, callback, messages, size, self._heard))

    async def jetstream(self, seconds: float = 5.0) -> JetStreamContext:
        """JetStream on the present connection; ask again after an error, and keep it no longer.

        Raises:
            Unreachable: NATS is not there within ``seconds``.
        """
        client = await self._link.ready(seconds)
        return client.nats.jetstream(timeout=seconds)

    async def flush(self) -> None:
        """Return when the server has taken all that was sent.

        Raises:
            Unreachable: it is not there.
        """
        client = self._link.present
        if client is None:
            raise Unreachable("NATS", self._link.reason)
        await client.settle()

    # -- what is sent

    def _check(self, message: Outgoing) -> None:
        """A server ends the connection of who sends it a message that is too large."""
        if message.size > self.most_bytes:
            raise MessageRefused("a message", f"at most {self.most_bytes:,} bytes", f"{message.size:,}")

    async def _room(self, client: Client) -> None:
        """Wait while the client has too much queued, as long as the server is there and reads."""
        queued = client.nats.pending_data_size
        if queued > self.options.buffer:
            with contextlib.suppress(Unreachable):
                await client.flush()
        elif queued > _EAGER:
            await asyncio.sleep(0)

    async def _send(self, client: Client, message: Outgoing) -> bool:
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

    async def _send_waiting(self, client: Client) -> None:
        while (message := self._outbox.first) is not None:
            try:
                if not await self._send(client, message):
                    return
            except MessageRefused as error:
                self._link.say("failed", str(error))
            self._outbox.drop_first()
            await self._room(client)

    async def _begin(self, client: Client) -> None:
        """With a new client: subscriptions first, then what has waited."""
        await self._heard.enter_all(client)
        await self._send_waiting(client)

    def _end(self) -> None:
        self._heard.leave_all()
