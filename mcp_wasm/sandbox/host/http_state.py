"""What one call has of ``wasi:http``: its spool, its connections, what it has asked for and what it holds.

Made before the call's store gets its WASI, since the spool is a preopen, and
gone with the call: no request, connection, thread or file of it is left.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mcp_wasm.capability.grant import MIB, Network
from mcp_wasm.errors import HandlesExhausted
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host import preopens
from mcp_wasm.sandbox.host.spool import PREOPEN, Spool
from mcp_wasm.sandbox.services import Services

if TYPE_CHECKING:
    from mcp_wasm.sandbox.network.client import Client, Session

UNGRANTED_BODY = 64 * 1024
"""Bytes of a request's body in a call that may send none: programs write it before they are refused."""
HEADERS = 4 * MIB
"""Bytes of headers that a call may hold in all its ``fields``, with what it costs to hold them."""
HELD = 64 * MIB
"""Bytes that may lie in the spool before another request is made; twice one answer, if that is more."""
_STREAMS = 64
"""Bodies that a call may begin to write, beyond one for each request that it may make."""


def network(_services: Services) -> Client:
    """The network of a runtime."""
    # A tenth of a second to load, and most servers have no tool that uses it.
    from mcp_wasm.sandbox.network.client import Client

    return Client()


class Pending(Protocol):
    """An answer that the guest has not taken yet."""

    def close(self) -> None:
        """Nobody waits for it any more."""


class Http:
    """The part of one call; see the module."""

    def __init__(self, call: Call) -> None:
        self.call, self.spool = call, Spool()
        self._session: Session | None = None
        self._counts: Counter[Network] = Counter()
        self._stop = call.stop
        self._streams = 0
        self._headers = 0
        self.pending: set[Pending] = set()

    @property
    def session(self) -> Session:
        """Its connections, made when the first request is."""
        if self._session is None:
            self._session = self.call.services.shared(network).session()
        return self._session

    def count(self, grant: Network) -> bool:
        """Count one request under ``grant``; False if the call has made as many as it may."""
        if self._stop is not self.call.stop:  # an instance that serves its next call
            self._stop = self.call.stop
            self._counts.clear()
        self._counts[grant] += 1
        return self._counts[grant] <= grant.requests

    def body_limit(self) -> int:
        """Bytes of a body whose request is not known yet."""
        return max((grant.request_bytes for grant in self.call.grants.network), default=UNGRANTED_BODY)

    def begin_body(self) -> Path | None:
        """A new file to write a body to, watched; None if the call has begun too many."""
        self._streams += 1
        if self._streams > _STREAMS + sum(grant.requests for grant in self.call.grants.network):
            return None
        path = self.spool.new("request")
        path.touch(mode=0o600)
        self.session.watch(path, self.body_limit())
        return path

    def is_full(self, grant: Network) -> bool:
        """Whether so much lies in the spool that no further answer may be added."""
        return self.spool.size() > max(HELD, 2 * grant.response_bytes)

    def hold(self, size: int) -> bool:
        """Account for ``size`` more bytes of headers (fewer, if negative); False if that is too much."""
        if size > 0 and self._headers + size > HEADERS:
            return False
        self._headers += size
        return True

    def must_hold(self, size: int) -> None:
        """The same where the interface has no way to refuse.

        Raises:
            HandlesExhausted: if it is too much.
        """
        if not self.hold(size):
            raise HandlesExhausted(self.call.limits.resources)

    def close(self) -> None:
        """End every request, close every connection and remove the spool."""
        for future in list(self.pending):
            future.close()
        if self._session is not None:
            self._session.close()
        self.spool.close()


def prepare(call: Call) -> None:
    """Make the call's part, and its spool a preopen."""
    made = call.state[Http] = Http(call)
    preopens.hide(call, made.spool.path, PREOPEN)
    call.at_end(made.close)


def of(call: Call) -> Http:
    """The part of a call."""
    found: Http = call.state[Http]
    return found
