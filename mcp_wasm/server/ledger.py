"""Which requests of one connection are owed an answer, and which calls have to wait their turn.

So many calls at once as may be, and no more: every answer is held in memory
until the client reads it. Only calls wait; a ping or a cancellation passes them.
Plain bookkeeping, without I/O.
"""

from __future__ import annotations

from collections import deque

from mcp.shared.dispatcher import coerce_request_id
from mcp.types import JSONRPCMessage, JSONRPCNotification, JSONRPCRequest

CALLS_AT_ONCE = 64
HELD_BYTES = 64 * 1024 * 1024
"""Calls kept waiting, as they came; past it ``full`` asks to read no more."""

Id = int | str | None


class Ledger:
    """Keeps account of one connection."""

    def __init__(self, calls_at_once: int = CALLS_AT_ONCE) -> None:
        self._most = calls_at_once
        self._owed: set[Id] = set()
        self._calls: set[Id] = set()
        self._held: deque[tuple[JSONRPCRequest, int]] = deque()
        self._held_bytes = 0

    @property
    def settled(self) -> bool:
        """Whether nothing is owed any more."""
        return not self._owed and not self._held

    @property
    def full(self) -> bool:
        """Whether so much waits that no more should be read."""
        return self._held_bytes > HELD_BYTES

    def admit(self, message: JSONRPCMessage, size: int) -> bool:
        """Whether ``message``, which came in ``size`` bytes, may pass now; else ``next`` gives it later."""
        if isinstance(message, JSONRPCRequest):
            if message.method == "tools/call" and (self._held or len(self._calls) >= self._most):
                self._held.append((message, size))
                self._held_bytes += size
                return False
            self._owe(message)
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            cancelled = (message.params or {}).get("requestId")
            if isinstance(cancelled, int | str):
                self._cancel(cancelled)
        return True

    def next(self) -> JSONRPCRequest | None:
        """The first waiting call, if its turn has come."""
        if not self._held or len(self._calls) >= self._most:
            return None
        request, size = self._held.popleft()
        self._held_bytes -= size
        self._owe(request)
        return request

    def answered(self, request_id: Id) -> None:
        """An answer was sent."""
        key = None if request_id is None else coerce_request_id(request_id)
        self._owed.discard(key)
        self._calls.discard(key)

    def abandon(self) -> None:
        """The client is gone: nothing is owed to it."""
        self._owed.clear()
        self._calls.clear()
        self._held.clear()
        self._held_bytes = 0

    def _owe(self, request: JSONRPCRequest) -> None:
        if request.method != "subscriptions/listen":  # lasts as long as the connection
            self._owed.add(coerce_request_id(request.id))
        if request.method == "tools/call":
            self._calls.add(coerce_request_id(request.id))

    def _cancel(self, request_id: int | str) -> None:
        """A cancelled request is not answered, and one that waits need not begin; "7" is 7, as in the SDK."""
        self.answered(request_id)
        key = coerce_request_id(request_id)
        for held in [held for held in self._held if coerce_request_id(held[0].id) == key]:
            self._held.remove(held)
            self._held_bytes -= held[1]
