"""The receiving half of stdio: bytes from a descriptor of any kind, messages to the server.

What is no message is answered here. Calls past a number wait their turn, and
nothing is read while the client does not read what it was sent. At the end of
the input what is in flight may still finish, for a moment.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections import deque
from contextlib import suppress
from typing import Self

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCMessage, JSONRPCRequest

from mcp_wasm.server.ledger import Id, Ledger
from mcp_wasm.server.lines import LineSplitter, Overlong, Refusal, read
from mcp_wasm.server.outgoing import Outgoing, Stream

log = logging.getLogger(__name__)

_CHUNK = 256 * 1024
_QUEUED_LINES = 256
"""Lines read ahead of the server; past it reading pauses."""
_EARLY = 8
"""Messages kept that came before the first request."""


class Incoming(Stream):
    """Reads messages from ``descriptor``; ``grace`` is the moment at the end, in seconds."""

    def __init__(self, descriptor: int, outgoing: Outgoing, *, line_limit: int, grace: float) -> None:
        self._fd, self._outgoing = descriptor, outgoing
        self._limit, self._grace = line_limit, grace
        self._loop = asyncio.get_running_loop()
        self._splitter = LineSplitter(line_limit)
        self._lines: deque[bytes | Overlong] = deque()
        self._early: deque[SessionMessage] = deque()
        self._ledger = Ledger()
        self._news = asyncio.Event()
        self._until: float | None = None
        self._ended = self._reading = self._closed = False
        self._waits = not stat.S_ISREG(os.fstat(descriptor).st_mode)
        outgoing.answered, outgoing.broken = self._answered, self._abandon
        self._resume()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def opening(self) -> JSONRPCRequest | None:
        """The first request, which ``receive`` will give all the same; None if the input ends before one."""
        early: list[SessionMessage] = []
        with suppress(anyio.EndOfStream):
            while True:
                item = await self.receive()
                early = [*early[-_EARLY:], item]
                if isinstance(item.message, JSONRPCRequest):
                    self._early.extend(early)
                    return item.message
        return None

    async def receive(self) -> SessionMessage:
        """The next message.

        Raises:
            anyio.EndOfStream: when the input has ended and its requests are answered.
        """
        if self._early:
            return self._early.popleft()
        while True:
            await self._outgoing.uncongested()
            waiting = self._ledger.next()
            if waiting is not None:
                return SessionMessage(waiting)
            if self._lines and not self._ledger.full:
                message = await self._take(self._lines.popleft())
                if message is not None:
                    return SessionMessage(message)
            else:
                await self._wait()

    async def aclose(self) -> None:
        """Stop reading."""
        self.close()

    def close(self) -> None:
        """Stop reading."""
        self._pause()
        self._closed = True

    async def _take(self, line: bytes | Overlong) -> JSONRPCMessage | None:
        """The message in ``line``, if there is one and it may pass."""
        message = read(line, self._limit)
        if isinstance(message, Refusal):
            with suppress(anyio.BrokenResourceError):
                await self._outgoing.send(SessionMessage(message))
            return None
        size = len(line) if isinstance(line, bytes) else 0
        return message if message is not None and self._ledger.admit(message, size) else None

    async def _wait(self) -> None:
        """Return when a line or an answer may have come.

        Raises:
            anyio.EndOfStream: when nothing will come, or not in time.
        """
        if self._closed or (self._ended and not self._lines and self._ledger.settled):
            raise anyio.EndOfStream
        self._news.clear()
        if not self._ended:
            if not self._lines:
                self._resume()
            await self._news.wait()
            return
        if self._until is None:
            self._until = self._loop.time() + self._grace
        with anyio.move_on_after(self._until - self._loop.time()) as moment:
            await self._news.wait()
        if moment.cancelled_caught:
            raise anyio.EndOfStream

    def _resume(self) -> None:
        if self._reading or self._ended or self._closed:
            return
        if self._waits:
            try:
                self._loop.add_reader(self._fd, self._read)
            except PermissionError:  # epoll cannot wait for this kind of file, which is always ready
                self._waits = False
            else:
                self._reading = True
                return
        self._loop.call_soon(self._read)

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def _read(self) -> None:
        if self._ended or self._closed:
            return
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            log.info("Reading standard input failed: %s", error)
            data = b""
        if data:
            self._lines.extend(self._splitter.feed(data))
            if len(self._lines) > _QUEUED_LINES:
                self._pause()
        else:
            self._lines.extend(self._splitter.end())
            self._end()
        self._news.set()

    def _end(self) -> None:
        self._ended = True
        self._pause()
        self._news.set()

    def _abandon(self) -> None:
        """The client reads no more: owe it nothing and end."""
        self._ledger.abandon()
        self._end()

    def _answered(self, request_id: Id) -> None:
        self._ledger.answered(request_id)
        self._news.set()
