"""The thread that writes to a SQLite file: groups, faults within them, callers that go."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.errors import StateOverdue, StateRefused, StateUnavailable
from mcp_wasm.memory import changes, writer
from mcp_wasm.memory.protocol import PATIENT, Bounds
from mcp_wasm.memory.sqlite import Sqlite
from mcp_wasm.memory.table import SqliteTable
from tests.memory.stores import OVER, in_background


def held_up(store: Sqlite, then: Callable[[], None]) -> None:
    """Do ``then`` while the writer's thread is at work on something else."""
    entered, go_on = threading.Event(), threading.Event()

    def wait(table: SqliteTable) -> None:
        entered.set()
        go_on.wait()

    blocker = threading.Thread(target=lambda: store._write("b", 0, PATIENT, wait))
    blocker.start()
    entered.wait()
    try:
        then()
    finally:
        go_on.set()
        blocker.join()


def test_writes_that_come_together_are_committed_together(path: Path) -> None:
    with closing(Sqlite(path)) as store:
        threads: list[threading.Thread] = []

        def many() -> None:
            threads.extend(in_background(*[lambda n=n: store.set("b", str(n), b"") for n in range(20)]))
            while store.waiting < 20:
                pass

        held_up(store, many)
        for thread in threads:
            thread.join()
        assert store.usage("b").keys == 20
        assert store.groups == 2


def test_one_write_that_fails_costs_no_other_of_its_group(path: Path) -> None:
    with closing(Sqlite(path, Bounds(value=10))) as store:
        threads: list[threading.Thread] = []
        failed: list[Exception] = []

        def attempt(work: Callable[[], Any]) -> None:
            try:
                work()
            except (StateRefused, StateUnavailable, RuntimeError) as error:
                failed.append(error)

        def break_it(table: SqliteTable) -> None:
            changes.set_one(table, store.bounds, "b", "half", b"")
            raise RuntimeError("a fault of ours")

        def spoil_it(table: SqliteTable) -> None:
            changes.set_one(table, store.bounds, "b", "half", b"")
            table._run("INSERT INTO totals VALUES (NULL, NULL)")

        def group() -> None:
            works = (
                lambda: store.set("b", "before", b"1"),
                lambda: store.set("b", "long", b"1" * 11),
                lambda: store._write("b", 0, PATIENT, break_it),
                lambda: store._write("b", 0, PATIENT, spoil_it),
                lambda: store.set("b", "after", b"1"),
            )
            threads.extend(in_background(*[lambda work=work: attempt(work) for work in works]))
            while store.waiting < len(works):
                pass

        held_up(store, group)
        for thread in threads:
            thread.join()
        assert store.list_keys("b").keys == ("after", "before")
        assert store.usage("b").keys == 2
        assert {type(error) for error in failed} == {StateRefused, StateUnavailable, RuntimeError}


def test_a_write_that_was_not_begun_in_time_never_happens(path: Path) -> None:
    with closing(Sqlite(path)) as store:

        def late() -> None:
            with pytest.raises(StateOverdue):
                store.set("b", "late", b"", until=OVER)
            assert store.waiting == 0

        held_up(store, late)
        store.set("b", "k", b"")
        assert store.list_keys("b").keys == ("k",)


def test_readers_do_not_wait_for_the_writer(path: Path) -> None:
    with closing(Sqlite(path)) as store:
        store.set("b", "k", b"v")

        def read() -> None:
            assert store.get("b", "k") == b"v"

        held_up(store, read)


def test_a_log_that_has_grown_is_begun_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for most, begun_anew in ((10**9, False), (100_000, True)):
        monkeypatch.setattr(writer, "LOG_BYTES", most)
        with closing(Sqlite(path)) as store:
            for number in range(20):
                store.set("b", str(number), b"v" * 20_000)
            store.set("b", "last", b"")
            assert (store._file.log_size() < 200_000) == begun_anew


def test_a_reader_that_keeps_the_log_from_that_delays_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LOG_BYTES", 10_000)
    with closing(Sqlite(path)) as store:
        store.set("b", "k", b"")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM entries").fetchall()
            for number in range(5):
                store.set("b", str(number), b"v" * 20_000)
            assert store._file.log_size() > 100_000
        for number in range(5):
            store.set("b", str(number), b"v" * 20_000)
        store.set("b", "last", b"")
        assert store._file.log_size() < 100_000
