"""Bodies: what a guest writes before a request is made, and what it reads once an answer is whole.

Both are files of the spool behind the engine's own streams. A request is made
when its body is finished, so that its length is known; an answer is handed over
when its body has come to its end, so that a guest never takes a broken one for
a short one. Source: WASI 0.2, ``wasi:http/types``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.handles import Native
from mcp_wasm.sandbox.host import spool
from mcp_wasm.sandbox.host.http_fields import Fields
from mcp_wasm.sandbox.host.http_poll import Pollable
from mcp_wasm.sandbox.host.http_state import Http
from mcp_wasm.sandbox.hostfunc import Run
from mcp_wasm.sandbox.network.failure import error
from mcp_wasm.sandbox.network.message import Headers, declared_length

_ERR: dict[str, Any] = {"err": None}
_NO_TRAILERS = "this host sends no trailers"


class OutgoingBody:
    """A body that is written; ``size`` is set once it is finished, ``broken`` once it cannot be sent.

    ``then`` is called as soon as either is.
    """

    __slots__ = ("_headers", "_http", "broken", "path", "size", "then")

    def __init__(self, http: Http, headers: Headers) -> None:
        self._http, self._headers = http, headers
        self.path: Path | None = None
        self.size: int | None = None
        self.broken: dict[str, Any] | None = None
        self.then: Callable[[], None] | None = None

    def stream(self, call: Call) -> Native | None:
        """The stream to it, once."""
        if self.path is None:
            self.path = self._http.begin_body()
            if self.path is not None:
                return spool.writer(call, self.path)
        return None

    def finish(self) -> dict[str, Any]:
        """Take it as whole: ``{"ok": None}``, or why it cannot be sent."""
        size = 0 if self.path is None else self.path.stat().st_size
        limit = self._http.body_limit()
        if size > limit or (self.path is not None and self._http.session.overran(self.path)):
            return self._end(error("HTTP-request-body-size", limit))
        try:
            declared = declared_length(self._headers)
        except ValueError:
            return self._end(error("HTTP-protocol-error"))
        if declared is not None and declared != size:
            return self._end(error("HTTP-request-body-size", size))
        self.size = size
        return self._end(None)

    def _end(self, broken: dict[str, Any] | None) -> dict[str, Any]:
        self.broken = broken
        if self.then is not None:
            self.then()
        return {"ok": None} if broken is None else {"err": broken}

    def close(self) -> None:
        """Dropped without ``finish``: it is not whole, so it is not sent."""
        if self.size is None and self.broken is None:
            self._end(error("HTTP-protocol-error"))


class IncomingBody:
    """A body that came, whole, in the file ``path``."""

    __slots__ = ("_path", "_taken")

    def __init__(self, path: Path) -> None:
        self._path, self._taken = path, False

    def stream(self, call: Call) -> Native | None:
        """The stream of it, once."""
        if self._taken:
            return None
        self._taken = True
        return spool.reader(call, self._path)

    def close(self) -> None:
        """Remove it; a stream that was handed out still reads it to its end."""
        spool.remove(self._path)


class FutureTrailers:
    """The trailers of an answer: none, since the client does not keep them."""

    __slots__ = ("got",)

    def __init__(self) -> None:
        self.got = False


def _write(call: Call, body: OutgoingBody) -> dict[str, Any]:
    stream = body.stream(call)
    return _ERR if stream is None else {"ok": stream}


def _finish_outgoing(_call: Call, body: OutgoingBody, trailers: Fields | None) -> dict[str, Any]:
    if trailers is not None:
        entries = trailers.entries
        trailers.close()
        if entries:
            body.broken = error("internal-error", _NO_TRAILERS)
            body.close()
            return {"err": body.broken}
    return body.finish()


def _stream(call: Call, body: IncomingBody) -> dict[str, Any]:
    stream = body.stream(call)
    return _ERR if stream is None else {"ok": stream}


def _finish_incoming(_call: Call, body: IncomingBody) -> FutureTrailers:
    body.close()
    return FutureTrailers()


def _subscribe(call: Call, _trailers: FutureTrailers) -> Pollable:
    return Pollable(call)


def _get(_call: Call, trailers: FutureTrailers) -> dict[str, Any]:
    if trailers.got:
        return _ERR
    trailers.got = True
    return {"ok": {"ok": None}}


FUNCTIONS: dict[str, Run] = {
    "[method]outgoing-body.write": _write,
    "[static]outgoing-body.finish": _finish_outgoing,
    "[method]incoming-body.stream": _stream,
    "[static]incoming-body.finish": _finish_incoming,
    "[method]future-trailers.subscribe": _subscribe,
    "[method]future-trailers.get": _get,
}
