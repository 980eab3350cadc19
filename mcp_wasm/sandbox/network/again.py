"""Trying again, and leaving a host alone for a while: only where the grant asks for it.

A request is tried again if that cannot do its work twice: after a failure before
anything was sent, and where the method is idempotent (RFC 9110, section 9.2.2)
also after a broken connection and after 429 and 503. The pause grows from try
to try with jitter, or is what ``Retry-After`` says; what would end after the
request's own deadline is not tried. The circuit breaker counts failures of a
component with one host, across its calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import purgatory
import stamina
from purgatory.domain.model import OpenedState

from mcp_wasm.sandbox.network.failure import BROKEN, UNSENT, Failure
from mcp_wasm.sandbox.network.message import Answer, Request

Try = Callable[[], Awaitable[Answer]]

_IDEMPOTENT = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"})
_BUSY = frozenset({429, 503})
_FAULTY = frozenset({500, 502, 503, 504})
_CIRCUITS = 1000
_LONGEST_DATE = 64


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds: the first pause between tries, the longest, their jitter; how long a host is left alone."""

    first: float = 0.1
    longest: float = 5.0
    jitter: float = 1.0
    alone: float = 30.0


class _Unsatisfying(Exception):
    """An answer that counts as a failure; ``answer`` is still the guest's if nothing better comes."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"status {answer.status}")
        self.answer = answer


class Breakers:
    """The circuit breakers of one network, by component and host."""

    def __init__(self, pauses: Pauses) -> None:
        self._pauses = pauses
        self._of: dict[str, _Circuits] = {}

    async def guard(self, request: Request, once: Try) -> Answer:
        """``once``, unless too many requests of this component to this host failed in a row.

        Raises:
            Failure: what ``once`` raises; ``destination-unavailable`` while the host is left alone.
        """
        own = self._of.get(request.component)
        name = f"{request.scheme}://{request.host}:{request.port} {request.grant.breaker}"
        if own is None or not own.takes(name):
            # A guest that may go anywhere would fill the memory with names; it only forgets its own.
            own = self._of[request.component] = _Circuits()
            own.takes(name)
        breaker = await own.factory.get_breaker(name, request.grant.breaker, self._pauses.alone)
        try:
            async with breaker:
                return await _counted(once)
        except OpenedState:
            reason = f"{request.host} failed {request.grant.breaker} times in a row and is left alone for now"
            raise Failure("destination-unavailable", reason=reason) from None
        except _NotItsFault as error:
            raise error.failure from None
        except _Unsatisfying as error:
            return error.answer


class _Circuits:
    """The circuit breakers of one component."""

    def __init__(self) -> None:
        self.factory = purgatory.AsyncCircuitBreakerFactory(exclude=[asyncio.CancelledError, _NotItsFault])
        self._names: set[str] = set()

    def takes(self, name: str) -> bool:
        """Whether there is room for the circuit ``name``."""
        if name not in self._names and len(self._names) >= _CIRCUITS:
            return False
        self._names.add(name)
        return True


class _NotItsFault(Exception):
    """A failure that says nothing about the server."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


async def _counted(once: Try) -> Answer:
    try:
        answer = await once()
    except Failure as failure:
        if failure.code in UNSENT | BROKEN:
            raise
        raise _NotItsFault(failure) from None
    if answer.status in _FAULTY:
        raise _Unsatisfying(answer)
    return answer


async def retrying(request: Request, once: Try, pauses: Pauses) -> Answer:
    """``once``, and again up to ``grant.retries`` times.

    Raises:
        Failure: the last one.
    """
    idempotent = request.method in _IDEMPOTENT

    def pause(error: Exception) -> bool | float:
        if isinstance(error, Failure):
            return not error.reason and error.code in (UNSENT | BROKEN if idempotent else UNSENT)
        if not isinstance(error, _Unsatisfying):
            return False
        wanted = _retry_after(error.answer)
        if wanted is None:
            return True
        return wanted if wanted < request.deadline - time.monotonic() else False

    try:
        async for attempt in stamina.retry_context(
            on=pause,
            attempts=request.grant.retries + 1,
            timeout=max(0.001, request.deadline - time.monotonic()),
            wait_initial=pauses.first,
            wait_max=pauses.longest,
            wait_jitter=pauses.jitter,
        ):
            with attempt:
                answer = await once()
                if idempotent and answer.status in _BUSY:
                    raise _Unsatisfying(answer)
                return answer
    except _Unsatisfying as error:
        return error.answer
    raise AssertionError("the last attempt returns or raises")


def _retry_after(answer: Answer) -> float | None:
    """The seconds that ``Retry-After`` asks for, or None."""
    for name, value in answer.headers:
        if name.lower() != "retry-after" or len(value) > _LONGEST_DATE:
            continue
        if value.isdigit():
            return float(value)
        try:
            at = parsedate_to_datetime(value.decode("latin-1"))
        except ValueError:
            return None
        return max(
            0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
        )
    return None
