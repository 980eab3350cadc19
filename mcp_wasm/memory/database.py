"""The SQLite file of a store: private, opened the same way by writer and readers, its errors in words.

Write-ahead log: readers never wait for the writer, and what was committed
survives the end of the process, ``kill -9`` included. Against loss of power it
is synced at checkpoints only (``normal``) or at every commit (``full``).
Source: https://sqlite.org/wal.html and https://sqlite.org/pragma.html.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mcp_wasm.errors import StateOverdue, StateUnavailable
from mcp_wasm.memory.options import Sync
from mcp_wasm.memory.protocol import Until

APPLICATION, SCHEMA = 1836544884, 1
"""What the file's header says: whose it is ("mwst"), and the version of the tables below."""

_TABLES = """
PRAGMA application_id = 1836544884;
PRAGMA user_version = 1;
CREATE TABLE buckets (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, keys INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, key BLOB NOT NULL,
    version INTEGER NOT NULL, value BLOB NOT NULL, UNIQUE (bucket, key)
) STRICT;
CREATE TABLE totals (bytes INTEGER NOT NULL, version INTEGER NOT NULL) STRICT;
INSERT INTO totals VALUES (0, 0);
"""

_SLICE = 0.02
"""Seconds for which SQLite itself waits for another process, so that a caller whose time is over can go."""

LOG_BYTES = 16 * 1024 * 1024
"""What the write-ahead log is cut back to once everything in it is in the file."""

_T = TypeVar("_T")


class File:
    """A state file by its path; ``busy`` is how many seconds to wait for another process that holds it."""

    def __init__(self, path: Path, sync: Sync, busy: float) -> None:
        self.path, self.sync, self.busy = path, sync, busy

    def create(self, until: Until) -> None:
        """Make the file and its tables if they are not there yet.

        Raises:
            StateUnavailable, StateOverdue: if that cannot be done.
        """
        try:
            self._make_private()
        except OSError as error:
            raise self.failed(error) from None
        with contextlib.closing(self.connect(until)) as connection:
            self.patiently(lambda: _create_tables(connection), until)
            self._check_header(connection)

    def connect(self, until: Until, *, read_only: bool = False) -> sqlite3.Connection:
        """A connection, usable from any thread, that begins no transactions by itself.

        Raises:
            StateUnavailable, StateOverdue: if the file cannot be opened.
        """

        def opened() -> sqlite3.Connection:
            # Opened by name with nothing to create: a file that was taken away is not made anew, empty.
            connection = sqlite3.connect(
                self.path.absolute().as_uri() + "?mode=rw",
                uri=True,
                timeout=_SLICE,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                for pragma in self._pragmas(read_only=read_only):
                    connection.execute(f"PRAGMA {pragma}")
            except BaseException:
                connection.close()
                raise
            return connection

        return self.patiently(opened, until)

    def patiently(self, work: Callable[[], _T], until: Until) -> _T:
        """``work()``, again and again while another process holds the file.

        Raises:
            StateUnavailable, StateOverdue: if it cannot be done.
        """
        begun = time.monotonic()
        while True:
            if until.due():
                raise StateOverdue
            try:
                return work()
            except sqlite3.Error as error:
                if not is_busy(error) or time.monotonic() - begun > self.busy:
                    raise self.failed(error) from error

    def log_size(self) -> int:
        """Bytes of the write-ahead log."""
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size
        except OSError:
            return 0

    def failed(self, error: Exception) -> StateUnavailable:
        """The error of SQLite or of the system in words."""
        reason, hint = _reason(error)
        return StateUnavailable(str(self.path), reason, hint)

    def _pragmas(self, *, read_only: bool) -> tuple[str, ...]:
        common = ("trusted_schema = OFF", "temp_store = MEMORY", "cache_size = -4096")
        if read_only:
            return (*common, "query_only = ON")
        journal = ("journal_mode = WAL", f"journal_size_limit = {LOG_BYTES}")
        return (*common, *journal, f"synchronous = {self.sync.upper()}")

    def _make_private(self) -> None:
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, 0o600)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(0, "it is no regular file")
            if found.st_mode & 0o077:
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)

    def _check_header(self, connection: sqlite3.Connection) -> None:
        found = tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _HEADER)
        if found != (APPLICATION, SCHEMA):
            raise StateUnavailable(
                str(self.path),
                "the state file is not one of this version of mcp-wasm",
                "Move it away to begin with an empty one.",
            )


_HEADER = ("application_id", "user_version")


def _create_tables(connection: sqlite3.Connection) -> None:
    if not _is_empty(connection):
        return  # without a lock: another process may be writing
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_empty(connection):
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        rollback(connection)
        raise


def _is_empty(connection: sqlite3.Connection) -> bool:
    return not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]


def rollback(connection: sqlite3.Connection) -> None:
    """End a transaction that may be over already."""
    with contextlib.suppress(sqlite3.Error):
        connection.execute("ROLLBACK")


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process holds what was asked for."""
    return _code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


_AWAY = "Move it away to begin with an empty one, or put a copy in its place."

_REASONS = {
    sqlite3.SQLITE_BUSY: ("another process holds the state file", "Try again when it has finished."),
    sqlite3.SQLITE_LOCKED: ("another process holds the state file", "Try again when it has finished."),
    sqlite3.SQLITE_FULL: ("the disk is full", "Make room and try again."),
    sqlite3.SQLITE_CORRUPT: ("the state file is damaged", _AWAY),
    sqlite3.SQLITE_NOTADB: ("the state file is damaged or no state file", _AWAY),
    sqlite3.SQLITE_IOERR: ("the state file cannot be read or written", "Look at the disk it is on."),
    sqlite3.SQLITE_CANTOPEN: (
        "the state file cannot be opened",
        "Look whether it is there and may be written.",
    ),
    sqlite3.SQLITE_READONLY: ("the state file may not be written", "Look at its permissions."),
    sqlite3.SQLITE_PERM: ("the state file may not be opened", "Look at its permissions."),
}


def _reason(error: Exception) -> tuple[str, str]:
    if isinstance(error, OSError):
        return (f"the state file cannot be opened: {error.strerror}", "Look at its permissions.")
    known = _REASONS.get(_code(error))
    return known or (f"SQLite failed with {getattr(error, 'sqlite_errorname', type(error).__name__)}", "")
