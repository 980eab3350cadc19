"""Stopping guests: one token a call, one watchdog thread a process.

The engine checks an epoch counter in compiled code. The watchdog sleeps until
the nearest deadline or a cancellation and only then advances the epoch; each
running store then looks at its own token and goes on, or traps. So an idle
process has no timer, and no call is stopped for another one's sake.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from mcp_wasm.errors import Cancelled

_AGAIN = 0.02
"""Seconds between epochs while an overdue guest has not yet stopped."""

_LONGEST = 3600.0
"""Seconds of one wait at most: the longest deadlines overflow what the system can wait for."""


class Stop:
    """Whether and why a call has to end.

    ``deadline`` is in seconds of ``time.monotonic()``; infinite until the call
    begins, since waiting for a worker or a compile is not the guest's time. A
    call that runs ``within`` another is due no later than that one. ``running`` is
    whether the guest runs, between a watchdog's ``begin`` and ``end``.
    """

    __slots__ = ("_within", "cancelled", "deadline", "running")

    def __init__(self, within: Stop | None = None) -> None:
        self.deadline: float = float("inf") if within is None else within.deadline
        self.cancelled = False
        self.running = False
        self._within = within

    def due(self) -> bool:
        """Whether the guest must not run any further."""
        if self.cancelled or time.monotonic() >= self.deadline:
            return True
        return self._within is not None and self._within.due()

    def given_up(self) -> bool:
        """Whether this call was cancelled, or one that it runs within."""
        return self.cancelled or (self._within is not None and self._within.given_up())


class Watchdog:
    """Advances the epoch when a running call is due. One daemon thread, joined by ``close``.

    A thread that touches the engine while the interpreter exits crashes the
    process, so whoever makes a watchdog closes it.
    """

    def __init__(self, advance: Callable[[], None]) -> None:
        self._advance = advance
        self._running: set[Stop] = set()
        # Taken by itself: an interrupt inside Condition's Python code would leave the lock taken for ever.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._until = float("inf")  # when the thread looks next by itself
        self._closing = False
        self._closed = False

    def begin(self, stop: Stop) -> None:
        """Watch ``stop``; its store's epoch deadline is set already, so no advance can be missed.

        Raises:
            Cancelled: once the watchdog closes, since nothing would stop the guest any more.
        """
        with self._lock:
            if self._closing or self._closed:
                raise Cancelled
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="mcp-wasm watchdog", daemon=True)
                self._thread.start()
            self._running.add(stop)
            stop.running = True
            # Waking it for every call would cost more than the call.
            if stop.cancelled or stop.deadline < self._until:
                self._changed.notify()

    def end(self, stop: Stop) -> None:
        """Stop watching."""
        with self._lock:
            self._running.discard(stop)
            stop.running = False

    def cancel(self, stop: Stop) -> None:
        """Make the call due now, whether it runs already or not."""
        with self._lock:
            stop.cancelled = True
            self._changed.notify()

    def cancel_all(self, *, closing: bool = False) -> None:
        """Make every running call due now, and with ``closing`` refuse every later one."""
        with self._lock:
            self._closing = self._closing or closing
            for stop in self._running:
                stop.cancelled = True
            self._changed.notify()

    def close(self) -> None:
        """End the thread and wait for it."""
        with self._lock:
            self._closed = True
            self._changed.notify()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _watch(self) -> None:
        with self._lock:
            while not self._closed:
                if any(stop.due() for stop in self._running):
                    self._advance()
                    self._until = time.monotonic() + _AGAIN
                    self._changed.wait(_AGAIN)
                    continue
                self._until = min((stop.deadline for stop in self._running), default=float("inf"))
                pause = self._until - time.monotonic()
                self._changed.wait(min(max(pause, 0.001), _LONGEST))
