"""The sending half of stdio: messages to a pipe, as fast as the client reads them and no faster.

What the pipe takes is written at once, without a task or a thread in between.
It knows nothing of what the messages say, except to whom they are an answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from types import TracebackType
from typing import Self

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import INTERNAL_ERROR, ErrorData, JSONRPCError, JSONRPCMessage, JSONRPCResponse
from pydantic_core import to_json

log = logging.getLogger(__name__)

_CHUNK = 256 * 1024
_UNSENT_BYTES = 8 * 1024 * 1024
"""Answers that the client has not read; past it nothing more is read or answered until it does."""


class Stream:
    """What both streams share: leaving the context closes them."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close this half."""
        raise NotImplementedError


class Outgoing(Stream):
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


def _encode(message: JSONRPCMessage) -> bytes:
    """``message`` as one line. What JSON cannot carry becomes an error instead of an exception."""
    try:
        if isinstance(message, JSONRPCResponse):  # the frequent one: its fields as they are
            fields = {"jsonrpc": "2.0", "id": message.id, "result": message.result}
            return to_json(fields, inf_nan_mode="null") + b"\n"
        return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
    except ValueError:
        log.exception("A message could not be encoded")
        if not isinstance(message, JSONRPCResponse | JSONRPCError):
            return b""
        error = ErrorData(code=INTERNAL_ERROR, message="The answer could not be encoded")
        request_id = message.id if isinstance(message.id, int) or str(message.id).isascii() else None
        return _encode(JSONRPCError(jsonrpc="2.0", id=request_id, error=error))
