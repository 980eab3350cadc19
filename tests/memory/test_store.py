"""What every store does, on every backend."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_wasm.errors import StateOverdue, StateRefused, StateUnavailable
from mcp_wasm.memory.protocol import ENTRY_BYTES, Bounds, Entry, Page, Store, Usage
from tests.memory.stores import OVER, Make, Patience

AWKWARD = ["", "a", "a\0b", "../../etc/passwd", "%", "_", "*", "é", "e\u0301", "\U0001f600", "\uffff", "\n"]


def all_keys(store: Store, bucket: str, prefix: str = "", most: int | None = None) -> list[str]:
    keys: list[str] = []
    page = Page(more=True)
    while page.more:
        page = store.list_keys(bucket, prefix, after=keys[-1] if keys else None, most=most)
        keys += page.keys
    return keys


def test_a_value_is_kept_replaced_and_removed(store: Store) -> None:
    assert store.get("b", "k") is None
    assert not store.exists("b", "k")
    store.set("b", "k", b"one")
    assert store.get("b", "k") == b"one"
    assert store.exists("b", "k")
    store.set("b", "k", b"")
    assert store.get("b", "k") == b""
    assert store.exists("b", "k")
    assert store.delete("b", "k")
    assert not store.delete("b", "k")
    assert store.get("b", "k") is None


def test_buckets_are_apart(store: Store) -> None:
    store.set("one", "k", b"1")
    store.set("two", "k", b"2")
    assert store.clear("one") == 1
    assert store.get("one", "k") is None
    assert store.get("two", "k") == b"2"


def test_keys_are_exact_whatever_is_in_them(store: Store) -> None:
    for index, key in enumerate(AWKWARD):
        store.set("b", key, b"%d" % index)
    assert [store.get("b", key) for key in AWKWARD] == [b"%d" % index for index in range(len(AWKWARD))]
    assert all_keys(store, "b", most=3) == sorted(AWKWARD)


def test_keys_are_listed_by_prefix_in_pages(store: Store) -> None:
    store.set_many("b", [(f"{letter}{number}", b"") for letter in "xyz" for number in range(5)])
    assert store.list_keys("b", "y", most=2) == Page(("y0", "y1"), more=True)
    assert store.list_keys("b", "y", after="y1", most=2) == Page(("y2", "y3"), more=True)
    assert store.list_keys("b", "y", after="y3", most=2) == Page(("y4",), more=False)
    assert store.list_keys("b", "y", after="a", most=1) == Page(("y0",), more=True)
    assert store.list_keys("b", "y", after="z") == Page()
    assert store.list_keys("none") == Page()
    assert len(all_keys(store, "b")) == 15


def test_a_list_goes_on_while_its_keys_are_removed(store: Store) -> None:
    store.set_many("b", [(f"{number:02}", b"") for number in range(20)])
    seen: list[str] = []
    page = store.list_keys("b", most=3)
    while page.keys:
        seen += page.keys
        store.delete_many("b", page.keys)
        page = store.list_keys("b", after=page.keys[-1], most=3)
    assert seen == [f"{number:02}" for number in range(20)]
    assert store.usage("b") == Usage()


def test_a_page_has_no_more_keys_than_a_page_may_have(make: Make) -> None:
    store = make(Bounds(page=4))
    store.set_many("b", [(str(number), b"") for number in range(5)])
    assert store.list_keys("b", most=10**9) == Page(("0", "1", "2", "3"), more=True)
    assert len(store.list_keys("b", most=0).keys) == 1


def test_several_values_are_of_one_request(store: Store) -> None:
    store.set_many("b", [("a", b"1"), ("b", b"2"), ("a", b"3")])
    assert store.get_many("b", ["b", "none", "a", "b"]) == [b"2", None, b"3", b"2"]
    assert store.delete_many("b", ["a", "none", "a"]) == 1
    assert store.get_many("b", ["a"]) == [None]
    store.set_many("b", [])
    assert store.get_many("b", []) == []


def test_a_swap_happens_only_where_nothing_was_written_since(store: Store) -> None:
    assert store.entry("b", "k") == Entry()
    assert store.swap("b", "k", 0, b"one") is None
    first = store.entry("b", "k")
    assert store.swap("b", "k", 0, b"two") == first
    assert store.swap("b", "k", first.version, b"two") is None
    assert store.swap("b", "k", first.version, b"three") == store.entry("b", "k")
    assert store.get("b", "k") == b"two"
    assert store.swap("b", "k", store.entry("b", "k").version, None) is None
    assert store.entry("b", "k") == Entry()


def test_the_same_value_again_is_still_a_write(store: Store) -> None:
    """What was read before must not pass for what is there now."""
    store.set("b", "k", b"one")
    before = store.entry("b", "k")
    store.delete("b", "k")
    store.set("b", "k", b"one")
    after = store.swap("b", "k", before.version, b"two")
    assert after is not None
    assert after.value == b"one"
    assert after.version > before.version


def test_a_version_is_not_used_again_after_a_bucket_was_cleared(store: Store) -> None:
    store.set("b", "k", b"one")
    before = store.entry("b", "k")
    store.clear("b")
    store.set("b", "k", b"one")
    assert store.swap("b", "k", before.version, b"two") is not None


def test_a_number_is_added_to(store: Store) -> None:
    assert store.increment("b", "n", 5) == 5
    assert store.increment("b", "n", -7) == -2
    assert store.get("b", "n") == b"-2"
    store.set("b", "n", b"9223372036854775806")
    assert store.increment("b", "n", 1) == 2**63 - 1
    with pytest.raises(StateRefused, match="a number from"):
        store.increment("b", "n", 1)
    assert store.get("b", "n") == b"9223372036854775807"
    assert store.increment("b", "n", 1, least=0, most=2**64 - 1) == 2**63
    with pytest.raises(StateRefused, match="a number from 0 to"):
        store.increment("b", "n", -(2**64), least=0, most=2**64 - 1)


@pytest.mark.parametrize(
    "value", [b"", b"x", b"1 ", b"+1", b"1.0", b"0x1", b"--1", b"-", b"9" * 21, b"\xd9\xa1"]
)
def test_what_is_no_number_is_not_added_to(store: Store, value: bytes) -> None:
    store.set("b", "n", value)
    with pytest.raises(StateRefused, match="a number in decimal digits"):
        store.increment("b", "n", 1)
    assert store.get("b", "n") == value


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["set", "many", "delete", "clear", "swap"]),
            st.sampled_from(["a", "b"]),
            st.sampled_from(["", "k", "key", "é"]),
            st.binary(max_size=8),
        ),
        max_size=12,
    )
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_bucket_is_said_to_hold_is_what_it_holds(
    store: Store, steps: list[tuple[str, str, str, bytes]]
) -> None:
    expected: dict[str, dict[str, bytes]] = {"a": {}, "b": {}}
    for bucket in expected:
        store.clear(bucket)
    for step, bucket, key, value in steps:
        held = expected[bucket]
        if step == "set":
            store.set(bucket, key, value)
            held[key] = value
        elif step == "many":
            store.set_many(bucket, [(key, b""), (key + "x", value), (key, value)])
            held |= {key: value, key + "x": value}
        elif step == "delete":
            assert store.delete(bucket, key) == (held.pop(key, None) is not None)
        elif step == "clear":
            assert store.clear(bucket) == len(held)
            held.clear()
        else:
            assert store.swap(bucket, key, store.entry(bucket, key).version, None) is None
            held.pop(key, None)
    for bucket, held in expected.items():
        assert all_keys(store, bucket) == sorted(held)
        assert store.get_many(bucket, list(held)) == list(held.values())
        size = sum(len(key.encode()) + len(value) + ENTRY_BYTES for key, value in held.items())
        assert store.usage(bucket) == Usage(len(held), size)


def test_threads_that_add_lose_nothing(store: Store) -> None:
    def add(_: int) -> None:
        for _ in range(25):
            store.increment("b", "n", 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert store.get("b", "n") == b"200"


def test_threads_that_swap_lose_nothing(store: Store) -> None:
    def add(_: int) -> None:
        for _ in range(10):
            found = store.entry("b", "n")
            while (
                now := store.swap("b", "n", found.version, b"%d" % (int(found.value or 0) + 1))
            ) is not None:
                found = now

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    assert store.get("b", "n") == b"40"


def test_a_thread_reads_what_it_wrote(store: Store) -> None:
    def write(number: int) -> bool:
        key, found = str(number), []
        for turn in range(20):
            store.set("b", key, b"%d" % turn)
            found.append(store.get("b", key) == b"%d" % turn)
        return all(found)

    with ThreadPoolExecutor(6) as pool:
        assert all(list(pool.map(write, range(6))))


def test_a_caller_whose_time_is_over_waits_for_nothing(store: Store) -> None:
    store.set("b", "k", b"v")
    for late in (
        lambda: store.get("b", "k", until=OVER),
        lambda: store.get_many("b", ["k"], until=OVER),
        lambda: store.list_keys("b", until=OVER),
        lambda: store.exists("b", "k", until=OVER),
    ):
        with pytest.raises(StateOverdue):
            late()
    assert store.get("b", "k", until=Patience(left=9)) == b"v"


def test_a_closed_store_says_so(store: Store) -> None:
    store.set("b", "k", b"v")
    store.close()
    store.close()
    with pytest.raises(StateUnavailable, match="closed"):
        store.get("b", "k")
    with pytest.raises(StateUnavailable, match="closed"):
        store.set("b", "k", b"")


def test_closing_leaves_no_thread(make: Make) -> None:
    before = set(threading.enumerate())
    store = make(None)
    store.set("b", "k", b"v")
    store.close()
    assert set(threading.enumerate()) <= before
