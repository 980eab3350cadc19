"""One try of one request over a pool of connections: bounded in time, in headers and in bytes.

The body goes out from a file and the answer's body into one, as it was sent:
nothing is decoded here, so no small answer becomes a large one. Redirects and
cookies are the guest's business; it asks anew, and is checked anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpcore2

from mcp_wasm.sandbox.network.causes import from_error
from mcp_wasm.sandbox.network.failure import Failure
from mcp_wasm.sandbox.network.message import (
    HEADER_BYTES,
    HEADER_COUNT,
    HOP_BY_HOP,
    Answer,
    Authority,
    Headers,
    Request,
)

_CHUNK = 65_536
_PIECES = 128
"""Pieces of an answer that are taken before other requests have their turn."""
_BODILESS = frozenset({204, 304})


async def exchange(pool: httpcore2.AsyncConnectionPool, request: Request) -> Answer:
    """Send ``request`` and receive its answer.

    Raises:
        Failure: whatever goes wrong, and when the deadline passes.
    """
    phase = _Phase()
    try:
        async with asyncio.timeout_at(request.deadline):
            return await _exchange(pool, request, phase)
    except TimeoutError:
        raise Failure("HTTP-response-timeout" if phase.connected else "connection-timeout") from None
    except Failure:
        raise
    except httpcore2.ReadTimeout:
        raise Failure("connection-read-timeout" if phase.answered else "HTTP-response-timeout") from None
    except Exception as error:  # noqa: BLE001 - a guest gets every failure as the interface's own error
        raise from_error(error) from None


class _Phase:
    """How far one try has come."""

    def __init__(self) -> None:
        self.connected = False
        self.answered = False

    async def trace(self, event: str, _info: dict[str, Any]) -> None:
        self.connected = self.connected or event.startswith("http11.send_request_headers")


async def _exchange(pool: httpcore2.AsyncConnectionPool, request: Request, phase: _Phase) -> Answer:
    left = max(0.001, request.deadline - asyncio.get_running_loop().time())
    # The client reads this again when it begins with the body.
    timeouts = {
        "connect": min(left, request.connect or left),
        "read": min(left, request.first_byte or left),
        "write": left,
        "pool": left,
    }
    sent = httpcore2.Request(
        request.method,
        httpcore2.URL(
            scheme=request.scheme.encode(),
            host=request.host.encode(),
            port=request.port,
            target=request.target.encode(),
        ),
        headers=_outgoing(request),
        content=None if request.body is None else _chunks(request.body, request.size),
        extensions={"timeout": timeouts, "trace": phase.trace},
    )
    response = await pool.handle_async_request(sent)
    try:
        phase.answered = True
        timeouts["read"] = min(left, request.between_bytes or left)
        headers = _incoming(response.headers)
        if response.status < 200:
            raise Failure("HTTP-upgrade-failed")
        _check_length(request, response.status, headers)
        return Answer(response.status, headers, await _receive(response, request))
    finally:
        await response.aclose()


def _outgoing(request: Request) -> list[tuple[bytes, bytes]]:
    """The headers as they are sent: whatever says where it goes and where it ends is ours."""
    where = Authority(request.host, request.port)
    kept = [
        (name.encode("ascii"), value.strip(b" \t"))
        for name, value in request.headers
        if name.lower() not in HOP_BY_HOP and name.lower() != "content-length"
    ]
    length = [] if request.body is None else [(b"Content-Length", str(request.size).encode())]
    return [(b"Host", where.text(request.scheme).encode()), *kept, *length]


async def _chunks(path: Path, size: int) -> AsyncIterator[bytes]:
    """The first ``size`` bytes of a file: a guest that still holds its stream may write on."""
    with path.open("rb") as file:
        while size and (chunk := file.read(min(size, _CHUNK))):
            size -= len(chunk)
            yield chunk


def _incoming(raw: list[tuple[bytes, bytes]]) -> Headers:
    if len(raw) > HEADER_COUNT or sum(len(name) + len(value) for name, value in raw) > HEADER_BYTES:
        raise Failure("HTTP-response-header-section-size", HEADER_BYTES)
    named = ((name.decode("ascii"), value) for name, value in raw)
    return tuple((name, value) for name, value in named if name.lower() not in HOP_BY_HOP)


def _check_length(request: Request, status: int, headers: Headers) -> None:
    """Refuse a body that is announced as too large before any of it is received."""
    if request.method == "HEAD" or status in _BODILESS:
        return
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    if lengths and lengths[0].isdigit() and int(lengths[0]) > request.grant.response_bytes:
        raise Failure("HTTP-response-body-size", request.grant.response_bytes)


async def _receive(response: httpcore2.Response, request: Request) -> int:
    size, pieces, most = 0, 0, request.grant.response_bytes
    with request.into.open("wb") as file:
        async for chunk in response.aiter_stream():
            size += len(chunk)
            if size > most:
                raise Failure("HTTP-response-body-size", most)
            file.write(chunk)
            pieces += 1
            if pieces % _PIECES == 0:
                await asyncio.sleep(0)  # a server that sends single bytes must not hold up everybody else
    return size
