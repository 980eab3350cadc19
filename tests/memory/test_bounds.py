"""How much a store takes, on every backend, from both sides of each limit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mcp_wasm.errors import StateRefused
from mcp_wasm.memory.protocol import ENTRY_BYTES, Bounds, Store, Usage
from tests.memory.stores import Make

KEY = Bounds(key=8)
REFUSED: list[tuple[str, Bounds, Callable[[Store], object], Callable[[Store], object]]] = [
    ("key", KEY, lambda s: s.set("b", "k" * 8, b""), lambda s: s.set("b", "k" * 9, b"")),
    ("key in bytes", KEY, lambda s: s.set("b", "é" * 4, b""), lambda s: s.set("b", "é" * 4 + "k", b"")),
    ("key read", KEY, lambda s: s.get("b", "k" * 8), lambda s: s.get("b", "k" * 9)),
    ("key asked for", KEY, lambda s: s.exists("b", "k" * 8), lambda s: s.exists("b", "k" * 9)),
    ("key removed", KEY, lambda s: s.delete("b", "k" * 8), lambda s: s.delete("b", "k" * 9)),
    ("key of many", KEY, lambda s: s.get_many("b", ["k" * 8]), lambda s: s.get_many("b", ["k", "k" * 9])),
    ("key after", KEY, lambda s: s.list_keys("b", after="k" * 8), lambda s: s.list_keys("b", after="k" * 9)),
    ("prefix", KEY, lambda s: s.list_keys("b", "k" * 8), lambda s: s.list_keys("b", "k" * 9)),
    ("key added to", KEY, lambda s: s.increment("b", "k" * 8, 1), lambda s: s.increment("b", "k" * 9, 1)),
    ("key swapped", KEY, lambda s: s.swap("b", "k" * 8, 0, b""), lambda s: s.swap("b", "k" * 9, 0, b"")),
    ("value", Bounds(value=5), lambda s: s.set("b", "k", b"12345"), lambda s: s.set("b", "k", b"123456")),
    (
        "value of many",
        Bounds(value=5),
        lambda s: s.set_many("b", [("k", b"12345")]),
        lambda s: s.set_many("b", [("j", b""), ("k", b"123456")]),
    ),
    (
        "value swapped",
        Bounds(value=5),
        lambda s: s.swap("b", "k", 0, b"12345"),
        lambda s: s.swap("b", "k", 0, b"123456"),
    ),
    (
        "keys of a bucket",
        Bounds(keys=2),
        lambda s: s.set_many("b", [("1", b""), ("2", b""), ("2", b"x")]),
        lambda s: s.set_many("b", [("1", b""), ("2", b""), ("3", b"")]),
    ),
    (
        "bytes of a bucket",
        Bounds(bucket=ENTRY_BYTES + 10),
        lambda s: s.set("b", "k" * 4, b"v" * 6),
        lambda s: s.set("b", "k" * 4, b"v" * 7),
    ),
    (
        "bytes of all",
        Bounds(total=2 * ENTRY_BYTES + 4),
        lambda s: (s.increment("b", "k", 1), s.increment("c", "k", 1)),
        lambda s: (s.increment("b", "k", 1), s.increment("c", "k", 10)),
    ),
    ("batch", Bounds(batch=2), lambda s: s.get_many("b", ["1", "2"]), lambda s: s.get_many("b", ["1"] * 3)),
    (
        "batch written",
        Bounds(batch=2),
        lambda s: s.set_many("b", [("k", b"")] * 2),
        lambda s: s.set_many("b", [("k", b"")] * 3),
    ),
    (
        "batch removed",
        Bounds(batch=2),
        lambda s: s.delete_many("b", ["1", "2"]),
        lambda s: s.delete_many("b", ["1", "2", "3"]),
    ),
    (
        "bytes written at once",
        Bounds(answer=6),
        lambda s: s.set_many("b", [("1", b"123"), ("2", b"123")]),
        lambda s: s.set_many("b", [("1", b"123"), ("2", b"1234")]),
    ),
    ("name", Bounds(), lambda s: s.set("n" * 128, "k", b""), lambda s: s.set("n" * 129, "k", b"")),
    ("name in bytes", Bounds(), lambda s: s.get("é" * 64, "k"), lambda s: s.get("é" * 64 + "n", "k")),
    ("no name", Bounds(), lambda s: s.get(" ", "k"), lambda s: s.get("", "k")),
    ("name with NUL", Bounds(), lambda s: s.get("../b", "k"), lambda s: s.get("b\0", "k")),
    ("name with a line", Bounds(), lambda s: s.clear("b c"), lambda s: s.clear("b\nc")),
    ("name turned around", Bounds(), lambda s: s.usage("אב"), lambda s: s.usage("a\u202eb")),
    ("surrogate in a name", Bounds(), lambda s: s.get("\U0001f600", "k"), lambda s: s.get("\ud83d", "k")),
    ("surrogate in a key", Bounds(), lambda s: s.get("b", "\U0001f600"), lambda s: s.get("b", "\ud83d")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("bounds", "allowed", "refused"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_each_bound_holds_from_both_sides(
    make: Make, bounds: Bounds, allowed: Callable[[Store], object], refused: Callable[[Store], object]
) -> None:
    store = make(bounds)
    allowed(store)
    for bucket in ("b", "c"):
        store.clear(bucket)
    with pytest.raises(StateRefused, match="expected"):
        refused(store)


def test_an_answer_is_bounded_before_it_is_made(make: Make) -> None:
    store = make(Bounds(answer=10))
    store.set("b", "k", b"12345")
    assert store.get_many("b", ["k", "k"]) == [b"12345"] * 2
    with pytest.raises(StateRefused, match="at most 10 bytes"):
        store.get_many("b", ["k"] * 3)
    assert store.get("b", "k") == b"12345"


def test_a_refused_batch_has_changed_nothing(make: Make) -> None:
    store = make(Bounds(keys=2))
    store.set("b", "1", b"old")
    with pytest.raises(StateRefused):
        store.set_many("b", [("1", b"new"), ("2", b""), ("3", b"")])
    assert store.get("b", "1") == b"old"
    assert store.usage("b").keys == 1


def test_a_full_bucket_can_still_shrink(make: Make) -> None:
    size = 2 * (ENTRY_BYTES + 2)
    store = make(Bounds(bucket=size, keys=2))
    store.set_many("b", [("1", b"v"), ("2", b"v")])
    assert store.usage("b") == Usage(2, size)
    with pytest.raises(StateRefused):
        store.set("b", "1", b"vv")
    store.set("b", "1", b"")
    store.set("b", "2", b"vv")
    store.delete("b", "2")
    store.set("b", "3", b"vv")
    assert store.usage("b") == Usage(2, size)
