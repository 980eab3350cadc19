"""The frequent message in fewer steps: ``tools/call`` of the plain form.

The SDK checks the parameters of a request twice and its result once more. For a
call of the plain form these checks find nothing that ours would not, and cost
more than all else on the way, so a middleware passes it straight to the handler.
Whatever is not of that form goes the SDK's way, which also words its refusals.

A request of the 2026 protocol carries an envelope that says who asks. It is of
the plain form when the SDK has accepted an equal envelope before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel import Server
from mcp.types import SERVER_INFO_META_KEY
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from mcp_wasm.server.calls import Calls
from mcp_wasm.server.content import Wire
from mcp_wasm.server.peer import Context
from mcp_wasm.server.text import json_bytes
from mcp_wasm.server.wanted import GRANTS_KEY, LIMITS_KEY

_KEYS = frozenset({"name", "arguments", "_meta"})
_OF_ONE_CALL = frozenset({"progressToken", LIMITS_KEY, GRANTS_KEY})
"""What of ``_meta`` may differ from call to call; the SDK's context and ``Calls`` check these."""

_KEPT = 8
_KEPT_BYTES = 4096


class Shortcut:
    """The middleware, for as long as ``calls`` is what handles ``tools/call`` in ``server``."""

    def __init__(self, server: Server[Any], calls: Calls) -> None:
        self._server, self._calls = server, calls
        self._accepted: deque[Mapping[str, Any]] = deque(maxlen=_KEPT)

    async def __call__(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Answer a plain call; pass everything else on."""
        if ctx.method != "tools/call":
            return await call_next(ctx)
        modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
        if not self._handles() or not _plain(ctx) or (modern and _envelope(ctx) not in self._accepted):
            result = await call_next(ctx)
            if modern:
                self._remember(_envelope(ctx))
            return result
        params = ctx.params or {}
        answer = await self._calls.answer(ctx, params["name"], params.get("arguments"), ctx.meta)
        return self._stamped(answer) if modern else _without_type(answer)

    def _handles(self) -> bool:
        entry = self._server.get_request_handler("tools/call")
        return entry is not None and entry.handler is self._calls

    def _remember(self, envelope: Mapping[str, Any]) -> None:
        if envelope in self._accepted:
            return
        with suppress(ValueError):  # JSON that cannot be written again: it goes the long way every time
            if len(json_bytes(envelope)) <= _KEPT_BYTES:
                self._accepted.append(envelope)

    def _stamped(self, answer: Wire) -> Wire:
        """``answer`` as the SDK would send it in the 2026 protocol: saying who answers."""
        return answer | {
            "_meta": answer.get("_meta", {}) | {SERVER_INFO_META_KEY: self._server.server_info_stamp}
        }


def _without_type(answer: Wire) -> Wire:
    answer.pop("resultType", None)  # only the 2026 protocol knows it
    return answer


def _envelope(ctx: Context) -> Mapping[str, Any]:
    """What a request's ``_meta`` says of the client and its protocol."""
    meta = (ctx.params or {}).get("_meta")
    return {key: meta[key] for key in meta.keys() - _OF_ONE_CALL} if isinstance(meta, Mapping) else {}


def _plain(ctx: Context) -> bool:
    """Whether a call has the plain form, on a connection whose handshake is over."""
    params = ctx.params
    return (
        params is not None
        and ctx.request_id is not None
        and ctx.session._connection.initialize_accepted
        and params.keys() <= _KEYS
        and isinstance(params.get("name"), str)
        and ("arguments" not in params or isinstance(params["arguments"], dict))
        and ("_meta" not in params or ctx.meta is not None)
    )
