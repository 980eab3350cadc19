"""What is SQLite's own: the file, its privacy, other processes, faults, threads, groups."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.errors import StateOverdue, StateUnavailable
from mcp_wasm.memory.database import File
from mcp_wasm.memory.protocol import PATIENT
from mcp_wasm.memory.sqlite import READERS, Sqlite
from tests.memory.stores import Patience, in_background

HOUR = 3600.0


@pytest.fixture
def holder(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection like that of another process, on a file that is there."""
    with closing(Sqlite(path)) as store:
        store.set("b", "k", b"v")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_what_was_kept_is_there_the_next_time(path: Path) -> None:
    with closing(Sqlite(path)) as store:
        store.set("b", "k", b"v")
        version = store.entry("b", "k").version
    with closing(Sqlite(path)) as store:
        assert store.get("b", "k") == b"v"
        store.set("b", "k", b"w")
        assert store.entry("b", "k").version > version


def test_two_stores_on_one_file_see_each_other(path: Path) -> None:
    with closing(Sqlite(path)) as one, closing(Sqlite(path)) as two:
        for turn in range(5):
            one.increment("b", "n", 1)
            assert two.increment("b", "n", 1) == 2 * turn + 2
        found = one.entry("b", "n")
        two.set("b", "n", b"0")
        assert one.swap("b", "n", found.version, b"1") == two.entry("b", "n")


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    before = os.umask(0)
    try:
        with closing(Sqlite(path)) as store:
            store.set("b", "k", b"v")
            store.get("b", "k")
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"store.sqlite": 0o600, "store.sqlite-wal": 0o600, "store.sqlite-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_made_private(path: Path) -> None:
    path.parent.mkdir(mode=0o755)
    path.touch(mode=0o644)
    with closing(Sqlite(path)) as store:
        store.set("b", "k", b"v")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_is_made_before_the_first_use(path: Path) -> None:
    Sqlite(path).close()
    assert not path.parent.exists()


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database, by far " * 1000)


def _other(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (id INTEGER)")
        connection.commit()


def _newer(path: Path) -> None:
    with closing(Sqlite(path)) as store:
        store.set("b", "k", b"v")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def _link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.touch()
    path.symlink_to(elsewhere)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


FAULTY: list[tuple[Callable[[Path], Any], str]] = [
    (_garbage, "damaged or no state file"),
    (_other, "not one of this version"),
    (_newer, "not one of this version"),
    (_link, "cannot be opened"),
    (Path.mkdir, "cannot be opened"),
    (_pipe, "no regular file"),
]


@pytest.mark.parametrize(("spoil", "reason"), FAULTY)
def test_a_file_that_is_no_state_file_is_said_to_be_none(
    path: Path, spoil: Callable[[Path], Any], reason: str
) -> None:
    path.parent.mkdir()
    spoil(path)
    with closing(Sqlite(path)) as store:
        uses: list[Callable[[], object]] = [lambda: store.get("b", "k"), lambda: store.delete("b", "k")]
        for use in uses:
            with pytest.raises(StateUnavailable, match=reason) as raised:
                use()
            assert str(path.parent) not in raised.value.reason


def test_a_damaged_page_is_an_error_of_that_read(path: Path) -> None:
    with closing(Sqlite(path)) as store:
        store.set_many("b", [(f"{number:03}", b"v" * 500) for number in range(100)])
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 12)
    with closing(Sqlite(path)) as store:
        with pytest.raises(StateUnavailable, match="damaged"):
            store.get_many("b", [f"{number:03}" for number in range(100)])
        with pytest.raises(StateUnavailable, match="damaged"):
            store.set_many("b", [(f"{number:03}", b"w") for number in range(100)])


def test_a_file_that_is_held_is_waited_for_no_longer_than_allowed(
    path: Path, holder: sqlite3.Connection
) -> None:
    holder.execute("BEGIN IMMEDIATE")
    with closing(Sqlite(path, busy=0.0)) as store:
        with pytest.raises(StateUnavailable, match="another process holds"):
            store.set("b", "k", b"w")
        assert store.get("b", "k") == b"v"
        holder.execute("ROLLBACK")
        store.set("b", "k", b"w")


def test_a_caller_does_not_wait_beyond_its_time_for_a_held_file(
    path: Path, holder: sqlite3.Connection
) -> None:
    holder.execute("BEGIN IMMEDIATE")
    with closing(Sqlite(path, busy=HOUR)) as store:
        with pytest.raises(StateOverdue):
            store.set("b", "late", b"", until=Patience(left=5))
        holder.execute("ROLLBACK")
        store.set("b", "k", b"w")
        assert not store.exists("b", "late")


def test_closing_does_not_wait_for_a_held_file(path: Path, holder: sqlite3.Connection) -> None:
    holder.execute("BEGIN IMMEDIATE")
    store = Sqlite(path, busy=HOUR)
    failed: list[BaseException] = []

    asked = Patience(left=10**9)

    def write() -> None:
        try:
            store.set("b", "k", b"w", until=asked)
        except StateUnavailable as error:
            failed.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    while asked.left == 10**9:
        pass  # the writer has not begun
    store.close()
    writer.join()
    assert len(failed) == 1
    assert holder.execute("SELECT count(*) FROM entries").fetchone() == (1,)


def test_a_full_disk_costs_the_write_that_needs_the_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = File.connect

    def small(self: File, *given: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(self, *given, **named)
        connection.execute("PRAGMA max_page_count = 40")
        return connection

    monkeypatch.setattr(File, "connect", small)
    with closing(Sqlite(path)) as store:
        store.set("b", "k", b"v")
        with pytest.raises(StateUnavailable, match="the disk is full"):
            store.set("b", "large", b"v" * 200_000)
        assert store.get("b", "large") is None
        store.set("b", "k", b"w")
        assert store.usage("b").keys == 1


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_many_threads_leave_few_files_open(path: Path) -> None:
    descriptors = open_files()
    with closing(Sqlite(path)) as store:
        store.set("b", "k", b"v")
        for _ in range(3):
            threads = in_background(*[lambda: store.get("b", "k")] * 30)
            for thread in threads:
                thread.join()
        # A connection in write-ahead mode has three files, at most.
        assert open_files() <= descriptors + 3 * (READERS + 1)
    assert open_files() == descriptors


def test_a_name_is_never_a_path(path: Path) -> None:
    with closing(Sqlite(path)) as store:
        for name in ("../../outside", "/etc/passwd", "a/b", "..", "C:\\x", "%2e%2e"):
            store.set(name, "../key", b"v")
    assert [each.name for each in path.parent.parent.rglob("*")] == ["state", "store.sqlite"]


def test_sync_is_as_chosen(path: Path) -> None:
    for sync, number in (("normal", 1), ("full", 2)):
        file = File(path, sync, 1.0)  # type: ignore[arg-type]
        file.create(PATIENT)
        with closing(file.connect(PATIENT)) as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (number,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
