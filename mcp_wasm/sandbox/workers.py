"""The threads that run guests: a bounded pool that nobody can fill alone.

Neither one component nor one client holds more than half of the workers, and one
component called by one client holds less than that, so endless loops leave room
for everyone else's calls and for that client's other ones. What waits is bounded
too.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from mcp_wasm.errors import Busy, Cancelled

WAITING = 512
"""Calls that one client may have waiting."""

_STACK_BYTES = 16 * 1024 * 1024
"""Thread stack: the engine's guest stack must fit in it several times over."""


_Holder = tuple[str, ...]
"""Who holds workers: a client, a component, or the two together."""


@dataclass(frozen=True, slots=True)
class _Job:
    run: Callable[[], Any]
    holders: tuple[tuple[_Holder, int], ...]
    future: Future[Any]

    @property
    def client(self) -> _Holder:
        return self.holders[0][0]


class Workers:
    """``count`` threads, started as they are needed and joined by ``close``."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._half = max(1, count // 2)
        # Taken by itself: an interrupt inside Condition's Python code would leave the lock taken for ever.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiting: deque[_Job] = deque()
        self._waiting_of: Counter[_Holder] = Counter()
        self._running_of: Counter[_Holder] = Counter()
        self._idle = 0
        self._threads: list[threading.Thread] = []
        self._closed = False

    def submit(self, run: Callable[[], Any], *, client: str, component: str) -> Future[Any]:
        """Run ``run`` on a worker; the future of its result.

        Raises:
            Busy: if the client has too many calls waiting already.
        """
        job = _Job(run, self._holders(client, component), Future())
        with self._lock:
            if self._closed:
                raise Cancelled
            waiting = self._waiting_of[job.client]
            if waiting >= WAITING:
                raise Busy(f"client {client}", waiting)
            self._waiting.append(job)
            self._waiting_of[job.client] += 1
            # An idle thread may be on its way to an earlier job: weigh them against all that waits.
            if len(self._waiting) > self._idle and len(self._threads) < self.count:
                self._start()
            self._changed.notify()
        return job.future

    def withdraw(self, future: Future[Any]) -> None:
        """Take a job that still waits out of the line, so that it counts for nobody."""
        with self._lock:
            for index, job in enumerate(self._waiting):
                if job.future is future:
                    del self._waiting[index]
                    self._count(self._waiting_of, job.client, -1)
                    break
        future.cancel()

    def close(self, timeout: float = 5.0) -> None:
        """Fail what waits and join the threads; their guests must have been stopped by the caller.

        ``timeout`` is seconds for all of them: a stopped guest ends within
        milliseconds, and only the reading of a huge result takes longer.
        """
        with self._lock:
            self._closed = True
            dropped = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        for job in dropped:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(Cancelled())
        end = time.monotonic() + timeout
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, end - time.monotonic()))

    def _holders(self, client: str, component: str) -> tuple[tuple[_Holder, int], ...]:
        """Who will hold the worker, and how many each may hold."""
        return (
            (("client", client), self._half),
            (("component", component), self._half),
            (("both", client, component), max(1, self._half - 1)),
        )

    def _start(self) -> None:
        previous = threading.stack_size(_STACK_BYTES)
        try:
            thread = threading.Thread(
                target=self._work, name=f"mcp-wasm worker {len(self._threads)}", daemon=True
            )
            thread.start()
        finally:
            threading.stack_size(previous)
        self._threads.append(thread)

    def _take(self) -> _Job | None:
        """The first waiting job whose holders may have one worker more."""
        for index, job in enumerate(self._waiting):
            if all(self._running_of[holder] < most for holder, most in job.holders):
                del self._waiting[index]
                self._count(self._waiting_of, job.client, -1)
                for holder, _ in job.holders:
                    self._running_of[holder] += 1
                return job
        return None

    def _work(self) -> None:
        while (job := self._next()) is not None:
            if job.future.set_running_or_notify_cancel():
                try:
                    result = job.run()
                except BaseException as error:  # noqa: BLE001 - the future carries it to whoever asked
                    self._done(job)
                    job.future.set_exception(error)
                else:
                    self._done(job)
                    job.future.set_result(result)
                    del result
            else:
                self._done(job)
            del job

    def _next(self) -> _Job | None:
        with self._lock:
            while True:
                if self._closed:
                    return None
                job = self._take()
                if job is not None:
                    return job
                self._idle += 1
                self._changed.wait()
                self._idle -= 1

    def _done(self, job: _Job) -> None:
        with self._lock:
            for holder, _ in job.holders:
                self._count(self._running_of, holder, -1)
            if self._waiting:
                self._changed.notify()

    @staticmethod
    def _count(counter: Counter[_Holder], key: _Holder, by: int) -> None:
        counter[key] += by
        if counter[key] <= 0:
            del counter[key]
