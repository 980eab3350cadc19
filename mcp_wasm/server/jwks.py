"""The public keys of an authorization server (RFC 7517), from a file or an address, kept for a while.

Fetched when a token first needs them, again when they are old, and when a token
names a key that is not known, though not more often than twice a minute: so a
rotation is followed, and a flood of invented key names costs nothing. Keys that
cannot be fetched again stay in use for a day.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import anyio

from mcp_wasm.errors import InvalidSettings
from mcp_wasm.server.access import OAuth

log = logging.getLogger(__name__)

_LARGEST = 256 * 1024
_MOST = 100
_TIMEOUT_S = 5.0
_BETWEEN_S = 30.0
_STALE_S = 86_400.0

Jwk = Mapping[str, Any]
Fetch = Callable[[str], Awaitable[bytes]]


def check_url(url: str) -> None:
    """Refuse an address that somebody on the way could answer for.

    Raises:
        InvalidSettings: unless it is https, or http on this machine.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    try:
        local = parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        local = parts.scheme == "http" and parts.hostname == "localhost"
    if not local:
        raise InvalidSettings("oauth.jwks_url", "an https:// address", url)


async def fetch(url: str) -> bytes:
    """The document at ``url``; redirects are not followed.

    Raises:
        OSError: if there is none, it is too large, or it takes too long.
    """
    import httpx2  # half of the HTTP server's start-up time, and only OAuth needs it

    try:
        with anyio.fail_after(_TIMEOUT_S):
            async with (
                httpx2.AsyncClient(follow_redirects=False, timeout=_TIMEOUT_S) as client,
                client.stream("GET", url) as response,
            ):
                if response.status_code != 200:
                    raise OSError(f"status {response.status_code}")
                data = b""
                async for part in response.aiter_bytes(8192):
                    data += part
                    if len(data) > _LARGEST:
                        raise OSError(f"more than {_LARGEST:,} bytes")
                return data
    except (httpx2.HTTPError, TimeoutError) as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


class Keys:
    """The keys that ``oauth`` names; ``get`` finds one by its name."""

    def __init__(
        self, oauth: OAuth, *, fetch: Fetch = fetch, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._oauth, self._fetch, self._now = oauth, fetch, now
        self._keys: tuple[Jwk, ...] = ()
        self._loaded: float | None = None
        self._tried: float | None = None
        self._loading = anyio.Lock()

    async def find(self, kid: str | None, fit: Callable[[Jwk], bool]) -> Jwk | None:
        """The key named ``kid`` among those that ``fit``; without a name, the only one that does."""
        if self._is_due():
            await self._load()
        found = self._find(kid, fit)
        if found is None and self._may_try():
            await self._load()
            found = self._find(kid, fit)
        return found

    def _find(self, kid: str | None, fit: Callable[[Jwk], bool]) -> Jwk | None:
        if self._loaded is None or self._now() - self._loaded > max(_STALE_S, self._oauth.jwks_seconds):
            return None
        fitting = [key for key in self._keys if fit(key) and (kid is None or key.get("kid") == kid)]
        return fitting[0] if len(fitting) == 1 else None

    def _is_due(self) -> bool:
        old = self._loaded is None or self._now() - self._loaded >= self._oauth.jwks_seconds
        return old and self._may_try()

    def _may_try(self) -> bool:
        return self._tried is None or self._now() - self._tried >= _BETWEEN_S

    async def _load(self) -> None:
        async with self._loading:
            if not self._may_try():  # another request has just loaded them
                return
            self._tried = self._now()
            try:
                self._keys = keys_of(await self._read())
            except (OSError, ValueError) as error:
                log.warning("The keys of %s could not be read: %s", self._oauth.issuer, ascii(str(error)))
            else:
                self._loaded = self._now()

    async def _read(self) -> bytes:
        if self._oauth.jwks_file is not None:
            path = anyio.Path(self._oauth.jwks_file)
            if (await path.stat()).st_size > _LARGEST:
                raise OSError(f"more than {_LARGEST:,} bytes")
            return await path.read_bytes()
        return await self._fetch(str(self._oauth.jwks_url))


def keys_of(document: bytes) -> tuple[Jwk, ...]:
    """The keys in a JWK set.

    Raises:
        ValueError: if it is none.
    """
    try:
        found = json.loads(document)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or len(keys) > _MOST:
        raise ValueError(f'no JSON object with "keys", a list of at most {_MOST}')
    return tuple(key for key in keys if isinstance(key, dict))
