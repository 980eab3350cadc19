"""The threads that run guests: a bounded pool that nobody can fill alone.

Neither one component nor one client holds more than half of the workers, so two
endless loops leave room for everyone else's calls. What waits is bounded too.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from mcp_wasm.errors import Busy, Cancelled

WAITING = 512
"""Calls that one client may have waiting."""

_STACK_BYTES = 8 * 1024 * 1024
"""Thread stack: the engine's guest stack must fit in it several times over."""


@dataclass(frozen=True, slots=True)
class _Job:
    run: Callable[[], Any]
    holders: tuple[str, str]
    future: Future[Any]


class Workers:
    """``count`` threads, started as they are needed and joined by ``close``."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._half = max(1, count // 2)
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._waiting_of: Counter[str] = Counter()
        self._running_of: Counter[str] = Counter()
        self._idle = 0
        self._threads: list[threading.Thread] = []
        self._closed = False

    def submit(self, run: Callable[[], Any], *, client: str, component: str) -> Future[Any]:
        """Run ``run`` on a worker; the future of its result.

        Raises:
            Busy: if the client has too many calls waiting already.
        """
        job = _Job(run, (f"client {client}", f"component {component}"), Future())
        with self._changed:
            if self._closed:
                raise Cancelled
            waiting = self._waiting_of[job.holders[0]]
            if waiting >= WAITING:
                raise Busy(job.holders[0], waiting)
            self._waiting.append(job)
            self._waiting_of[job.holders[0]] += 1
            if self._idle == 0 and len(self._threads) < self.count:
                self._start()
            self._changed.notify()
        return job.future

    def close(self, timeout: float = 1.0) -> None:
        """Fail what waits and join the threads; their guests must have been stopped by the caller."""
        with self._changed:
            self._closed = True
            dropped = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        for job in dropped:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(Cancelled())
        for thread in self._threads:
            thread.join(timeout)

    def _start(self) -> None:
        previous = threading.stack_size(_STACK_BYTES)
        try:
            thread = threading.Thread(target=self._work, name=f"mcp-wasm worker {len(self._threads)}", daemon=True)
            thread.start()
        finally:
            threading.stack_size(previous)
        self._threads.append(thread)

    def _take(self) -> _Job | None:
        """The first waiting job whose client and component hold less than half of the workers."""
        for index, job in enumerate(self._waiting):
            if all(self._running_of[holder] < self._half for holder in job.holders):
                del self._waiting[index]
                self._count(self._waiting_of, job.holders[0], -1)
                for holder in job.holders:
                    self._running_of[holder] += 1
                return job
        return None

    def _work(self) -> None:
        while (job := self._next()) is not None:
            if job.future.set_running_or_notify_cancel():
                try:
                    result = job.run()
                except BaseException as error:
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
        with self._changed:
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
        with self._changed:
            for holder in job.holders:
                self._count(self._running_of, holder, -1)
            if self._waiting:
                self._changed.notify()

    @staticmethod
    def _count(counter: Counter[str], key: str, by: int) -> None:
        counter[key] += by
        if counter[key] <= 0:
            del counter[key]
