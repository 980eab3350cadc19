"""What is checked of every HTTP request before anything reads it: Host, Origin, rate, token.

A web page can make a browser send requests to a server on the same machine; it
cannot forge ``Host`` and ``Origin``. What the guard found out about who asks goes
with the request, for the SDK (which binds sessions to it) and for ``peer_of``.
This is plain ASGI and knows nothing of MCP.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_wasm.server.access import Access, Identity
from mcp_wasm.server.auth import LONGEST_TOKEN, Authenticator, Caller
from mcp_wasm.server.peer import IDENTITY
from mcp_wasm.server.rates import Allowance, seconds

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

OPEN_PATHS = frozenset({"/health"})
"""Paths that need no token: they say nothing about what is served."""

REALM = 'realm="mcp-wasm"'


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
    those that may stand in ``Origin``; ``tokens`` finds out who sends a token, or
    is None where nobody needs one; ``access`` has the rates and what tokens need;
    ``metadata`` is the address of the document that tells clients where to get a
    token, which is open. ``refused`` is told the address of whoever sent no valid
    token, as often as ``access`` lets such fail.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str] | None,
        origins: Iterable[str],
        tokens: Authenticator | None = None,
        access: Access | None = None,
        metadata: str | None = None,
        refused: Callable[[str], None] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = AuthContextMiddleware(app)
        self._hosts = None if hosts is None else frozenset(map(str.lower, hosts))
        self._origins = frozenset(map(str.lower, origins))
        self._tokens, self._access, self._metadata = tokens, access or Access(), metadata
        self._open = OPEN_PATHS | ({urlsplit(metadata).path} if metadata else frozenset())
        self._requests = Allowance(self._access.requests_per_minute, now)
        self._failures = Allowance(self._access.failures_per_minute, now)
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await PlainTextResponse("HTTP only", 400)(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._stranger(headers) or self._too_many(scope) or await self._identified(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, _in_time(receive, self._access.body_seconds), send)

    def _stranger(self, headers: Headers) -> Response | None:
        if self._hosts is not None and _only_name(headers.getlist("host"), "//") not in self._hosts:
            return PlainTextResponse("This server does not answer under that Host", 421)
        origins = headers.getlist("origin")
        if origins and _only_name(origins, "") not in self._origins:
            return PlainTextResponse("Requests of that Origin are not accepted", 403)
        return None

    def _too_many(self, scope: Scope) -> Response | None:
        wait = self._requests.take(_network(scope))
        return _later("Too many requests from this address", wait) if wait else None

    async def _identified(self, scope: Scope, headers: Headers) -> Response | None:
        """Put who sends the request into ``scope``, or say why it is refused."""
        if scope["path"] in self._open:
            return None
        if self._tokens is None:
            network = _network(scope)
            scope[IDENTITY] = Identity(network, f"address {network}", budget=self._access.budget, known=False)
            return None
        token = _bearer(headers)
        caller = self._tokens.known(token) if token else None
        if caller is None:
            # A token that is known passes whatever others at the same address do.
            network = _network(scope)
            if wait := self._failures.wait(network):
                return _later("Too many requests without a valid token", wait)
            caller = await self._tokens.identify(token) if token else None
            if caller is None:
                self._failures.take(network)
                if self._refused is not None:
                    self._refused(network)
                return self._unauthorized(token)
        return self._admit(scope, caller)

    def _admit(self, scope: Scope, caller: Caller) -> Response | None:
        oauth = self._access.oauth
        if oauth is not None and caller.access_token.subject is not None:
            missing = [each for each in oauth.scopes if each not in caller.scopes]
            if missing:
                words = f"The token lacks the scope {' '.join(missing)}"
                return self._challenge(403, "insufficient_scope", words)
        scope["user"], scope[IDENTITY] = caller, caller.visitor
        return None

    def _unauthorized(self, token: str | None) -> Response:
        if token is None:
            return self._challenge(401, "", "A bearer token is required")
        return self._challenge(401, "invalid_token", "A valid bearer token is required")

    def _challenge(self, status: int, error: str, words: str) -> Response:
        """A refusal that says how to be accepted (RFC 6750 and 9728)."""
        parts = [f"Bearer {REALM}"]
        if error:
            parts += [f'error="{error}"', f'error_description="{words}"']
        if self._metadata is not None:
            parts.append(f'resource_metadata="{self._metadata}"')
        if self._access.oauth is not None and self._access.oauth.scopes:
            parts.append(f'scope="{" ".join(self._access.oauth.scopes)}"')
        return JSONResponse(
            {"error": error or "unauthorized", "error_description": words},
            status,
            {"WWW-Authenticate": ", ".join(parts)},
        )


def _bearer(headers: Headers) -> str | None:
    """The token of the only ``Authorization`` header, "" for one that cannot be a token, None without one."""
    given = headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or len(token) > LONGEST_TOKEN:
        return ""
    return token


def _network(scope: Scope) -> str:
    """The address that a request comes from; of IPv6 the network, since one machine has all of it."""
    host = str(scope["client"][0]) if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:64] or "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if address.is_loopback:
        return str(address)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


def _in_time(receive: Receive, limit: float) -> Receive:
    """``receive``, which gives up on a body that has not come whole after ``limit`` seconds."""
    until = anyio.current_time() + limit
    whole = False

    async def limited() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        with anyio.CancelScope(deadline=until):
            message = await receive()
            whole = message["type"] != "http.request" or not message.get("more_body", False)
            return message
        return {"type": "http.disconnect"}

    return limited


def _later(words: str, wait: float) -> Response:
    return PlainTextResponse(words, 429, {"Retry-After": str(seconds(wait))})


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
