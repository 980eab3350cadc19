"""A store in a SQLite file: kept across restarts and ``kill -9``, shared by processes.

Reads go through a few connections that are handed from thread to thread, writes
through one thread (``writer``). The file is made by the first use.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from mcp_wasm.errors import CallerError, StateOverdue, StateUnavailable
from mcp_wasm.memory import changes, protocol
from mcp_wasm.memory.database import File, rollback
from mcp_wasm.memory.options import Sync
from mcp_wasm.memory.protocol import PATIENT, Bounds, Entry, Page, Until, Usage
from mcp_wasm.memory.table import SqliteTable
from mcp_wasm.memory.writer import Writer

_T = TypeVar("_T")

READERS = 8
"""Connections for reading that are kept open; more are made when needed and closed again."""

_ROW = "SELECT e.{} FROM buckets b JOIN entries e ON e.bucket = b.id WHERE b.name = ? AND e.key = ?"
_KEYS = (
    "SELECT e.key FROM buckets b JOIN entries e ON e.bucket = b.id "
    "WHERE b.name = ? AND e.key {} ? AND (? IS NULL OR e.key < ?) ORDER BY e.key LIMIT ?"
)


class Sqlite:
    """A ``Store`` in the file ``path``.

    ``sync`` is when the disk is waited for: with ``normal`` an acknowledged
    write survives the process, with ``full`` a loss of power too, at the price of
    a disk's sync for each group of writes. ``busy`` bounds, in seconds, the wait
    for another process.
    """

    def __init__(
        self, path: Path, bounds: Bounds | None = None, *, sync: Sync = "normal", busy: float = 5.0
    ) -> None:
        self.bounds = bounds or Bounds()
        self._file = File(path, sync, busy)
        self._writer = Writer(self._file)
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._made = self._closed = False

    @property
    def waiting(self) -> int:
        """Writes that the writer has not begun."""
        return self._writer.waiting

    @property
    def groups(self) -> int:
        """Transactions that were committed since this store was made."""
        return self._writer.groups

    def get(self, bucket: str, key: str, *, until: Until = PATIENT) -> bytes | None:
        """See ``Store``."""
        return self.entry(bucket, key, until=until).value

    def entry(self, bucket: str, key: str, *, until: Until = PATIENT) -> Entry:
        """See ``Store``."""
        wanted = protocol.check_key(self.bounds, key)

        def read(connection: sqlite3.Connection) -> Entry:
            found = connection.execute(_ROW.format("value, e.version"), (bucket, wanted)).fetchone()
            return Entry() if found is None else Entry(*found)

        return self._read(bucket, until, read)

    def exists(self, bucket: str, key: str, *, until: Until = PATIENT) -> bool:
        """See ``Store``."""
        wanted = protocol.check_key(self.bounds, key)

        def read(connection: sqlite3.Connection) -> bool:
            return connection.execute(_ROW.format("version"), (bucket, wanted)).fetchone() is not None

        return self._read(bucket, until, read)

    def get_many(self, bucket: str, keys: Sequence[str], *, until: Until = PATIENT) -> list[bytes | None]:
        """See ``Store``."""
        protocol.check_batch(self.bounds, len(keys))
        wanted = [protocol.check_key(self.bounds, key) for key in keys]
        return self._read(bucket, until, lambda connection: self._values(connection, bucket, wanted, until))

    def list_keys(
        self,
        bucket: str,
        prefix: str = "",
        *,
        after: str | None = None,
        most: int | None = None,
        until: Until = PATIENT,
    ) -> Page:
        """See ``Store``."""
        begin, last, count = protocol.check_list(self.bounds, prefix, after, most)
        beyond = last is not None and last >= begin
        end = _successor(begin)
        query = _KEYS.format(">" if beyond else ">=")

        def read(connection: sqlite3.Connection) -> list[tuple[bytes]]:
            given = (bucket, last if beyond else begin, end, end, count + 1)
            return connection.execute(query, given).fetchall()

        found = self._read(bucket, until, read)
        return protocol.page([key for (key,) in found], count)

    def usage(self, bucket: str, *, until: Until = PATIENT) -> Usage:
        """See ``Store``."""
        return self._read(bucket, until, lambda connection: SqliteTable(connection).usage(bucket))

    def set(self, bucket: str, key: str, value: bytes, *, until: Until = PATIENT) -> None:
        """See ``Store``."""
        bounds = self.bounds
        self._write(
            bucket, len(value), until, lambda table: changes.set_one(table, bounds, bucket, key, value)
        )

    def set_many(self, bucket: str, items: Sequence[tuple[str, bytes]], *, until: Until = PATIENT) -> None:
        """See ``Store``."""
        bounds, size = self.bounds, sum(len(value) for _, value in items)
        self._write(bucket, size, until, lambda table: changes.set_many(table, bounds, bucket, items))

    def delete(self, bucket: str, key: str, *, until: Until = PATIENT) -> bool:
        """See ``Store``."""
        return self.delete_many(bucket, [key], until=until) == 1

    def delete_many(self, bucket: str, keys: Sequence[str], *, until: Until = PATIENT) -> int:
        """See ``Store``."""
        bounds = self.bounds
        return self._write(
            bucket, len(keys), until, lambda table: changes.delete_many(table, bounds, bucket, keys)
        )

    def clear(self, bucket: str, *, until: Until = PATIENT) -> int:
        """See ``Store``."""
        return self._write(bucket, 0, until, lambda table: changes.clear(table, bucket))

    def swap(
        self, bucket: str, key: str, version: int, value: bytes | None, *, until: Until = PATIENT
    ) -> Entry | None:
        """See ``Store``."""
        bounds = self.bounds
        return self._write(
            bucket,
            len(value or b""),
            until,
            lambda table: changes.swap(table, bounds, bucket, key, version, value=value),
        )

    def increment(
        self,
        bucket: str,
        key: str,
        delta: int,
        *,
        least: int = -(2**63),
        most: int = 2**63 - 1,
        until: Until = PATIENT,
    ) -> int:
        """See ``Store``."""
        bounds, within = self.bounds, (least, most)
        return self._write(
            bucket,
            0,
            until,
            lambda table: changes.increment(table, bounds, bucket, key, delta, within=within),
        )

    def close(self) -> None:
        """See ``Store``: what waits is written first."""
        self._writer.close()
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _values(
        self, connection: sqlite3.Connection, bucket: str, keys: list[bytes], until: Until
    ) -> list[bytes | None]:
        values: list[bytes | None] = []
        size = 0
        # One transaction, so that all are of one moment; nothing is read beyond what may be answered.
        connection.execute("BEGIN")
        try:
            for key in keys:
                if until.due():
                    raise StateOverdue
                found = connection.execute(_ROW.format("value"), (bucket, key)).fetchone()
                values.append(None if found is None else found[0])
                size += 0 if found is None else len(found[0])
                protocol.check_batch(self.bounds, 0, size)
        finally:
            rollback(connection)
        return values

    def _write(self, bucket: str, weight: int, until: Until, change: Callable[[SqliteTable], _T]) -> _T:
        protocol.check_bucket(bucket)
        return self._writer.write(change, weight, until)

    def _read(self, bucket: str, until: Until, work: Callable[[sqlite3.Connection], _T]) -> _T:
        protocol.check_bucket(bucket)
        with self._reader(until) as connection:
            return self._file.patiently(lambda: work(connection), until)

    @contextlib.contextmanager
    def _reader(self, until: Until) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses meanwhile."""
        with self._lock:
            if self._closed:
                raise StateUnavailable(str(self._file.path), "the state store is closed")
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            if not self._made:
                self._file.create(until)
                self._made = True
            connection = self._file.connect(until, read_only=True)
        try:
            yield connection
        except (CallerError, StateOverdue):
            self._give_back(connection)
            raise
        except BaseException:
            connection.close()  # what failed may be its own state
            raise
        else:
            self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            kept = not self._closed and len(self._idle) < READERS
            if kept:
                self._idle.append(connection)
        if not kept:
            connection.close()


def _successor(prefix: bytes) -> bytes | None:
    """The least bytes above everything that begins with ``prefix``; None where there are none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None
