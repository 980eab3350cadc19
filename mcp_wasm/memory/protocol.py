"""What a state store does, whatever it keeps its state in: values of bytes under keys of text, in buckets.

Every method may be called from any thread and blocks until it is done. A write
that has returned is kept, as far as the backend says that it keeps anything; a
change of several keys happens as a whole or not at all. Keys are exact: nothing
is normalised, and they are listed in the order of their code points, which is
that of their UTF-8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mcp_wasm.errors import StateRefused

KIB, MIB = 1024, 1024 * 1024

ENTRY_BYTES = 64
"""What an entry costs beside its key and value, so that a million empty values are not free."""


class Until(Protocol):
    """How long a caller waits: a call's stop token is one."""

    @property
    def deadline(self) -> float:
        """Seconds of ``time.monotonic()``."""

    def due(self) -> bool:
        """Whether the caller waits no longer."""


@dataclass(frozen=True, slots=True)
class _Patient:
    deadline: float = math.inf

    def due(self) -> bool:
        return False


PATIENT: Until = _Patient()
"""Waits for as long as the backend itself does."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a store takes.

    ``key`` bytes of UTF-8 of a key, ``value`` bytes of a value; ``keys`` entries
    and ``bucket`` bytes of one bucket, ``total`` bytes of all of them, where an
    entry counts its key, its value and ``ENTRY_BYTES``; ``batch`` keys and
    ``answer`` bytes of one request for several; ``page`` keys of one page of a list.
    """

    key: int = KIB
    value: int = MIB
    keys: int = 100_000
    bucket: int = 64 * MIB
    total: int = 1024 * MIB
    batch: int = 10_000
    answer: int = 4 * MIB
    page: int = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """What a key holds: ``value`` is None and ``version`` 0 where it holds nothing.

    Every write gives a version that no entry of the store has had before.
    """

    value: bytes | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some keys in order; ``more`` says whether there are further ones after the last."""

    keys: tuple[str, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """How many entries and bytes (see ``Bounds``) a bucket has."""

    keys: int = 0
    bytes: int = 0


class Store(Protocol):
    """A state store.

    Every method raises ``StateRefused`` where a name, a key or a value is not
    within ``bounds``, ``StateUnavailable`` where the backend fails, and
    ``StateOverdue`` where ``until`` is due first; whether a write then happened
    is not known.
    """

    bounds: Bounds

    def get(self, bucket: str, key: str, *, until: Until = PATIENT) -> bytes | None:
        """The value, or None."""

    def entry(self, bucket: str, key: str, *, until: Until = PATIENT) -> Entry:
        """The value with its version, for ``swap``."""

    def exists(self, bucket: str, key: str, *, until: Until = PATIENT) -> bool:
        """Whether the key holds a value."""

    def get_many(self, bucket: str, keys: Sequence[str], *, until: Until = PATIENT) -> list[bytes | None]:
        """The values of ``keys``, as they were at one moment."""

    def list_keys(
        self,
        bucket: str,
        prefix: str = "",
        *,
        after: str | None = None,
        most: int | None = None,
        until: Until = PATIENT,
    ) -> Page:
        """The keys that begin with ``prefix`` and come after ``after``, at most ``most`` of them."""

    def usage(self, bucket: str, *, until: Until = PATIENT) -> Usage:
        """How full a bucket is."""

    def set(self, bucket: str, key: str, value: bytes, *, until: Until = PATIENT) -> None:
        """Keep ``value`` under ``key``, in place of what was there."""

    def set_many(self, bucket: str, items: Sequence[tuple[str, bytes]], *, until: Until = PATIENT) -> None:
        """Keep all of ``items``; of several values for a key the last."""

    def delete(self, bucket: str, key: str, *, until: Until = PATIENT) -> bool:
        """Remove a key; whether it was there."""

    def delete_many(self, bucket: str, keys: Sequence[str], *, until: Until = PATIENT) -> int:
        """Remove keys; how many were there."""

    def clear(self, bucket: str, *, until: Until = PATIENT) -> int:
        """Remove a bucket; how many keys it had."""

    def swap(
        self, bucket: str, key: str, version: int, value: bytes | None, *, until: Until = PATIENT
    ) -> Entry | None:
        """Keep ``value`` (None: remove the key) if the entry still has ``version``.

        None if it was done, else the entry as it is now. Version 0 stands for a
        key without a value: one that was made and removed again meanwhile counts
        as unchanged.
        """

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
        """Add ``delta`` to the number under ``key`` (decimal digits; 0 where there is none); the sum.

        Raises:
            StateRefused: also if there is no such number, or the sum is not within ``least`` and ``most``.
        """

    def close(self) -> None:
        """Let go of threads and files; what is called afterwards is ``StateUnavailable``."""


LONGEST_BUCKET = 128
"""Bytes of UTF-8 of a bucket's name."""


def check_bucket(bucket: str) -> None:
    """Whether a bucket may have that name: 1 to 128 bytes of characters that print.

    Raises:
        StateRefused: if not.
    """
    size = _size(bucket, "the name of a bucket")
    if not 1 <= size <= LONGEST_BUCKET:
        raise StateRefused("the name of a bucket", f"1 to {LONGEST_BUCKET} bytes of UTF-8", f"{size:,} bytes")
    if not bucket.isprintable():
        raise StateRefused("the name of a bucket", "characters that print", ascii(bucket))


def check_key(bounds: Bounds, key: str) -> bytes:
    """The key's UTF-8.

    Raises:
        StateRefused: if it is too long or no text.
    """
    size = _size(key, "a key")
    if size > bounds.key:
        raise StateRefused("a key", f"at most {bounds.key:,} bytes of UTF-8", f"{size:,} bytes")
    return key.encode()


def check_value(bounds: Bounds, value: bytes) -> None:
    """Whether a value is short enough.

    Raises:
        StateRefused: if not.
    """
    if len(value) > bounds.value:
        raise StateRefused("a value", f"at most {bounds.value:,} bytes", f"{len(value):,} bytes")


def check_batch(bounds: Bounds, count: int, size: int = 0) -> None:
    """Whether so many keys, and so many bytes, are few enough for one request.

    Raises:
        StateRefused: if not.
    """
    if count > bounds.batch:
        raise StateRefused("one request", f"at most {bounds.batch:,} keys", f"{count:,} keys")
    if size > bounds.answer:
        raise StateRefused("one request", f"at most {bounds.answer:,} bytes of values", f"{size:,} bytes")


def check_list(
    bounds: Bounds, prefix: str, after: str | None, most: int | None
) -> tuple[bytes, bytes | None, int]:
    """The UTF-8 of ``prefix`` and ``after``, and how many keys a page of the list has.

    Raises:
        StateRefused: if either is too long or no text.
    """
    begin = check_key(bounds, prefix)
    last = None if after is None else check_key(bounds, after)
    return begin, last, bounds.page if most is None else max(1, min(most, bounds.page))


def page(found: Sequence[bytes], count: int) -> Page:
    """The page of the first ``count`` of ``found``, which is one longer where there are more."""
    return Page(tuple(key.decode() for key in found[:count]), len(found) > count)


def _size(text: str, what: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise StateRefused(what, "Unicode text", "a lone surrogate") from None
