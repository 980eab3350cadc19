"""What state costs: the stores against a dict and against plain SQLite, one value of 1 KiB at a time."""

from __future__ import annotations

import itertools
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks.measure import Batch, in_turns, repeat
from benchmarks.table import Row, compared
from mcp_wasm.memory.in_memory import InMemory
from mcp_wasm.memory.options import Sync
from mcp_wasm.memory.protocol import Store
from mcp_wasm.memory.sqlite import Sqlite

KEYS = [f"key-{number}" for number in range(64)]
VALUE = b"v" * 1024
WRITERS = 8


def run(folder: Path, *, quick: bool) -> dict[str, list[Row]]:
    """The one table."""
    rounds, times = (3, 30) if quick else (15, 300)
    rows = _in_memory(rounds, times)
    rows += _in_file(folder / "state-normal", "normal", rounds, times)
    rows += _in_file(folder / "state-full", "full", rounds, max(10, times // 10))
    return {"State, values of 1 KiB": rows}


def _in_memory(rounds: int, times: int) -> list[Row]:
    values: dict[str, bytes] = {}
    with closing(InMemory()) as store:
        put = in_turns(_putting(store, times), _each(lambda key: values.update({key: VALUE}), times), rounds)
        got = in_turns(_getting(store, times), _each(values.get, times), rounds)
    return [compared("put in memory, against a dict's", put), compared("get from it", got)]


def _in_file(folder: Path, sync: Sync, rounds: int, times: int) -> list[Row]:
    with closing(Sqlite(folder / "ours.sqlite", sync=sync)) as store, closing(_plain(folder, sync)) as plain:
        put = in_turns(_putting(store, times), _each(lambda key: _put(plain, key), times), rounds)
        got = in_turns(_getting(store, times), _each(lambda key: _get(plain, key), times), rounds)
        together = in_turns(lambda: _together(store, times), _putting(store, times), rounds)
    return [
        compared(f"put in a file, sync {sync}, against plain SQLite's", put),
        compared("get from it", got),
        compared(f"put by {WRITERS} threads at once, against by one", together),
    ]


def _plain(folder: Path, sync: Sync) -> sqlite3.Connection:
    """What a program would do that needs no more: one table, one statement a value, the same settings."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {sync.upper()}")
    connection.execute("CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB)")
    return connection


def _put(plain: sqlite3.Connection, key: str) -> None:
    plain.execute("INSERT OR REPLACE INTO entries VALUES (?, ?)", (key, VALUE))


def _get(plain: sqlite3.Connection, key: str) -> object:
    return plain.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()


def _putting(store: Store, times: int) -> Batch:
    return _each(lambda key: store.set("bench", key, VALUE), times)


def _getting(store: Store, times: int) -> Batch:
    return _each(lambda key: store.get("bench", key), times)


def _each(work: Callable[[str], object], times: int) -> Batch:
    keys = itertools.cycle(KEYS)
    return repeat(lambda: work(next(keys)), times)


def _together(store: Store, times: int) -> float:
    """Seconds a value when several threads write: they share transactions."""

    def write(name: str) -> None:
        for _ in range(times):
            store.set("bench", name, VALUE)

    threads = [threading.Thread(target=write, args=(f"{number}",)) for number in range(WRITERS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - begun) / (times * WRITERS)
