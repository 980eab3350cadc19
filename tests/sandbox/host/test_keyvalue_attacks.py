"""What a hostile guest tries with ``wasi:keyvalue``: other names, floods, bombs, broken files, time."""

from __future__ import annotations

import gc
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import KeyValue
from mcp_wasm.errors import Cancelled, ComponentRefused, DeadlineExceeded, HandlesExhausted
from mcp_wasm.memory.options import StateOptions
from mcp_wasm.memory.protocol import Bounds
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.host.keyvalue_store import Stores
from mcp_wasm.sandbox.limits import Limits
from tests.sandbox.guests import ENDLESS
from tests.sandbox.host import state_guests as guests
from tests.sandbox.host.test_keyvalue import DENIED, bytes_of, other

WRITE = KeyValue("notes", write=True)
SMALL = Bounds(key=16, value=100, keys=50, bucket=8_000, total=20_000, batch=20, answer=500, page=5)


@pytest.fixture
def runtime(home: Path) -> Iterator[Runtime]:
    state = StateOptions(bounds=SMALL)
    with guests.runtime(home, guests.keyvalue(), Limits(fuel=ENDLESS), state=state) as made:
        yield made


NAMES = [
    "../notes",
    "notes/../notes",
    "/notes",
    "./notes",
    "notes ",
    " notes",
    "Notes",
    "NOTES",
    "note\u0455",  # a Cyrillic letter that looks like s
    "ｎｏｔｅｓ",
    "notés",
    "note\u0301s",
    "notes%00",
    "notes*",
    "*",
    "no*",
    "notes;drop table buckets",
    "' OR 1=1 --",
]
NEVER = ["", "notes\0", "notes\n", "\u202enotes", "no\u200btes", "notes\x1b[31m", "n" * 129, "n" * 100_000]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_only_resembles_a_granted_one_is_another(runtime: Runtime, name: str) -> None:
    outcome = guests.call(runtime, "set", WRITE, bucket=name, key="k", value=b"v")
    assert (outcome.failed, outcome.value) == (True, DENIED)
    assert outcome.report.denials[0].asked == f"read bucket {name}"


@pytest.mark.parametrize("name", NEVER, ids=lambda name: ascii(name)[:20])
def test_a_name_that_cannot_be_shown_is_no_bucket_even_where_all_are_granted(
    runtime: Runtime, name: str
) -> None:
    outcome = guests.call(runtime, "set", KeyValue("*", write=True), bucket=name, key="k", value=b"v")
    assert (outcome.failed, outcome.value) == (True, {"tag": "no-such-store"})
    (denial,) = outcome.report.denials
    assert denial.grant is None
    assert denial.asked.isprintable()
    assert len(denial.asked) < 600


def test_a_name_that_looks_like_a_path_leaves_nothing_outside(home: Path, runtime: Runtime) -> None:
    name = f"../../{uuid.uuid4().hex}"  # other tests of the run have folders beside this one's
    everything = KeyValue("*", write=True)
    assert not guests.call(runtime, "set", everything, bucket=name, key="../k", value=b"v").failed
    assert bytes_of(guests.call(runtime, "get", everything, bucket=name, key="../k")) == b"v"
    assert not list(home.parent.parent.rglob(f"*{name[-32:]}*"))
    assert {path.name for path in (home / "state").iterdir()} <= {
        f"keyvalue.sqlite{suffix}" for suffix in ("", "-wal", "-shm")
    }


BOMBS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("set", {"key": "k" * 16, "value": b""}, {"key": "k" * 17, "value": b""}),
    ("set", {"key": "k", "value": b"v" * 100}, {"key": "k", "value": b"v" * 101}),
    ("set", {"key": "k", "value": b""}, {"key": "k" * 1_000_000, "value": b""}),
    ("set", {"key": "k", "value": b""}, {"key": "k", "value": b"v" * 1_000_000}),
    ("get", {"key": "k" * 16}, {"key": "k" * 17}),
    ("exists", {"key": "k" * 16}, {"key": "k" * 17}),
    ("delete", {"key": "k" * 16}, {"key": "k" * 17}),
    ("increment", {"key": "n" * 16, "delta": 1}, {"key": "n" * 17, "delta": 1}),
    ("keys", {"cursor": "k" * 16}, {"cursor": "k" * 17}),
    ("get_many", {"keys": ["k"] * 20}, {"keys": ["k"] * 21}),
    ("get_many", {"keys": ["k"] * 5}, {"keys": ["k"] * 6}),
    ("delete_many", {"keys": ["k"] * 20}, {"keys": ["k"] * 21}),
    ("set_many", {"items": [["k", ""]] * 20}, {"items": [["k", ""]] * 21}),
    ("swap_only", {"key": "k", "value": b"v" * 100}, {"key": "k", "value": b"v" * 101}),
    ("write_many", {"times": 50}, {"times": 51}),
    ("write_many", {"times": 50}, {"times": 1_000_000}),
]


@pytest.mark.parametrize(("function", "fits", "bursts"), BOMBS)
def test_what_is_one_past_a_limit_is_an_error_of_the_interface(
    runtime: Runtime, function: str, fits: dict[str, Any], bursts: dict[str, Any]
) -> None:
    large = "keys" in fits and len(fits["keys"]) < 10
    if large:
        guests.call(runtime, "set", WRITE, bucket="notes", key="k", value=b"v" * 100)
    assert not guests.call(runtime, function, WRITE, bucket="notes", **fits).failed
    assert "expected" in other(guests.call(runtime, function, WRITE, bucket="notes", **bursts))


