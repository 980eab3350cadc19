"""Lines of JSON-RPC on a byte stream, without any I/O: bytes in, messages or refusals out.

What cannot be read is answered instead of dropped, and with the request's own id
wherever that can be told, since a client whose request is never answered waits
until it gives up. It refuses to know where the bytes come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mcp.types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError
from pydantic_core import from_json

_SEEN = 512
"""How many bytes of each end of a line are looked at for the id of a request that cannot be read."""

_VALUE = rb'(?P<id>-?\d{1,18}|"[^"\\\x00-\x1f\x7f-\xff]{0,200}")'
_ID_AT_THE_HEAD = re.compile(
    rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*|"method"\s*:\s*"[a-zA-Z/]{1,60}"\s*,\s*)*"id"\s*:\s*'
    + _VALUE
    + rb"\s*,"
)
_ID_AT_THE_END = re.compile(rb'[,{]\s*"id"\s*:\s*' + _VALUE + rb"\s*\}\s*$")


@dataclass(frozen=True, slots=True)
class Overlong:
    """A line past the limit: its first and last bytes and its whole size in bytes."""

    head: bytes
    tail: bytes
    size: int


class LineSplitter:
    """Cuts a byte stream into lines of at most ``limit`` bytes; what is longer is skipped, not kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._scanned = 0
        self._skipped: Overlong | None = None

    def feed(self, data: bytes) -> Iterator[bytes | Overlong]:
        """Every line that ``data`` completes."""
        if not self._buffer and self._skipped is None and data.endswith(b"\n"):
            yield from self._whole(data)
            return
        self._buffer += data
        while (end := self._buffer.find(b"\n", self._scanned)) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._scanned = 0
            yield self._finish(line)
        self._scanned = len(self._buffer)
        if len(self._buffer) > self._limit or self._skipped is not None:
            self._skip()

    def end(self) -> Iterator[bytes | Overlong]:
        """The last line, where the stream ended without a newline."""
        if self._buffer or self._skipped is not None:
            line = bytes(self._buffer)
            self._buffer.clear()
            yield self._finish(line)

    def _whole(self, data: bytes) -> Iterator[bytes | Overlong]:
        for line in data[:-1].split(b"\n"):
            yield self._finish(line)

    def _finish(self, line: bytes) -> bytes | Overlong:
        skipped, self._skipped = self._skipped, None
        if skipped is not None:
            return Overlong(skipped.head, (skipped.tail + line)[-_SEEN:], skipped.size + len(line))
        if len(line) > self._limit:
            return Overlong(line[:_SEEN], line[-_SEEN:], len(line))
        return line

    def _skip(self) -> None:
        held = bytes(self._buffer)
        self._buffer.clear()
        self._scanned = 0
        before = self._skipped or Overlong(held[:_SEEN], b"", 0)
        self._skipped = Overlong(before.head, (before.tail + held)[-_SEEN:], before.size + len(held))


def read(line: bytes | Overlong, limit: int) -> JSONRPCMessage | None:
    """The message in ``line``; a ``Refusal`` to send back where there is none; None for a blank line."""
    if isinstance(line, Overlong):
        reason = f"The message has {line.size:,} bytes; at most {limit:,} are read"
        return Refusal.of(INVALID_REQUEST, reason, _id_of(line.head, line.tail))
    try:
        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError as error:
        return _refuse(line, error)
    if isinstance(message, JSONRPCNotification) and b'"id"' in line and _has_id(line):
        return Refusal.of(INVALID_REQUEST, "The id of a request is a string or an integer", None)
    return message


class Refusal(JSONRPCError):
    """An answer of ours to a line that is no message."""

    @classmethod
    def of(cls, code: int, message: str, request_id: int | str | None) -> Refusal:
        """The refusal with ``code`` and ``message``, of the request ``request_id`` where that is known."""
        return cls(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=message))


def _refuse(line: bytes, error: ValidationError) -> Refusal | None:
    if not line.strip():
        return None
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        request_id = _id_of(line[:_SEEN], line[-_SEEN:])
        return Refusal.of(PARSE_ERROR, f"Parse error: {first['msg']}", request_id)
    value = from_json(line)
    if isinstance(value, list):
        return Refusal.of(INVALID_REQUEST, "Batches are not accepted: send one message a line", None)
    given = value.get("id") if isinstance(value, dict) else None
    request_id = given if isinstance(given, int | str) and not isinstance(given, bool) else None
    return Refusal.of(INVALID_REQUEST, "The line is not a JSON-RPC 2.0 message", request_id)


def _has_id(line: bytes) -> bool:
    return "id" in from_json(line)


def _id_of(head: bytes, tail: bytes) -> int | str | None:
    """The id of an unreadable request, where it stands so that it must be the request's own.

    That is before any value but the protocol's own, or right before the brace that ends the message.
    """
    found = _ID_AT_THE_HEAD.match(head) or _ID_AT_THE_END.search(tail)
    if found is None:
        return None
    raw = found["id"].decode("ascii")
    return raw[1:-1] if raw.startswith('"') else int(raw)
