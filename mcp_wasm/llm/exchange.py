"""One request to one provider over HTTP: JSON there, JSON or events back, bounded, with its faults as errors.

It knows neither the providers' formats nor trying again. The key is asked for at
each request, lives as long as that, and goes to the one configured address:
redirects are not followed, and no setting of the environment (proxies, netrc)
takes part.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_wasm.errors import LlmCutOff, LlmFailed, LlmKeyMissing, LlmMalformed, LlmTimedOut, LlmUnreachable
from mcp_wasm.llm import faults
from mcp_wasm.llm.redact import Redaction
from mcp_wasm.llm.sse import Event, Events, TooLong

if TYPE_CHECKING:
    import httpx2

KeySource = Callable[[], str]
"""Gives the key; it may wait for a while, so it is called on a thread.

Raises:
    LlmKeyMissing: saying why there is none.
"""

LARGEST = 4 * 1024 * 1024
"""Bytes of an answer, and of all events of a streamed one together."""
LARGEST_STREAM = 32 * 1024 * 1024
_LARGEST_ERROR = 64 * 1024
_LONGEST_KEY = 8192
_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer's document, and what keeps the key out of all that is taken from it."""

    document: Any
    redaction: Redaction


class Exchange:
    """A provider's address, how its key is sent, and the connections to it."""

    def __init__(
        self,
        name: str,
        url: str,
        key: KeySource | None,
        headers: Callable[[str], Mapping[str, str]],
        *,
        timeout: float = 30.0,
        ca: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._url, self._key, self._headers = url, key, headers
        self._timeout, self._ca, self._now = timeout, ca, now
        self._client: httpx2.AsyncClient | None = None

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """The JSON document that answers ``body``.

        Raises:
            LlmFailed, LlmRefused: if there is none.
        """
        async with self._answering(path, body) as (response, redaction):
            data = await _read(response, LARGEST)
        if data is None:
            raise LlmMalformed(self.name, f"its answer is larger than {LARGEST:,} bytes", used=None)
        try:
            return Reply(json.loads(data), redaction)
        except (ValueError, RecursionError):
            raise LlmMalformed(self.name, "its answer is no JSON", used=None) from None

    async def events(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[tuple[Event, Redaction], None]:
        """The events that answer ``body``, each with the one redaction of this answer.

        Raises:
            LlmFailed, LlmRefused: if it does not begin, breaks off or is too large.
        """
        parser, size = Events(), 0
        async with self._answering(path, body) as (response, redaction):
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "text/event-stream":
                raise LlmMalformed(self.name, "its answer is no stream of events", used=None)
            async for data in response.aiter_raw():
                size += len(data)
                if size > LARGEST_STREAM:
                    raise LlmMalformed(
                        self.name, f"its answer is larger than {LARGEST_STREAM:,} bytes", used=None
                    )
                try:
                    for event in parser.feed(data):
                        yield event, redaction
                except (TooLong, UnicodeDecodeError):
                    reason = "its events are too long, or no UTF-8"
                    raise LlmMalformed(self.name, reason, used=None) from None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    @contextlib.asynccontextmanager
    async def _answering(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncIterator[tuple[httpx2.Response, Redaction]]:
        import httpx2  # a third of a second, and only where a model is asked

        key = await self._fetched()
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "mcp-wasm",
        }
        begun = False
        try:
            async with self._connected().stream(
                "POST",
                self._url + path,
                content=json.dumps(body).encode(),
                headers=headers | dict(self._headers(key)),
            ) as response:
                redaction = Redaction(key)
                await self._checked(response, redaction)
                begun = True
                yield response, redaction
        # What httpx says is not told: some of its messages repeat headers, and the key is one.
        except (httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.WriteTimeout):
            raise LlmTimedOut(self.name, self._timeout, used=(0, 0)) from None
        except httpx2.TimeoutException:
            raise LlmTimedOut(self.name, self._timeout) from None
        except (httpx2.ConnectError, httpx2.WriteError):
            raise LlmUnreachable(self.name, "no connection to it could be made") from None
        except httpx2.HTTPError:
            raise self._broken(begun) from None

    def _broken(self, begun: bool) -> LlmFailed:
        if begun:
            return LlmCutOff(self.name)
        return LlmUnreachable(self.name, "the connection broke before an answer began", used=None)

    async def _checked(self, response: httpx2.Response, redaction: Redaction) -> None:
        import httpx2  # as in _answering

        if response.status_code != 200:
            try:
                body = await _read(response, _LARGEST_ERROR) or b""
            except httpx2.HTTPError:
                body = b""  # what it would have said about it does not matter: the status tells
            raise faults.of(self.name, response.status_code, response.headers, body, redaction, self._now())
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise LlmMalformed(
                self.name, "its answer is compressed, though that was not asked for", used=None
            )

    async def _fetched(self) -> str:
        if self._key is None:
            return ""
        key = await asyncio.to_thread(self._key)
        if not key or len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
            raise LlmKeyMissing(self.name, "what its key refers to holds characters that no key has, or none")
        return key

    def _connected(self) -> httpx2.AsyncClient:
        import httpx2  # as in _answering

        if self._client is None:
            self._client = httpx2.AsyncClient(
                verify=self._believed(),
                follow_redirects=False,
                trust_env=False,
                timeout=self._timeout,
                limits=httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=8),
            )
        return self._client

    def _believed(self) -> ssl.SSLContext | bool:
        """Whose certificates are believed.

        Raises:
            LlmUnreachable: if the file of certificates is none.
        """
        # They take a while to load, and plain HTTP, which stays on this machine, needs none.
        if self._url.startswith("http://"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self._ca is None:
            return True
        try:
            return ssl.create_default_context(cafile=self._ca)
        except OSError:
            raise LlmUnreachable(self.name, f"its certificates cannot be read from {self._ca}") from None


async def _read(response: httpx2.Response, most: int) -> bytes | None:
    """The body, or None if it is larger than ``most``."""
    data = bytearray()
    async for part in response.aiter_raw():
        data += part
        if len(data) > most:
            return None
    return bytes(data)
