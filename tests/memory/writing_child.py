"""A process that writes and says what was acknowledged, until it is killed.

Its arguments are ``store`` or ``guest``, the file, the name that its buckets begin with, and a seed.
Each of its threads carries out its own endless list of steps on a bucket of its
own and prints ``THREAD NUMBER`` after a step has returned. The steps follow from
the seed, so whoever killed it knows what the bucket must hold.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcp_wasm.capability.grant import KeyValue
from mcp_wasm.memory.sqlite import Sqlite

THREADS = 3
EVERYTHING = KeyValue("*", write=True)

Step = tuple[str, dict[str, bytes]]
"""What is done: ``set`` and ``batch`` with what is written, ``delete`` with keys, ``add`` with nothing."""


def steps(seed: str) -> Iterator[Step]:
    """What a thread does, one after the other."""
    chance = random.Random(seed)
    for number in itertools.count(1):
        kind = chance.choice(("set", "set", "batch", "add", "delete"))
        value = b"%d " % number + b"." * chance.choice((0, 10, 1_000, 20_000))
        names = {"set": chance.sample("abcdefg", 1), "batch": "mno", "delete": chance.sample("abcdefgmno", 2)}
        yield kind, dict.fromkeys(names.get(kind, ()), value)


def carry_out(store: Sqlite | Guest, bucket: str, step: Step) -> None:
    kind, items = step
    if kind == "set":
        ((key, value),) = items.items()
        store.set(bucket, key, value)
    elif kind == "batch":
        store.set_many(bucket, list(items.items()))
    elif kind == "delete":
        store.delete_many(bucket, list(items))
    else:
        store.increment("shared", "count", 1)


class Guest:
    """The same through a guest and ``wasi:keyvalue``: the whole way from a call to the file."""

    def __init__(self, path: Path) -> None:
        # A runtime takes longer to import than the store, and most rounds use the store alone.
        from tests.sandbox.host import state_guests as guests

        self._guests = guests
        self._runtime = guests.runtime(path.parent.parent, guests.keyvalue())

    def set(self, bucket: str, key: str, value: bytes) -> None:
        self._call("set", bucket, key=key, value=value)

    def set_many(self, bucket: str, items: list[tuple[str, bytes]]) -> None:
        self._call("set_many", bucket, items=[[key, self._guests.encoded(value)] for key, value in items])

    def delete_many(self, bucket: str, keys: list[str]) -> None:
        self._call("delete_many", bucket, keys=keys)

    def increment(self, bucket: str, key: str, delta: int) -> None:
        self._call("increment", bucket, key=key, delta=delta)

    def _call(self, function: str, bucket: str, **given: Any) -> None:
        outcome = self._guests.call(self._runtime, function, EVERYTHING, bucket=bucket, **given)
        assert not outcome.failed, outcome.text


def main() -> None:
    how, path, name, seed = sys.argv[1:]
    store = Guest(Path(path)) if how == "guest" else Sqlite(Path(path), busy=60.0)

    def write(thread: int) -> None:
        for number, step in enumerate(steps(f"{seed}{thread}"), 1):
            carry_out(store, f"{name}{thread}", step)
            os.write(1, b"%d %d\n" % (thread, number))  # a pipe keeps a short line whole

    threads = [threading.Thread(target=write, args=(thread,), daemon=True) for thread in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


if __name__ == "__main__":
    main()
