"""Leaving a provider alone that failed several times in a row: a circuit breaker with an injected clock.

Closed, it lets everything through and counts failures in a row; after ``most`` it
is open for ``alone`` seconds; then one request is let through as a probe, and what
becomes of that decides. Requests for one thread only, that of the event loop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from mcp_wasm.errors import (
    LlmCircuitOpen,
    LlmCutOff,
    LlmFaulty,
    LlmKeyRefused,
    LlmMalformed,
    LlmRateLimited,
    LlmTimedOut,
    LlmUnreachable,
)

_ITS_FAULT = (LlmFaulty, LlmUnreachable, LlmTimedOut, LlmCutOff, LlmMalformed)
"""A refused key and a rate limit, on the other hand, say that the provider is there and well."""


class Circuit:
    """The circuit of the provider ``name``; ``most`` 0 never opens it."""

    def __init__(self, name: str, most: int, alone: float, clock: Callable[[], float]) -> None:
        self._name, self._most, self._alone, self._clock = name, most, alone, clock
        self._failures = 0
        self._opened: float | None = None
        self._probing = False

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Around one request.

        Raises:
            LlmCircuitOpen: the request must not be made.
        """
        probe = self._enter()
        try:
            yield
        except _ITS_FAULT:
            self._failed(probe)
            raise
        except (LlmKeyRefused, LlmRateLimited):
            self._went(probe)
            raise
        except BaseException:
            # Cancelled, or it was not even asked: nothing was learnt, another may probe.
            self._probing = self._probing and not probe
            raise
        self._went(probe)

    def _enter(self) -> bool:
        if self._opened is None:
            return False
        left = self._opened + self._alone - self._clock()
        if left > 0 or self._probing:
            raise LlmCircuitOpen(self._name, max(0.0, left))
        self._probing = True
        return True

    def _went(self, probe: bool) -> None:
        if probe or self._opened is None:
            self._failures, self._opened = 0, None
        self._probing = self._probing and not probe

    def _failed(self, probe: bool) -> None:
        self._failures += 1
        self._probing = self._probing and not probe
        if self._most and (probe or self._failures >= self._most):
            self._opened = self._clock()
