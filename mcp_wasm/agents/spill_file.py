"""The SQLite file of messages on disk: private, its rows, its errors in words.

Write-ahead log without waiting for the disk: what was committed survives the process; after
a loss of power the newest may be missing.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from mcp_wasm.errors import SpillFailed

APPLICATION, SCHEMA = 1836544880, 1
"""What the file's header says: whose it is ("mwsp"), and the version of the table."""

Row = tuple[str, int, int]
"""A message by its mailbox, lane and number."""

READ_BYTES = 1024 * 1024
"""Bytes of messages that are read in one go, beside the last."""


class Found(NamedTuple):
    """What a lane had when the file was opened; ``last`` is the highest number."""

    messages: int = 0
    last: int = 0
    size: int = 0


_TABLES = f"""
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {SCHEMA};
CREATE TABLE messages (
    mailbox TEXT NOT NULL, lane INTEGER NOT NULL, number INTEGER NOT NULL,
    owed INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (mailbox, lane, number)
) STRICT, WITHOUT ROWID;
"""

_T = TypeVar("_T")


class SpillFile:
    """The file ``path``: one connection for the writing thread, one for the event loop."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None

    def begin(self, address: str, *, kept: bool) -> dict[int, Found]:
        """By lane, what there is for ``address``.

        What is not ``kept`` is forgotten, and of what is kept that which its sender gives again.

        Raises:
            SpillFailed: if the file is damaged, another's, or cannot be opened.
        """
        if not self.path.exists():
            return {}

        def look() -> dict[int, Found]:
            reader = self._read_from()
            reader.execute("DELETE FROM messages WHERE mailbox = ? AND owed >= ?", (address, int(kept)))
            query = (
                "SELECT lane, count(*), max(number), sum(length(body)) FROM messages "
                "WHERE mailbox = ? GROUP BY lane"
            )
            return {lane: Found(*found) for lane, *found in reader.execute(query, (address,))}

        return self._or_words(look)

    def read(self, address: str, lane: int, after: int, most: int) -> list[tuple[int, bytes]]:
        """The oldest rows of a lane with a number above ``after``; few where they are large.

        Raises:
            SpillFailed: if they cannot be read.
        """

        def look() -> list[tuple[int, bytes]]:
            rows, size = [], 0
            query = (
                "SELECT number, body FROM messages WHERE mailbox = ? AND lane = ? AND number > ? "
                "ORDER BY number LIMIT ?"
            )
            for row in self._read_from().execute(query, (address, lane, after, most)):
                rows.append(row)
                size += len(row[1])
                if size >= READ_BYTES:
                    break
            return rows

        return self._or_words(look)

    def change(self, rows: Sequence[tuple[str, int, int, bool, bytes]], gone: Sequence[Row]) -> None:
        """Add and remove in one transaction; used by the writing thread.

        Raises:
            SpillFailed: if that cannot be done; then nothing was.
        """

        def carry_out() -> None:
            if self._writer is None:
                self._writer = self._open()
            with self._writer as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?)", rows)
                connection.executemany(
                    "DELETE FROM messages WHERE mailbox = ? AND lane = ? AND number = ?", gone
                )

        self._or_words(carry_out)

    def close(self) -> None:
        """Close both connections."""
        for connection in (self._writer, self._reader):
            if connection is not None:
                connection.close()
        self._writer = self._reader = None

    def damaged(self) -> SpillFailed:
        """The error for a file whose rows are not what was written."""
        return SpillFailed(str(self.path), f"the file is damaged. {_AWAY}")

    def _read_from(self) -> sqlite3.Connection:
        if self._reader is None:
            self._reader = self._open()
        return self._reader

    def _or_words(self, work: Callable[[], _T]) -> _T:
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            raise SpillFailed(str(self.path), _reason(error)) from error

    def _open(self) -> sqlite3.Connection:
        _make_private(self.path)
        connection = sqlite3.connect(
            self.path.absolute().as_uri() + "?mode=rw",
            uri=True,
            timeout=5.0,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # The journal last: turning it over is waited for on the disk, unless nothing is.
            for pragma in ("trusted_schema = OFF", "synchronous = OFF", "journal_mode = WAL"):
                connection.execute(f"PRAGMA {pragma}")
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
        connection.execute("COMMIT")
        found = tuple(
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        if found != (APPLICATION, SCHEMA):
            raise SpillFailed(str(self.path), f"it is no file of messages of this version. {_AWAY}")


_AWAY = "Move it away to begin with an empty one"

_REASONS = {
    sqlite3.SQLITE_BUSY: "another process holds the file",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CORRUPT: f"the file is damaged. {_AWAY}",
    sqlite3.SQLITE_NOTADB: f"the file is damaged or no file of messages. {_AWAY}",
    sqlite3.SQLITE_READONLY: "the file may not be written",
}


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return (
        _REASONS.get(code) or f"SQLite failed with {getattr(error, 'sqlite_errorname', type(error).__name__)}"
    )


def _make_private(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.parent.stat().st_mode & 0o077:
        path.parent.chmod(0o700)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "it is no regular file")
        if found.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
