"""The frequent message in fewer steps: ``tools/call`` on a handshake connection.

The SDK checks the parameters of a request twice and its result once more. For a
call of the plain form these checks find nothing that ours would not, and cost
more than all else on the way, so a middleware passes it straight to the handler.
Whatever is not of that form goes the SDK's way, which also words its refusals.
"""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware
from mcp.server.lowlevel import Server
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from mcp_wasm.server.calls import Calls
from mcp_wasm.server.peer import Context

_KEYS = frozenset({"name", "arguments", "_meta"})


def shortcut(server: Server[Any], calls: Calls) -> ServerMiddleware[Any]:
    """The middleware, for as long as ``calls`` is what handles ``tools/call`` in ``server``."""

    async def pass_on(ctx: Context, call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/call" or not _plain(ctx):
            return await call_next(ctx)
        entry = server.get_request_handler("tools/call")
        if entry is None or entry.handler is not calls:
            return await call_next(ctx)
        params = ctx.params or {}
        result = await calls.answer(ctx, params["name"], params.get("arguments"), ctx.meta)
        result.pop("resultType", None)  # only the 2026 protocol knows it
        return result

    return pass_on


def _plain(ctx: Context) -> bool:
    """Whether a call has the plain form, on a connection whose handshake is over."""
    params = ctx.params
    return (
        params is not None
        and ctx.request_id is not None
        and ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS
        and ctx.session._connection.initialize_accepted
        and params.keys() <= _KEYS
        and isinstance(params.get("name"), str)
        and ("arguments" not in params or isinstance(params["arguments"], dict))
        and ("_meta" not in params or ctx.meta is not None)
    )
