"""What is checked of every HTTP request before anything reads it: Host, Origin, token.

A web page can make a browser send requests to a server on the same machine; it
cannot forge ``Host`` and ``Origin``. A token is compared in constant time. This
is plain ASGI and knows nothing of MCP.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

OPEN_PATHS = frozenset({"/health"})
"""Paths that need no token: they say nothing about what is served."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what is bound to ``host``; of names only localhost says so."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses requests of strangers to ``app``.

    ``hosts`` are the host names that may stand in ``Host``, or None where the
    names of this machine are not known (the token guards then); ``origins``
    those that may stand in ``Origin``; ``token`` is what clients have to send,
    or None.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str] | None, origins: Iterable[str], token: str | None
    ) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(map(str.lower, hosts))
        self._origins = frozenset(map(str.lower, origins))
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope) if scope["type"] == "http" else PlainTextResponse("HTTP only", 400)
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if self._hosts is not None and _only_name(headers.getlist("host"), "//") not in self._hosts:
            return PlainTextResponse("This server does not answer under that Host", 421)
        origins = headers.getlist("origin")
        if origins and _only_name(origins, "") not in self._origins:
            return PlainTextResponse("Requests of that Origin are not accepted", 403)
        if self._token is not None and scope["path"] not in OPEN_PATHS:
            scheme, _, given = ",".join(headers.getlist("authorization")).partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode("latin-1"), self._token):
                return PlainTextResponse(
                    "A valid bearer token is required", 401, {"WWW-Authenticate": 'Bearer realm="mcp-wasm"'}
                )
        return None


def _only_name(values: list[str], prefix: str) -> str | None:
    """The host name in the only one of ``values``, without its port; None for anything else."""
    if len(values) != 1:
        return None
    try:
        parts = urlsplit(prefix + values[0])
        if parts.username is not None or parts.path or parts.query or parts.fragment:
            return None
        _ = parts.port  # raises for a port that is none
        return parts.hostname
    except ValueError:
        return None
