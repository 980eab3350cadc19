"""A store in this process's memory: gone with it. For tests, and for state that need not last."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from mcp_wasm.errors import StateOverdue, StateUnavailable
from mcp_wasm.memory import changes, protocol
from mcp_wasm.memory.protocol import PATIENT, Bounds, Entry, Page, Until, Usage

_T = TypeVar("_T")


class _Bucket:
    """Entries by key, the keys in order, and the bytes of all."""

    __slots__ = ("bytes", "entries", "order")

    def __init__(self) -> None:
        self.entries: dict[bytes, Entry] = {}
        self.order: list[bytes] = []
        self.bytes = 0


class _Table:
    """The buckets, as ``changes`` sees them: whoever uses it holds the lock."""

    def __init__(self) -> None:
        self.buckets: dict[str, _Bucket] = {}
        self._total = 0
        self._version = 0

    def usage(self, bucket: str) -> Usage:
        found = self.buckets.get(bucket)
        return Usage() if found is None else Usage(len(found.entries), found.bytes)

    def total(self) -> int:
        return self._total

    def size(self, bucket: str, key: bytes) -> int | None:
        value = self.entry(bucket, key).value
        return None if value is None else len(value)

    def entry(self, bucket: str, key: bytes) -> Entry:
        found = self.buckets.get(bucket)
        return _NOTHING if found is None else found.entries.get(key, _NOTHING)

    def put(self, bucket: str, key: bytes, value: bytes) -> None:
        found = self.buckets.setdefault(bucket, _Bucket())
        if key not in found.entries:
            bisect.insort(found.order, key)
        self._version += 1
        found.entries[key] = Entry(value, self._version)

    def remove(self, bucket: str, key: bytes) -> None:
        found = self.buckets[bucket]
        del found.entries[key]
        del found.order[bisect.bisect_left(found.order, key)]

    def remove_all(self, bucket: str) -> None:
        self.buckets[bucket].entries.clear()

    def account(self, bucket: str, usage: Usage) -> None:
        found = self.buckets[bucket]
        self._total += usage.bytes - found.bytes
        found.bytes = usage.bytes
        if not found.entries:
            del self.buckets[bucket]


_NOTHING = Entry()


class InMemory:
    """A ``Store`` that lives as long as the object."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self._lock = threading.Lock()
        self._table: _Table | None = _Table()

    def get(self, bucket: str, key: str, *, until: Until = PATIENT) -> bytes | None:
        """See ``Store``."""
        return self.entry(bucket, key, until=until).value

    def entry(self, bucket: str, key: str, *, until: Until = PATIENT) -> Entry:
        """See ``Store``."""
        wanted = protocol.check_key(self.bounds, key)
        return self._do(bucket, until, lambda table: table.entry(bucket, wanted))

    def exists(self, bucket: str, key: str, *, until: Until = PATIENT) -> bool:
        """See ``Store``."""
        return self.get(bucket, key, until=until) is not None

    def get_many(self, bucket: str, keys: Sequence[str], *, until: Until = PATIENT) -> list[bytes | None]:
        """See ``Store``."""
        protocol.check_batch(self.bounds, len(keys))
        wanted = [protocol.check_key(self.bounds, key) for key in keys]
        found = self._do(bucket, until, lambda table: [table.entry(bucket, key).value for key in wanted])
        protocol.check_batch(self.bounds, 0, sum(len(value or b"") for value in found))
        return found

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
        found = self._do(
            bucket, until, lambda table: _some_keys(table.buckets.get(bucket), begin, last, count)
        )
        return protocol.page(found, count)

    def usage(self, bucket: str, *, until: Until = PATIENT) -> Usage:
        """See ``Store``."""
        return self._do(bucket, until, lambda table: table.usage(bucket))

    def set(self, bucket: str, key: str, value: bytes, *, until: Until = PATIENT) -> None:
        """See ``Store``."""
        self._do(bucket, until, lambda table: changes.set_one(table, self.bounds, bucket, key, value))

    def set_many(self, bucket: str, items: Sequence[tuple[str, bytes]], *, until: Until = PATIENT) -> None:
        """See ``Store``."""
        self._do(bucket, until, lambda table: changes.set_many(table, self.bounds, bucket, items))

    def delete(self, bucket: str, key: str, *, until: Until = PATIENT) -> bool:
        """See ``Store``."""
        return self.delete_many(bucket, [key], until=until) == 1

    def delete_many(self, bucket: str, keys: Sequence[str], *, until: Until = PATIENT) -> int:
        """See ``Store``."""
        return self._do(bucket, until, lambda table: changes.delete_many(table, self.bounds, bucket, keys))

    def clear(self, bucket: str, *, until: Until = PATIENT) -> int:
        """See ``Store``."""
        return self._do(bucket, until, lambda table: changes.clear(table, bucket))

    def swap(
        self, bucket: str, key: str, version: int, value: bytes | None, *, until: Until = PATIENT
    ) -> Entry | None:
        """See ``Store``."""
        return self._do(
            bucket, until, lambda table: changes.swap(table, self.bounds, bucket, key, version, value=value)
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
        within = (least, most)
        return self._do(
            bucket,
            until,
            lambda table: changes.increment(table, self.bounds, bucket, key, delta, within=within),
        )

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._table = None

    def _do(self, bucket: str, until: Until, work: Callable[[_Table], _T]) -> _T:
        protocol.check_bucket(bucket)
        if until.due():
            raise StateOverdue
        with self._lock:
            if self._table is None:
                raise StateUnavailable("memory", "it is closed")
            return work(self._table)


def _some_keys(bucket: _Bucket | None, prefix: bytes, after: bytes | None, count: int) -> list[bytes]:
    """The keys of a page and the first of the next."""
    if bucket is None:
        return []
    order = bucket.order
    at = bisect.bisect_left(order, prefix)
    if after is not None:
        at = max(at, bisect.bisect_right(order, after))
    found = order[at : at + count + 1]
    return [key for key in found if key.startswith(prefix)]