def test_many_buckets_do_not_get_around_the_limits(runtime: Runtime) -> None:
    grant = KeyValue("b*", write=True)
    failed = 0
    for number in range(8):
        failed += guests.call(runtime, "write_many", grant, bucket=f"b{number}", times=50).failed
    assert failed
    store = runtime.services.shared(Stores).store
    assert sum(store.usage(f"b{number}").bytes for number in range(8)) <= SMALL.total


def test_thousands_of_bucket_handles_end_one_call(home: Path) -> None:
    limits = Limits(fuel=ENDLESS, resources=2_000)
    with guests.runtime(home, guests.keyvalue(), limits) as runtime:
        assert not guests.call(runtime, "open_many", WRITE, bucket="notes", times=2_000).failed
        with pytest.raises(HandlesExhausted):
            guests.call(runtime, "open_many", WRITE, bucket="notes", times=2_001)
        assert not guests.call(runtime, "open_many", WRITE, bucket="notes", times=2_000).failed


def test_denied_attempts_by_the_thousand_are_counted_not_kept(runtime: Runtime) -> None:
    outcome = guests.call(runtime, "open_many", bucket="notes", times=1)
    assert outcome.failed
    assert len(outcome.report.denials) == 1


def holder(home: Path) -> sqlite3.Connection:
    """Another process that holds the file for writing."""
    connection = sqlite3.connect(home / "state" / "keyvalue.sqlite", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_a_held_file_costs_a_call_no_more_than_its_time_and_others_read_on(home: Path) -> None:
    with guests.runtime(home, guests.keyvalue(), Limits(fuel=ENDLESS)) as runtime:
        guests.call(runtime, "set", WRITE, bucket="notes", key="k", value=b"v")
        with closing(holder(home)):
            with pytest.raises(DeadlineExceeded):
                runtime.call_sync(
                    "it_delete", {"bucket": "notes", "key": "k"}, approved=(WRITE,), limits={"deadline": 0.05}
                )
            assert bytes_of(guests.call(runtime, "get", WRITE, bucket="notes", key="k")) == b"v"
        guests.call(runtime, "set", WRITE, bucket="notes", key="k", value=b"w")
        assert bytes_of(guests.call(runtime, "get", WRITE, bucket="notes", key="k")) == b"w"


def test_a_guest_that_asks_for_ever_is_stopped_and_keeps_nobody_waiting(home: Path) -> None:
    with guests.runtime(home, guests.keyvalue(), Limits(fuel=ENDLESS)) as runtime:
        guests.call(runtime, "set", WRITE, bucket="notes", key="k", value=b"v")
        ended: list[BaseException] = []

        def ask() -> None:
            try:
                guests.call(runtime, "ask_for_ever", WRITE, bucket="notes", times=1)
            except Cancelled as error:
                ended.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        for _ in range(20):
            assert (
                bytes_of(guests.call(runtime, "race", WRITE, bucket="notes", key="c", value=b"xyz")) == b"x"
            )
        runtime.close()
        asking.join()
        assert len(ended) == 1


def _damaged(path: Path) -> None:
    path.write_bytes(b"no database at all " * 1000)


def _folder(path: Path) -> None:
    path.mkdir()


def _elsewhere(path: Path) -> None:
    target = path.parent.parent / "elsewhere"
    target.write_bytes(b"")
    path.symlink_to(target)


@pytest.mark.parametrize("spoil", [_damaged, _folder, _elsewhere])
def test_a_broken_backend_is_the_interfaces_error_and_names_no_place(home: Path, spoil: Any) -> None:
    (home / "state").mkdir(parents=True)
    spoil(home / "state" / "keyvalue.sqlite")
    with guests.runtime(home, guests.keyvalue()) as runtime:
        for function, given in (("get", {"key": "k"}), ("set", {"key": "k", "value": b""})):
            text = other(guests.call(runtime, function, WRITE, bucket="notes", **given))
            assert "state file" in text
            assert "/" not in text
    elsewhere = home / "elsewhere"
    assert not elsewhere.exists() or elsewhere.read_bytes() == b""


def test_a_full_disk_is_the_interfaces_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with guests.runtime(home, guests.keyvalue()) as runtime:
        guests.call(runtime, "set", WRITE, bucket="notes", key="k", value=b"v")
        writer: Any = runtime.services.shared(Stores).store
        writer._writer._connection.execute("PRAGMA max_page_count = 20")
        refused = guests.call(runtime, "set", WRITE, bucket="notes", key="large", value=b"v" * 500_000)
        assert other(refused) == "the disk is full"
        assert bytes_of(guests.call(runtime, "get", WRITE, bucket="notes", key="k")) == b"v"


def test_threads_and_files_are_back_after_the_runtime(home: Path) -> None:
    gc.collect()
    threads, files = threading.active_count(), len(list(Path("/dev/fd").iterdir()))
    with guests.runtime(home, guests.keyvalue()) as runtime:
        guests.call(runtime, "set", WRITE, bucket="notes", key="k", value=b"v")
        guests.call(runtime, "get", WRITE, bucket="notes", key="k")
    assert threading.active_count() == threads
    assert len(list(Path("/dev/fd").iterdir())) == files


def test_a_component_that_wants_to_watch_is_refused_with_a_reason(home: Path) -> None:
    watcher = """(import "wasi:keyvalue/watcher@0.2.0-draft2" (instance
      (export "on-set" (func (param "key" string)))))"""
    with pytest.raises(ComponentRefused, match=r"watcher@0\.2\.0-draft2, which this host does not provide"):
        guests.runtime(home, watcher)
