"""What the writing methods of a store do, told once for every backend, over one transaction of it.

A change checks everything before it writes anything, so one that is refused has
written nothing and the transaction that it is part of goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mcp_wasm.errors import StateRefused
from mcp_wasm.memory import protocol
from mcp_wasm.memory.protocol import ENTRY_BYTES, Bounds, Entry, Usage

_DIGITS = 21
"""Characters of the longest number that fits 64 bits, with its sign, and one more."""


class Table(Protocol):
    """The entries of a store within one transaction. Keys are UTF-8."""

    def usage(self, bucket: str) -> Usage:
        """How full a bucket is."""

    def total(self) -> int:
        """Bytes of all buckets."""

    def size(self, bucket: str, key: bytes) -> int | None:
        """Bytes of a value, None where there is none."""

    def entry(self, bucket: str, key: bytes) -> Entry:
        """A value and its version."""

    def put(self, bucket: str, key: bytes, value: bytes) -> None:
        """Keep a value under the next version."""

    def remove(self, bucket: str, key: bytes) -> None:
        """Remove an entry that is there."""

    def remove_all(self, bucket: str) -> None:
        """Remove every entry of a bucket."""

    def account(self, bucket: str, usage: Usage) -> None:
        """A bucket is now so full."""


def set_many(table: Table, bounds: Bounds, bucket: str, items: Sequence[tuple[str, bytes]]) -> None:
    """``Store.set_many``; see there."""
    protocol.check_batch(bounds, len(items), sum(len(value) for _, value in items))
    put: dict[bytes, bytes] = {}
    for key, value in items:
        protocol.check_value(bounds, value)
        put[protocol.check_key(bounds, key)] = value
    _put(table, bounds, bucket, put)


def set_one(table: Table, bounds: Bounds, bucket: str, key: str, value: bytes) -> None:
    """``Store.set``; see there."""
    protocol.check_value(bounds, value)
    _put(table, bounds, bucket, {protocol.check_key(bounds, key): value})


def delete_many(table: Table, bounds: Bounds, bucket: str, keys: Sequence[str]) -> int:
    """``Store.delete_many``; see there."""
    protocol.check_batch(bounds, len(keys))
    sizes = {key: table.size(bucket, key) for key in {protocol.check_key(bounds, key) for key in keys}}
    there = {key: size for key, size in sizes.items() if size is not None}
    usage = table.usage(bucket)
    for key in there:
        table.remove(bucket, key)
    if there:
        freed = sum(len(key) + size + ENTRY_BYTES for key, size in there.items())
        table.account(bucket, Usage(usage.keys - len(there), usage.bytes - freed))
    return len(there)


def clear(table: Table, bucket: str) -> int:
    """``Store.clear``; see there."""
    usage = table.usage(bucket)
    if usage.keys:
        table.remove_all(bucket)
        table.account(bucket, Usage())
    return usage.keys


def swap(
    table: Table, bounds: Bounds, bucket: str, key: str, version: int, *, value: bytes | None
) -> Entry | None:
    """``Store.swap``; see there."""
    found = table.entry(bucket, protocol.check_key(bounds, key))
    if found.version != version:
        return found
    if value is None:
        delete_many(table, bounds, bucket, [key])
    else:
        set_one(table, bounds, bucket, key, value)
    return None


def increment(
    table: Table, bounds: Bounds, bucket: str, key: str, delta: int, *, within: tuple[int, int]
) -> int:
    """``Store.increment``; see there."""
    found = table.entry(bucket, protocol.check_key(bounds, key)).value
    total = (0 if found is None else number(found)) + delta
    least, most = within
    if not least <= total <= most:
        raise StateRefused("the sum", f"a number from {least} to {most}", str(total))
    set_one(table, bounds, bucket, key, b"%d" % total)
    return total


def number(value: bytes) -> int:
    """The number that a value writes.

    Raises:
        StateRefused: it writes none.
    """
    text = value.removeprefix(b"-")
    if not (0 < len(text) < _DIGITS and text.isdigit()):
        raise StateRefused("the value to add to", "a number in decimal digits", f"{len(value):,} other bytes")
    return int(value)


def _put(table: Table, bounds: Bounds, bucket: str, items: dict[bytes, bytes]) -> None:
    usage = table.usage(bucket)
    keys, size = usage.keys, usage.bytes
    for key, value in items.items():
        old = table.size(bucket, key)
        if old is None:
            keys, size = keys + 1, size + len(key) + ENTRY_BYTES
        size += len(value) - (old or 0)
    # What shrinks a bucket is taken even where limits were lowered below what it holds.
    if keys > usage.keys and keys > bounds.keys:
        raise StateRefused(f"bucket {bucket}", f"at most {bounds.keys:,} keys", f"{keys:,} keys")
    if size > usage.bytes:
        if size > bounds.bucket:
            raise StateRefused(f"bucket {bucket}", f"at most {bounds.bucket:,} bytes", f"{size:,} bytes")
        total = table.total() + size - usage.bytes
        if total > bounds.total:
            raise StateRefused("the whole store", f"at most {bounds.total:,} bytes", f"{total:,} bytes")
    for key, value in items.items():
        table.put(bucket, key, value)
    if items:
        table.account(bucket, Usage(keys, size))
