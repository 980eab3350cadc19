"""The tables of a SQLite file within one transaction, as ``changes`` sees them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from mcp_wasm.memory.protocol import Entry, Usage


@dataclass(slots=True)
class _Row:
    """A bucket's row: ``id`` is None until it has one."""

    id: int | None
    usage: Usage
    changed: bool = False


class SqliteTable:
    """One transaction. Rows that say how full things are are read once and written by ``flush``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._run = connection.execute
        self._rows: dict[str, _Row] = {}
        self._totals: list[int] | None = None

    def usage(self, bucket: str) -> Usage:
        """How full a bucket is."""
        return self._row(bucket).usage

    def total(self) -> int:
        """Bytes of all buckets."""
        return self._both()[0]

    def size(self, bucket: str, key: bytes) -> int | None:
        """Bytes of a value, None where there is none."""
        found = self._run(
            "SELECT length(value) FROM entries WHERE bucket = ? AND key = ?", (self._row(bucket).id, key)
        ).fetchone()
        return None if found is None else int(found[0])

    def entry(self, bucket: str, key: bytes) -> Entry:
        """A value and its version."""
        found = self._run(
            "SELECT value, version FROM entries WHERE bucket = ? AND key = ?", (self._row(bucket).id, key)
        ).fetchone()
        return Entry() if found is None else Entry(*found)

    def put(self, bucket: str, key: bytes, value: bytes) -> None:
        """Keep a value under the next version."""
        both = self._both()
        both[1] += 1
        self._run(
            "INSERT INTO entries (bucket, key, version, value) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (bucket, key) DO UPDATE SET version = excluded.version, value = excluded.value",
            (self._made(bucket), key, both[1], value),
        )

    def remove(self, bucket: str, key: bytes) -> None:
        """Remove an entry that is there."""
        self._run("DELETE FROM entries WHERE bucket = ? AND key = ?", (self._row(bucket).id, key))

    def remove_all(self, bucket: str) -> None:
        """Remove every entry of a bucket."""
        self._run("DELETE FROM entries WHERE bucket = ?", (self._row(bucket).id,))

    def account(self, bucket: str, usage: Usage) -> None:
        """A bucket is now so full."""
        row = self._row(bucket)
        self._both()[0] += usage.bytes - row.usage.bytes
        row.usage, row.changed = usage, True

    def flush(self) -> None:
        """Write the rows that changed, before the transaction is committed."""
        for row in self._rows.values():
            if row.changed and row.usage.keys:
                self._run(
                    "UPDATE buckets SET keys = ?, bytes = ? WHERE id = ?",
                    (row.usage.keys, row.usage.bytes, row.id),
                )
            elif row.changed:
                self._run("DELETE FROM buckets WHERE id = ?", (row.id,))
        if self._totals is not None:
            self._run("UPDATE totals SET bytes = ?, version = ?", tuple(self._totals))

    def _row(self, bucket: str) -> _Row:
        row = self._rows.get(bucket)
        if row is None:
            found = self._run("SELECT id, keys, bytes FROM buckets WHERE name = ?", (bucket,)).fetchone()
            row = _Row(None, Usage()) if found is None else _Row(found[0], Usage(found[1], found[2]))
            self._rows[bucket] = row
        return row

    def _made(self, bucket: str) -> int:
        row = self._row(bucket)
        if row.id is None:
            row.id = self._run(
                "INSERT INTO buckets (name, keys, bytes) VALUES (?, 0, 0)", (bucket,)
            ).lastrowid
        assert row.id is not None
        return row.id

    def _both(self) -> list[int]:
        """The bytes of all buckets and the latest version."""
        if self._totals is None:
            self._totals = list(self._run("SELECT bytes, version FROM totals").fetchone())
        return self._totals
