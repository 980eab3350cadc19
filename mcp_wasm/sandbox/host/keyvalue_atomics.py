"""``wasi:keyvalue/atomics``: numbers that are added to, and swaps of what nobody wrote meanwhile.

A swap's handle holds no lock and no value, only which write it saw: a guest that
keeps one, or thousands, keeps nobody waiting. Numbers are kept as decimal
digits, as other hosts of this interface do.
"""

from __future__ import annotations

from typing import Any

from mcp_wasm.errors import StateRefused
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.host.keyvalue_store import Bucket, allowed, answered


class Cas:
    """A key at the write ``version``; ``seen`` once the guest was given the value of that write."""

    __slots__ = ("bucket", "key", "seen", "version")

    def __init__(self, bucket: str, key: str, version: int) -> None:
        self.bucket, self.key, self.version, self.seen = bucket, key, version, False


@answered
def _new(call: Call, bucket: Bucket, key: str) -> Cas:
    store = allowed(call, bucket.name, write=False)
    return Cas(bucket.name, key, store.entry(bucket.name, key, until=call.stop).version)


@answered
def _current(call: Call, cas: Cas) -> bytes | None:
    found = allowed(call, cas.bucket, write=False).entry(cas.bucket, cas.key, until=call.stop)
    if cas.seen and found.version != cas.version:
        raise StateRefused("the handle", "a key that was not written since", "one that was: make a new one")
    # The first look decides what a swap replaces: nothing was concluded from an earlier value.
    cas.version, cas.seen = found.version, True
    return found.value


@answered
def _swap_entry(call: Call, cas: Cas, value: bytes) -> Cas | None:
    store = allowed(call, cas.bucket, write=True)
    newer = store.swap(cas.bucket, cas.key, cas.version, value, until=call.stop)
    return None if newer is None else Cas(cas.bucket, cas.key, newer.version)


def _swap(call: Call, cas: Cas, value: bytes) -> Any:
    answer = _swap_entry(call, cas, value)
    if "err" in answer:
        return {"err": {"tag": "store-error", "val": answer["err"]}}
    retry = answer["ok"]
    return answer if retry is None else {"err": {"tag": "cas-failed", "val": retry}}


@answered
def _increment(call: Call, bucket: Bucket, key: str, delta: int) -> int:
    store = allowed(call, bucket.name, write=True)
    return store.increment(bucket.name, key, delta, until=call.stop)


@answered
def _increment_unsigned(call: Call, bucket: Bucket, key: str, delta: int) -> int:
    store = allowed(call, bucket.name, write=True)
    return store.increment(bucket.name, key, delta, least=0, most=2**64 - 1, until=call.stop)


INTERFACES = (
    Interface(
        "wasi:keyvalue/atomics",
        ("0.2.0-draft2",),
        {
            "increment": _increment,
            "[static]cas.new": _new,
            "[method]cas.current": _current,
            "swap": _swap,
        },
        {"cas": Cas},
        uses={"bucket": Bucket},
    ),
    Interface(
        "wasi:keyvalue/atomics",
        ("0.2.0-draft",),
        {"increment": _increment_unsigned},
        uses={"bucket": Bucket},
    ),
)
