"""``future-incoming-response`` and ``incoming-response``: an answer on its way, and once it is whole.

Source: WASI 0.2, ``wasi:http/types``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host import spool
from mcp_wasm.sandbox.host.http_bodies import IncomingBody
from mcp_wasm.sandbox.host.http_fields import Fields
from mcp_wasm.sandbox.host.http_poll import Pollable, waker
from mcp_wasm.sandbox.host.http_state import of
from mcp_wasm.sandbox.hostfunc import Run
from mcp_wasm.sandbox.network.failure import Failure, error
from mcp_wasm.sandbox.network.message import Answer

_ERR: dict[str, Any] = {"err": None}


class FutureIncomingResponse:
    """An answer on its way: ``begin`` once it was asked for, ``fail`` if it cannot be.

    ``refused`` is called with a failure that came from our own rules.
    """

    __slots__ = ("_answer", "_deadline", "_failed", "_got", "_http", "_into", "_refused", "_woken")

    def __init__(self, call: Call, into: Path, deadline: float, refused: Callable[[Failure], None]) -> None:
        self._woken, self._into, self._deadline, self._refused = waker(call), into, deadline, refused
        self._http = of(call)
        self._http.pending.add(self)
        self._answer: Future[Answer] | None = None
        self._failed: dict[str, Any] | None = None
        self._got = False

    def begin(self, answer: Future[Answer]) -> None:
        """Wait for ``answer``."""
        self._answer = answer
        answer.add_done_callback(lambda _: self._woken.set())

    def fail(self, code: dict[str, Any]) -> None:
        """There will be no answer."""
        self._failed = code
        self._woken.set()

    def ready(self) -> bool:
        """Whether ``get`` has something to give."""
        if self._answer is not None:
            return self._answer.done()
        return self._failed is not None or time.monotonic() >= self._deadline

    def get(self) -> dict[str, Any] | None:
        """The answer or the failure once it is there, and only once."""
        if self._got:
            return _ERR
        if not self.ready():
            return None
        self._got = True
        self._http.pending.discard(self)
        if self._answer is None:
            # A body that is not finished by then will not be sent.
            return {"ok": {"err": self._failed or error("connection-write-timeout")}}
        failure = self._answer.exception()
        if failure is None:
            return {"ok": {"ok": IncomingResponse(self._answer.result(), self._into)}}
        if not isinstance(failure, Failure):
            raise failure
        self._told(failure)
        return {"ok": {"err": failure.value()}}

    def _told(self, failure: Failure) -> None:
        if failure.refused:
            self._refused(failure)

    def close(self) -> None:
        """Nobody waits for it any more: end the request, and remove what came of it."""
        self._http.pending.discard(self)
        if self._answer is not None and not self._got:
            self._got = True
            # A refusal is told also to one that does not ask what came of its request.
            if self._answer.done() and not self._answer.cancelled():
                failure = self._answer.exception()
                if isinstance(failure, Failure):
                    self._told(failure)
            self._answer.cancel()
            spool.remove(self._into)


class IncomingResponse:
    """A whole answer, its body in the file ``path``."""

    __slots__ = ("_consumed", "answer", "path")

    def __init__(self, answer: Answer, path: Path) -> None:
        self.answer, self.path, self._consumed = answer, path, False

    def body(self) -> IncomingBody | None:
        """Its body, once."""
        if self._consumed:
            return None
        self._consumed = True
        return IncomingBody(self.path)

    def close(self) -> None:
        """Remove the body that nobody asked for."""
        if not self._consumed:
            spool.remove(self.path)


def _subscribe(call: Call, future: FutureIncomingResponse) -> Pollable:
    return Pollable(call, ready=future.ready)


def _get(_call: Call, future: FutureIncomingResponse) -> dict[str, Any] | None:
    return future.get()


def _status(_call: Call, response: IncomingResponse) -> int:
    return response.answer.status


def _headers(call: Call, response: IncomingResponse) -> Fields:
    return Fields(of(call), response.answer.headers, immutable=True)


def _consume(_call: Call, response: IncomingResponse) -> dict[str, Any]:
    body = response.body()
    return _ERR if body is None else {"ok": body}


FUNCTIONS: dict[str, Run] = {
    "[method]future-incoming-response.subscribe": _subscribe,
    "[method]future-incoming-response.get": _get,
    "[method]incoming-response.status": _status,
    "[method]incoming-response.headers": _headers,
    "[method]incoming-response.consume": _consume,
}
