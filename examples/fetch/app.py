"""The guest of ``04_http.py`` and ``07_agents.py``: ``wasi:http`` with what componentize-py brings.

``poll_loop`` is componentize-py's own: an event loop over ``wasi:io/poll``, and
helpers that send a request and read its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import wit_world
from componentize_py_types import Err
from poll_loop import PollLoop, Stream, register, send
from wit_world.imports import outgoing_handler, types

_T = TypeVar("_T")


class WitWorld(wit_world.WitWorld):
    """What the component exports."""

    def texts(self, urls: Sequence[str]) -> list[str]:
        """Ask for all of them, and wait until the last one has come."""
        return _run(_all(urls))

    def page(self, url: str, timeout_ms: int) -> wit_world.Answer:
        """Ask for one, and give up on a server that is silent for too long."""
        return _run(_page(url, timeout_ms * 1_000_000))


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    loop = PollLoop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(work)
    except Err as error:
        # The error is a case of the interface's `error-code`.
        raise Err(type(error.value).__name__.removeprefix("ErrorCode_")) from None


async def _all(urls: Sequence[str]) -> list[str]:
    return await asyncio.gather(*(_text(url) for url in urls))


async def _text(url: str) -> str:
    answer = await send(_request(url))
    if 300 <= answer.status() < 400:
        # The host follows no redirects: whoever wants to asks again, and is checked again.
        return await _text(answer.headers().get("location")[0].decode())
    return await _body(answer)


async def _page(url: str, nanoseconds: int) -> wit_world.Answer:
    options = types.RequestOptions()
    options.set_connect_timeout(nanoseconds)
    options.set_first_byte_timeout(nanoseconds)
    options.set_between_bytes_timeout(nanoseconds)
    coming = outgoing_handler.handle(_request(url), options)
    while (answered := coming.get()) is None:
        await register(cast(PollLoop, asyncio.get_event_loop()), coming.subscribe())
    if isinstance(answered.value, Err):
        raise answered.value
    answer = answered.value.value
    return wit_world.Answer(answer.status(), await _body(answer))


async def _body(answer: types.IncomingResponse) -> str:
    stream, received = Stream(answer.consume()), b""
    while (chunk := await stream.next()) is not None:
        received += chunk
    return received.decode()


def _request(url: str) -> types.OutgoingRequest:
    parts = urlsplit(url)
    request = types.OutgoingRequest(types.Fields.from_list([("accept", b"text/plain")]))
    request.set_scheme(types.Scheme_Https() if parts.scheme == "https" else types.Scheme_Http())
    request.set_authority(parts.netloc)
    request.set_path_with_query((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    return request
