"""How much each client may do in a minute, and at once: token buckets by client.

Memory is bounded for any number of clients. A client of whom nothing is left to
remember is forgotten; where even so too many are remembered, all newcomers share
one allowance, so that inventing clients brings nobody more.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mcp_wasm.server.access import Budget

MOST_CLIENTS = 4096
_OTHERS = "\0others"
_SWEEP_S = 1.0


class Bucket:
    """An allowance of ``per_minute``, full at first, refilled evenly, never more than full."""

    __slots__ = ("_at", "_level", "_per_minute")

    def __init__(self, per_minute: float, now: float) -> None:
        self._per_minute, self._level, self._at = per_minute, per_minute, now

    def wait(self, amount: float, now: float) -> float:
        """Seconds until ``amount`` (at most what fits) can be taken; 0.0 for now."""
        missing = min(amount, self._per_minute) - self.level(now)
        return max(0.0, missing * 60 / self._per_minute)

    def take(self, amount: float, now: float) -> None:
        """Take ``amount``; the level may fall below nothing, a debt to wait for."""
        self._level = self.level(now) - amount
        self._at = now

    def level(self, now: float) -> float:
        """What is there."""
        return min(self._per_minute, self._level + (now - self._at) * self._per_minute / 60)

    def is_full(self, now: float) -> bool:
        """Whether it says nothing any more."""
        return self.level(now) >= self._per_minute

    def become(self, per_minute: float, now: float) -> None:
        """Be an allowance of ``per_minute`` from now on; what was used stays used."""
        if per_minute != self._per_minute:
            self._level, self._at = min(self.level(now), per_minute), now
            self._per_minute = per_minute


class Allowance:
    """``per_minute`` for each key: requests of an address, or its wrong tokens."""

    def __init__(
        self, per_minute: int, now: Callable[[], float] = time.monotonic, most: int = MOST_CLIENTS
    ) -> None:
        self._per_minute, self._now, self._most = per_minute, now, most
        self._buckets: dict[str, Bucket] = {}
        self._swept = now()

    def take(self, key: str) -> float:
        """Take one of ``key``'s; seconds to wait where there is none (nothing is taken then), else 0.0."""
        now = self._now()
        bucket = self._of(key, now)
        wait = bucket.wait(1, now)
        if not wait:
            bucket.take(1, now)
        return wait

    def wait(self, key: str) -> float:
        """Seconds until ``key`` has one; takes nothing."""
        bucket = self._buckets.get(key) or self._buckets.get(_OTHERS if self._is_crowded() else key)
        return bucket.wait(1, self._now()) if bucket else 0.0

    def _of(self, key: str, now: float) -> Bucket:
        found = self._buckets.get(key)
        if found is None:
            if self._is_crowded() and now - self._swept >= _SWEEP_S:
                self._swept = now
                self._buckets = {k: bucket for k, bucket in self._buckets.items() if not bucket.is_full(now)}
            key = _OTHERS if self._is_crowded() else key
            found = self._buckets.setdefault(key, Bucket(self._per_minute, now))
        return found

    def _is_crowded(self) -> bool:
        return len(self._buckets) >= self._most


class Client:
    """What is remembered of one client: its allowances, and its calls that run."""

    __slots__ = ("_now", "calls", "fuel", "running")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.calls: Bucket | None = None
        self.fuel: Bucket | None = None
        self.running = 0

    def leave(self, fuel: int) -> None:
        """End a call that ``Rates.enter`` began and that used ``fuel``."""
        self.running -= 1
        if self.fuel is not None:
            self.fuel.take(fuel, self._now())

    def is_forgettable(self, now: float) -> bool:
        """Whether a new one would be the same."""
        return not self.running and all(b is None or b.is_full(now) for b in (self.calls, self.fuel))


class Rates:
    """The calls of each client against its budget; use it from one thread (the event loop's)."""

    def __init__(self, now: Callable[[], float] = time.monotonic, most: int = MOST_CLIENTS) -> None:
        self._now, self._most = now, most
        self._clients: dict[str, Client] = {}
        self._swept = now()

    def enter(self, key: str, budget: Budget) -> Client | str:
        """Begin a call of ``key``, to be ended with ``Client.leave``; or why it cannot begin, in words."""
        now = self._now()
        client = self._of(key, now)
        if budget.concurrent is not None and client.running >= budget.concurrent:
            return (
                f"{client.running} calls of this client are running already, and {budget.concurrent} may run "
                "at once. Call again when one has ended."
            )
        client.calls = _bucket(client.calls, budget.calls_per_minute, now)
        client.fuel = _bucket(client.fuel, budget.fuel_per_minute, now)
        for bucket, allowed, what in (
            (client.calls, budget.calls_per_minute, "calls"),
            (client.fuel, budget.fuel_per_minute, "units of fuel"),
        ):
            if bucket is not None and (wait := bucket.wait(1, now)):
                return f"This client may use {allowed:,} {what} a minute. Call again in {seconds(wait)} s."
        if client.calls is not None:
            client.calls.take(1, now)
        client.running += 1
        return client

    def _of(self, key: str, now: float) -> Client:
        found = self._clients.get(key)
        if found is None:
            if self._is_crowded() and now - self._swept >= _SWEEP_S:
                self._swept = now
                self._clients = {k: each for k, each in self._clients.items() if not each.is_forgettable(now)}
            key = _OTHERS if self._is_crowded() else key
            found = self._clients.setdefault(key, Client(self._now))
        return found

    def _is_crowded(self) -> bool:
        return len(self._clients) >= self._most


def seconds(wait: float) -> int:
    """Whole seconds to wait, at least one: for people and ``Retry-After``."""
    return max(1, -int(-wait // 1))


def _bucket(bucket: Bucket | None, per_minute: int | None, now: float) -> Bucket | None:
    if per_minute is None:
        return None
    if bucket is None:
        return Bucket(per_minute, now)
    bucket.become(per_minute, now)
    return bucket
