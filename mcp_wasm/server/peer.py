"""Who is asking: for fair shares of the workers, and for whom a result is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

Context = ServerRequestContext[Any, Any]

SESSION_HEADER = "mcp-session-id"


@dataclass(frozen=True, slots=True)
class Peer:
    """``client`` names whoever shares one allowance of workers; ``owner`` whoever may read a kept result."""

    client: str
    owner: str


LOCAL = Peer("local", "local")


def peer_of(ctx: Context) -> Peer:
    """The peer behind a request.

    On stdio there is one. An HTTP session is a peer of its own. Requests of the
    2026 protocol have no session: they share what they keep (its addresses are
    unguessable), and are told apart by host and client name, which is as much as
    honest clients say of themselves.
    """
    request = ctx.request
    if request is None:
        return LOCAL
    session = request.headers.get(SESSION_HEADER)
    if session is not None and ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        return Peer("session " + hashlib.blake2s(session.encode(), digest_size=4).hexdigest(), session)
    info = ctx.session.client_params
    name = info.client_info.name[:64] if info is not None else ""
    host = request.client.host if request.client is not None else ""
    return Peer(f"{host} {name}".strip() or "http", "")
