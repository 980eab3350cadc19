"""Serving one client on standard input and output, without a thread.

The streams have the contract of ``mcp.server.stdio`` (which Windows still uses,
since its event loop cannot wait for pipes opened by others), but a line is
bounded, nothing malformed goes unanswered, and nothing sent can kill the server.
While it serves, file descriptors 0 and 1 lead elsewhere, so that a stray print
or a child process cannot touch the protocol. It knows nothing of tools.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import stat
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage
from mcp.types import (
    INTERNAL_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from mcp_wasm.errors import InvalidSettings
from mcp_wasm.server.app import build
from mcp_wasm.server.lines import LineSplitter, Overlong, Refusal, read
from mcp_wasm.server.options import ServerOptions

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

log = logging.getLogger(__name__)

_CHUNK = 256 * 1024
_QUEUED_LINES = 256
"""Lines read ahead of the server; past it reading pauses."""
_UNSENT_BYTES = 8 * 1024 * 1024
"""Answers that the client has not read; past it nothing more is read or answered until it does."""


async def serve_stdio(runtime: Runtime, options: ServerOptions) -> None:
    """Serve ``runtime`` on standard input and output until the input ends or SIGTERM or SIGINT comes.

    Calls in flight at the end of input may finish for ``options.shutdown_seconds``;
    a signal cancels them at once. The runtime stays open.

    Raises:
        InvalidSettings: if standard input or output is closed.
    """
    server = build(runtime, options)
    with anyio.CancelScope() as scope, _signals(scope.cancel):
        await run_stdio(server, options)


async def run_stdio(server: Server[Any], options: ServerOptions) -> None:
    """Run ``server`` on standard input and output until the input ends."""
    if sys.platform == "win32":
        from mcp.server.stdio import stdio_server  # here, since only Windows needs it

        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
        return
    with _claimed(0, os.O_RDONLY) as source, _claimed(1, os.O_WRONLY) as sink:
        sys.stdout.flush()  # what was printed and not yet written goes to stderr now, as all after it
        outgoing = Outgoing(sink)
        incoming = Incoming(source, outgoing, options)
        try:
            await server.run(incoming, outgoing, server.create_initialization_options())
        finally:
            incoming.close()
            outgoing.close()


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on SIGTERM and SIGINT, where the platform's event loop can."""
    loop = asyncio.get_running_loop()
    caught: list[signal.Signals] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; not the main thread
            loop.add_signal_handler(number, stop)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


@contextmanager
def _claimed(descriptor: int, mode: int) -> Iterator[int]:
    """A private duplicate of a standard stream, while the original leads to nothing or to stderr."""
    import fcntl  # not on Windows, where this function is not called

    name, opened = (
        ("standard input", sys.__stdin__) if descriptor == 0 else ("standard output", sys.__stdout__)
    )
    if opened is None:  # the number may belong to some other file by now
        raise InvalidSettings(name, "an open stream, since MCP runs on it", "a closed one")
    private = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    try:
        _divert(descriptor, mode)
        yield private
    finally:
        os.dup2(private, descriptor)
        os.close(private)


def _divert(descriptor: int, mode: int) -> None:
    try:
        other = os.open(os.devnull, mode) if mode == os.O_RDONLY else os.dup(2)
    except OSError:  # stderr is closed
        other = os.open(os.devnull, mode)
    os.dup2(other, descriptor)
    os.close(other)


