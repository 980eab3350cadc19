"""The one thread that writes to a SQLite file, and how others have it write: in groups, each one transaction.

Whoever writes waits until the transaction is committed. What came in meanwhile
goes into the next one, so that many writers share the price of a commit. A
group that fails is carried out again, each part alone: one fault costs one write.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from mcp_wasm.errors import McpWasmError, StateOverdue, StateUnavailable
from mcp_wasm.memory.database import LOG_BYTES, File, is_busy, rollback
from mcp_wasm.memory.protocol import Until
from mcp_wasm.memory.table import SqliteTable

_SLICE = 0.02
"""The longest single wait, in seconds: a caller's cancellation has no event."""

GROUP_BYTES = 8 * 1024 * 1024
"""What one transaction takes in, beside its last part."""

Change = Callable[[SqliteTable], Any]

_T = TypeVar("_T")


class _Job:
    """One change, and what became of it once ``settled`` can be acquired."""

    __slots__ = ("change", "error", "result", "settled", "taken", "until", "weight")

    def __init__(self, change: Change, weight: int, until: Until) -> None:
        self.change, self.weight, self.until = change, weight, until
        self.result: Any = None
        self.error: Exception | None = None
        self.taken = False
        self.settled = threading.Lock()
        self.settled.acquire()


class Writer:
    """Carries out changes on ``file``, in the order in which they came.

    The thread begins with the first change. ``close`` joins it.
    """

    def __init__(self, file: File) -> None:
        self._file = file
        self._changed = threading.Condition()
        self._waiting: list[_Job] = []
        self._thread: threading.Thread | None = None
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._written = 0  # bytes, since the log was last looked at
        self.groups = 0
        """Transactions that were committed."""

    @property
    def waiting(self) -> int:
        """Changes that were not begun."""
        return len(self._waiting)

    def write(self, change: Callable[[SqliteTable], _T], weight: int, until: Until) -> _T:
        """Have ``change`` carried out and committed; its result. ``weight`` is about how many bytes it is.

        Raises:
            StateOverdue: if ``until`` is due first; a change that was not begun never will be.
            StateUnavailable: if the file cannot be written.
            McpWasmError: whatever ``change`` raises, and then it has changed nothing.
        """
        job = _Job(change, weight, until)
        with self._changed:
            if self._closed:
                raise StateUnavailable(str(self._file.path), "the state store is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mcp-wasm state writer", daemon=True)
                self._thread.start()
            self._waiting.append(job)
            self._changed.notify()
        while not job.settled.acquire(timeout=_wait(until)):
            if until.due():
                self._give_up(job)
                raise StateOverdue
        if job.error is not None:
            raise job.error
        result: _T = job.result
        return result

    def close(self) -> None:
        """Carry out what is waiting, end the thread and wait for it."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _give_up(self, job: _Job) -> None:
        with self._changed:
            if not job.taken:
                self._waiting.remove(job)

    def _run(self) -> None:
        try:
            while jobs := self._take():
                self._commit(jobs)
        finally:
            if self._connection is not None:
                self._connection.close()

    def _take(self) -> list[_Job]:
        """The next group; none once the writer is closed and nothing is left."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            weight, count = 0, 0
            while count < len(self._waiting) and weight < GROUP_BYTES:
                weight += self._waiting[count].weight
                self._waiting[count].taken = True
                count += 1
            jobs = self._waiting[:count]
            del self._waiting[:count]
            return jobs

    def _commit(self, jobs: list[_Job]) -> None:
        """Carry out ``jobs`` in one transaction and settle them all, whatever happens."""
        try:
            connection = self._begin(jobs)
            if connection is None:
                return
            try:
                table = SqliteTable(connection)
                for job in jobs:
                    _carry_out(job, table)
                table.flush()
                connection.execute("COMMIT")
                self.groups += 1
            except BaseException:
                rollback(connection)
                raise
        except Exception as error:  # noqa: BLE001 - whoever waits is told, and the thread goes on
            self._fail(jobs, error)
        else:
            for job in jobs:
                job.settled.release()
            self._bound_log(connection, sum(job.weight for job in jobs))

    def _bound_log(self, connection: sqlite3.Connection, written: int) -> None:
        """Begin the write-ahead log anew when it has grown: readers that never pause keep SQLite from that.

        It waits for them for a moment, meanwhile new ones read the file alone; in vain
        it is tried again when as much more was written.
        """
        self._written += written
        if self._written < LOG_BYTES:
            return
        self._written = 0
        if self._file.log_size() > LOG_BYTES:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _fail(self, jobs: list[_Job], error: Exception) -> None:
        self._reopen()
        if len(jobs) > 1:
            for job in jobs:
                job.result = job.error = None
                self._commit([job])
            return
        jobs[0].error = self._file.failed(error) if isinstance(error, sqlite3.Error) else error
        jobs[0].settled.release()

    def _reopen(self) -> None:
        """Let the next change open the file anew: what failed may be the connection's own state."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _begin(self, jobs: list[_Job]) -> sqlite3.Connection | None:
        """Begin a transaction, waiting for other processes; leaves in ``jobs`` those that still want it.

        None where nobody is left.
        """
        begun = time.monotonic()
        while True:
            for job in [job for job in jobs if job.until.due()]:
                job.error = StateOverdue()
                jobs.remove(job)
                job.settled.release()
            if not jobs:
                return None
            try:
                if self._connection is None:
                    self._file.create(_Any(jobs))
                    self._connection = self._file.connect(_Any(jobs))
                self._connection.execute("BEGIN IMMEDIATE")
            except StateOverdue:
                continue
            except sqlite3.Error as error:
                if not is_busy(error) or self._closed or time.monotonic() - begun > self._file.busy:
                    raise
            else:
                return self._connection


class _Any:
    """Waits for as long as any of some jobs does."""

    def __init__(self, jobs: list[_Job]) -> None:
        self._jobs = jobs
        self.deadline = max(job.until.deadline for job in jobs)

    def due(self) -> bool:
        return any(job.until.due() for job in self._jobs)


def _carry_out(job: _Job, table: SqliteTable) -> None:
    try:
        job.result = job.change(table)
    except McpWasmError as error:
        job.error = error  # refused before anything was written


def _wait(until: Until) -> float:
    return min(_SLICE, max(0.0, until.deadline - time.monotonic()))
