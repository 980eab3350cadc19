"""Who is asking: for fair shares of the workers, for whom a result is kept, and what exists for them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from mcp_wasm.server.access import Identity

Context = ServerRequestContext[Any, Any]

SESSION_HEADER = "mcp-session-id"
IDENTITY = "mcp_wasm.identity"
"""The key in an ASGI scope under which the guard puts the ``Identity`` of a request."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Whoever sent a request.

    ``client`` names who shares one allowance of workers and whose a component's
    session is; ``owner`` who may read a kept result and answer for an approval;
    ``name`` and ``transport`` are for the audit log. ``identity`` is what a token or an
    address says, None on stdio.
    """

    client: str
    owner: str
    name: str = "local"
    transport: str = "stdio"
    identity: Identity | None = None

    def may(self, tool: str) -> bool:
        """Whether the tool of that name exists for this client."""
        return self.identity is None or self.identity.may(tool)


LOCAL = Peer("local", "local")


def identity_of(request: Any) -> Identity | None:
    """What the guard found out about an HTTP request; None where none stands before the server."""
    found = request.scope.get(IDENTITY) if request is not None else None
    return found if isinstance(found, Identity) else None


def peer_of(ctx: Context) -> Peer:
    """The peer behind a request.

    On stdio there is one. Over HTTP whoever has a token is one peer, with
    all its sessions; what is kept belongs to one session of one token, so that
    the number of a session alone opens nothing. Without tokens, a session is a peer
    of its own. Requests of the 2026 protocol have no session: those of a token share
    what they keep; without one all do (its addresses are unguessable), and they are
    told apart by host and client name, which is as much as honest clients say of
    themselves.
    """
    request = ctx.request
    if request is None:
        return LOCAL
    identity = identity_of(request)
    owner = identity.key if identity is not None and identity.known else ""
    name = identity.name if identity is not None else "http"
    session = request.headers.get(SESSION_HEADER)
    if session is not None and ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        digest = hashlib.blake2s(session.encode(), digest_size=8).hexdigest()
        client = owner or f"session {digest}"
        return Peer(client, f"{owner}\n{session}" if owner else session, name, "http", identity)
    if owner:
        return Peer(owner, owner, name, "http", identity)
    info = ctx.session.client_params
    said = info.client_info.name[:64] if info is not None else ""
    host = request.client.host if request.client is not None else ""
    return Peer(f"{host} {said}".strip() or "http", "", name, "http", identity)