class _Stream:
    """What both streams share: leaving the context closes them."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        raise NotImplementedError


class Outgoing(_Stream):
    """Writes messages at once where the pipe takes them, and keeps what it does not take yet."""

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor
        self._loop = asyncio.get_running_loop()
        kind = os.fstat(descriptor).st_mode
        # A terminal shares its flags with stderr and with the shell, so it stays blocking.
        self._waits = stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)
        self._was_blocking = os.get_blocking(descriptor)
        if self._waits:
            os.set_blocking(descriptor, False)
        self._unsent = bytearray()
        self._drained = asyncio.Event()
        self._drained.set()
        self.answered: Callable[[int | str | None], object] | None = None
        self.broken: Callable[[], object] | None = None
        self._closed = False

    async def send(self, item: SessionMessage, /) -> None:
        """Send one message; waits while the client has too much to read already.

        Raises:
            anyio.BrokenResourceError: when the client is gone.
        """
        if self._closed:
            raise anyio.BrokenResourceError
        self._write(_encode(item.message))
        if self.answered is not None and isinstance(item.message, JSONRPCResponse | JSONRPCError):
            self.answered(item.message.id)
        await self.uncongested()

    async def uncongested(self) -> None:
        """Return when the client has read enough of what was sent to it."""
        if len(self._unsent) > _UNSENT_BYTES:
            self._drained.clear()
            await self._drained.wait()

    async def aclose(self) -> None:
        """Give the client a last moment to read what is left, then close."""
        with anyio.move_on_after(0.3, shield=True):
            while self._unsent:
                self._drained.clear()
                await self._drained.wait()
        self.close()

    def close(self) -> None:
        """Forget what is unsent and leave the descriptor as it was found."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_writer(self._fd)
        self._unsent.clear()
        self._drained.set()
        os.set_blocking(self._fd, self._was_blocking)

    def _write(self, data: bytes) -> None:
        if not self._unsent:
            data = data[self._push(data) :]
            if data and not self._closed:
                self._loop.add_writer(self._fd, self._push_unsent)
        self._unsent += data

    def _push_unsent(self) -> None:
        del self._unsent[: self._push(bytes(self._unsent[:_CHUNK]))]
        if not self._unsent:
            self._loop.remove_writer(self._fd)
        if len(self._unsent) <= _UNSENT_BYTES // 2:
            self._drained.set()

    def _push(self, data: bytes) -> int:
        """Write what the descriptor takes; where the client is gone, take all and close."""
        sent, rest = 0, memoryview(data)
        try:
            while sent < len(data):
                sent += os.write(self._fd, rest[sent:])
        except BlockingIOError:
            return sent
        except OSError as error:
            log.info("The client is gone: %s", error)
            self.close()
            if self.broken is not None:
                self.broken()
            return len(data)
        return sent


class Incoming(_Stream):
    """Reads messages, answers by itself what is none, and ends when the input does."""

    def __init__(self, descriptor: int, outgoing: Outgoing, options: ServerOptions) -> None:
        self._fd, self._outgoing = descriptor, outgoing
        self._limit, self._grace = options.line_limit, options.shutdown_seconds
        self._loop = asyncio.get_running_loop()
        self._splitter = LineSplitter(self._limit)
        self._lines: deque[bytes | Overlong] = deque()
        self._arrived = asyncio.Event()
        self._unanswered: set[int | str | None] = set()
        self._settled = asyncio.Event()
        self._ended = self._reading = self._closed = False
        self._waits = not stat.S_ISREG(os.fstat(descriptor).st_mode)
        outgoing.answered, outgoing.broken = self._answered, self._abandon
        self._resume()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def receive(self) -> SessionMessage | Exception:
        """The next message.

        Raises:
            anyio.EndOfStream: when the input has ended and its requests are answered.
        """
        while True:
            await self._outgoing.uncongested()
            line = await self._line()
            message = read(line, self._limit)
            if isinstance(message, Refusal):
                with suppress(anyio.BrokenResourceError):
                    await self._outgoing.send(SessionMessage(message))
            elif message is not None:
                self._note(message)
                return SessionMessage(message)

    async def aclose(self) -> None:
        """Stop reading."""
        self.close()

    def close(self) -> None:
        """Stop reading."""
        self._pause()
        self._closed = True

    async def _line(self) -> bytes | Overlong:
        while not self._lines:
            if self._ended or self._closed:
                await self._settle()
                raise anyio.EndOfStream
            self._resume()
            self._arrived.clear()
            if not self._lines and not self._ended:
                await self._arrived.wait()
        return self._lines.popleft()

    async def _settle(self) -> None:
        """At the end of input let the calls in flight finish, for a moment."""
        with anyio.move_on_after(self._grace):
            while self._unanswered and not self._closed:
                self._settled.clear()
                await self._settled.wait()

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
        self._arrived.set()

    def _end(self) -> None:
        self._ended = True
        self._pause()
        self._arrived.set()

    def _abandon(self) -> None:
        """The client reads no more: owe it nothing and end."""
        self._unanswered.clear()
        self._end()

    def _note(self, message: JSONRPCMessage) -> None:
        """Remember which requests are owed an answer."""
        if isinstance(message, JSONRPCRequest) and message.method != "subscriptions/listen":
            self._unanswered.add(message.id)
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            cancelled = (message.params or {}).get("requestId")
            self._answered(cancelled if isinstance(cancelled, int | str) else None)

    def _answered(self, request_id: int | str | None) -> None:
        self._unanswered.discard(request_id)
        self._settled.set()


def _encode(message: JSONRPCMessage) -> bytes:
    """``message`` as one line. What JSON cannot carry becomes an error instead of an exception."""
    try:
        return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
    except ValueError:
        log.exception("A message could not be encoded")
        if not isinstance(message, JSONRPCResponse | JSONRPCError):
            return b""
        error = ErrorData(code=INTERNAL_ERROR, message="The answer could not be encoded")
        request_id = message.id if isinstance(message.id, int) or str(message.id).isascii() else None
        return _encode(JSONRPCError(jsonrpc="2.0", id=request_id, error=error))
