"""A store in Redis, or what speaks its protocol (Valkey): state that several machines share. Extra ``redis``.

Every change is one script, which Redis runs as a whole: it reads the accounts and the entries,
keeps the bounds and writes. Its rules are those of ``changes``, told again in Lua since they have
to hold between processes. A bucket is a hash of values, a hash of versions, a sorted set of its
keys, and a hash of what it holds. How durable a write is, is the server's setting (``appendfsync``).
Redis 7 or newer, one server or a primary with replicas; no cluster, since a change is of several keys.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mcp_wasm.errors import StateOverdue, StateRefused, StateUnavailable
from mcp_wasm.memory import changes, protocol
from mcp_wasm.memory.protocol import ENTRY_BYTES, PATIENT, Bounds, Entry, Page, Until, Usage
from mcp_wasm.memory.redis_scripts import CHANGE, CLEAR, READ

_T = TypeVar("_T")

_SECONDS = 5.0
"""How long the server may take for one answer."""

_REFUSALS: dict[bytes, str] = {
    b"keys": "at most {:,} keys",
    b"bucket": "at most {:,} bytes",
    b"total": "at most {:,} bytes",
}


class Redis:
    """A ``Store`` on the server at ``url`` (``redis://HOST``, ``rediss://`` with TLS, ``unix://PATH``).

    Its keys begin with ``prefix``.
    """

    def __init__(
        self, url: str, bounds: Bounds | None = None, *, prefix: str = "mcp-wasm", seconds: float = _SECONDS
    ) -> None:
        self.bounds = bounds or Bounds()
        self._prefix = prefix
        self._closed = False
        # What was not answered is not tried again: it may have been done.
        self._redis = redis.Redis.from_url(
            url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=Retry(NoBackoff(), 0)
        )
        self._change_script = self._redis.register_script(CHANGE)
        self._clear_script = self._redis.register_script(CLEAR)
        self._read_script = self._redis.register_script(READ)

    def get(self, bucket: str, key: str, *, until: Until = PATIENT) -> bytes | None:
        """See ``Store``."""
        return self.entry(bucket, key, until=until).value

    def entry(self, bucket: str, key: str, *, until: Until = PATIENT) -> Entry:
        """See ``Store``."""
        return self._read(bucket, [key], until)[0]

    def exists(self, bucket: str, key: str, *, until: Until = PATIENT) -> bool:
        """See ``Store``."""
        return self.get(bucket, key, until=until) is not None

    def get_many(self, bucket: str, keys: Sequence[str], *, until: Until = PATIENT) -> list[bytes | None]:
        """See ``Store``."""
        protocol.check_batch(self.bounds, len(keys))
        return [each.value for each in self._read(bucket, keys, until, self.bounds.answer)]

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
        least = b"[" + begin if last is None or last < begin else b"(" + last
        # No byte of UTF-8 is 255.
        found: list[Any] = self._do(
            bucket,
            until,
            lambda: self._redis.zrange(
                self._keys(bucket)[2], least, b"(" + begin + b"\xff", bylex=True, offset=0, num=count + 1
            ),
        )
        return protocol.page(found, count)

    def usage(self, bucket: str, *, until: Until = PATIENT) -> Usage:
        """See ``Store``."""
        found = self._do(bucket, until, lambda: self._redis.hmget(self._keys(bucket)[3], "keys", "bytes"))
        return Usage(*(int(each or 0) for each in found))

    def set(self, bucket: str, key: str, value: bytes, *, until: Until = PATIENT) -> None:
        """See ``Store``."""
        protocol.check_value(self.bounds, value)
        self._change(bucket, until, "set", [protocol.check_key(self.bounds, key), value])

    def set_many(self, bucket: str, items: Sequence[tuple[str, bytes]], *, until: Until = PATIENT) -> None:
        """See ``Store``."""
        protocol.check_batch(self.bounds, len(items), sum(len(value) for _, value in items))
        put: dict[bytes, bytes] = {}
        for key, value in items:
            protocol.check_value(self.bounds, value)
            put[protocol.check_key(self.bounds, key)] = value
        self._change(bucket, until, "set", [part for item in put.items() for part in item])

    def delete(self, bucket: str, key: str, *, until: Until = PATIENT) -> bool:
        """See ``Store``."""
        return self.delete_many(bucket, [key], until=until) == 1

    def delete_many(self, bucket: str, keys: Sequence[str], *, until: Until = PATIENT) -> int:
        """See ``Store``."""
        protocol.check_batch(self.bounds, len(keys))
        wanted = dict.fromkeys(protocol.check_key(self.bounds, key) for key in keys)
        return int(self._change(bucket, until, "delete", list(wanted))[1])

    def clear(self, bucket: str, *, until: Until = PATIENT) -> int:
        """See ``Store``."""
        return int(self._do(bucket, until, lambda: self._clear_script(keys=self._keys(bucket))))

    def swap(
        self, bucket: str, key: str, version: int, value: bytes | None, *, until: Until = PATIENT
    ) -> Entry | None:
        """See ``Store``."""
        wanted = protocol.check_key(self.bounds, key)
        if value is not None:
            protocol.check_value(self.bounds, value)
        given = [wanted, b"%d" % version, b"delete" if value is None else b"set", value or b""]
        answer = self._change(bucket, until, "swap", given)
        return None if answer[0] == b"ok" else _entry(answer[1], answer[2])

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
        protocol.check_key(self.bounds, key)
        # Lua's numbers are floating: it is added here, and kept if nobody was quicker.
        found = self.entry(bucket, key, until=until)
        while True:
            total = (0 if found.value is None else changes.number(found.value)) + delta
            if not least <= total <= most:
                raise StateRefused("the sum", f"a number from {least} to {most}", str(total))
            now = self.swap(bucket, key, found.version, b"%d" % total, until=until)
            if now is None:
                return total
            found = now

    def close(self) -> None:
        """Let the connections go."""
        self._closed = True
        self._redis.close()

    def _read(self, bucket: str, keys: Sequence[str], until: Until, most: int | None = None) -> list[Entry]:
        wanted = [protocol.check_key(self.bounds, key) for key in keys]
        if not wanted:
            return []
        given = [b"%d" % (-1 if most is None else most), *wanted]
        answer = self._do(bucket, until, lambda: self._read_script(keys=self._keys(bucket), args=given))
        if answer[0] == b"long":
            protocol.check_batch(self.bounds, 0, int(answer[1]))
        return [_entry(answer[at], answer[at + 1]) for at in range(1, len(answer), 2)]

    def _change(self, bucket: str, until: Until, what: str, given: list[bytes]) -> list[Any]:
        bounds = self.bounds
        limits = [bounds.keys, bounds.bucket, bounds.total, ENTRY_BYTES]
        args: list[Any] = [what, *limits, *given]
        answer: list[Any] = self._do(
            bucket, until, lambda: self._change_script(keys=self._keys(bucket), args=args)
        )
        if answer[0] in _REFUSALS:
            which, found = answer[0], int(answer[1])
            where = "the whole store" if which == b"total" else f"bucket {bucket}"
            unit = "keys" if which == b"keys" else "bytes"
            expected = _REFUSALS[which].format(getattr(bounds, which.decode()))
            raise StateRefused(where, expected, f"{found:,} {unit}")
        return answer

    def _keys(self, bucket: str) -> list[bytes]:
        begin = f"{self._prefix}:".encode()
        of = begin + b"bucket:" + bucket.encode()
        return [of + b":values", of + b":versions", of + b":keys", of + b":account", begin + b"store"]

    def _do(self, bucket: str, until: Until, work: Callable[[], _T]) -> _T:
        protocol.check_bucket(bucket)
        if until.due():
            raise StateOverdue
        if self._closed:
            raise StateUnavailable("Redis", "it is closed")
        try:
            return work()
        except redis.exceptions.RedisError as error:
            if math.isfinite(until.deadline) and time.monotonic() > until.deadline:
                raise StateOverdue from None
            raise StateUnavailable("Redis", _words(error), "Look whether it runs.") from None


def _entry(value: bytes | None, version: Any) -> Entry:
    return Entry() if value is None else Entry(value, int(version))


def _words(error: Exception) -> str:
    """Without the address, which a model need not know."""
    if isinstance(error, redis.exceptions.TimeoutError):
        return "it does not answer"
    if isinstance(error, redis.exceptions.AuthenticationError):
        return "it does not know this user and password"
    if isinstance(error, redis.exceptions.ConnectionError):
        return "it cannot be reached"
    return f"it refused the request ({type(error).__name__})"
