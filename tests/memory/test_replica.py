"""Copies that are edited apart and meet; updates that are damaged or hostile."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from pycrdt import Array, Map

from mcp_wasm.errors import StateRefused
from mcp_wasm.memory import replica
from mcp_wasm.memory.replica import Replica


@pytest.fixture(autouse=True, scope="module")
def ended() -> Iterator[None]:
    yield
    replica.close()


def meet(one: Replica, other: Replica) -> None:
    to_other, to_one = one.update(other.version), other.update(one.version)
    other.apply(to_other)
    one.apply(to_one)


def edited() -> tuple[Replica, Replica]:
    one, other = Replica(), Replica()
    one.map["title"] = "draft"
    one.text += "hello world"
    meet(one, other)
    one.map["by"], other.map["by"] = "one", "other"
    one.map["tags"] = Array(["a"])
    one.list.append(1)
    other.list.extend([2, {"x": None}])
    one.text.insert(5, ",")
    other.text += "!"
    del other.map["title"]
    return one, other


def test_copies_edited_apart_agree_when_they_meet() -> None:
    one, other = edited()
    meet(one, other)
    assert one.value == other.value
    assert one.value["text"] == "hello, world!"
    assert sorted(map(str, one.value["list"])) == ["1.0", "2.0", "{'x': None}"]
    assert one.value["map"]["by"] in {"one", "other"}
    assert one.value["map"]["tags"] == ["a"]
    assert "title" not in one.value["map"]


def test_updates_agree_in_any_order_and_however_often_they_come() -> None:
    updates: list[bytes] = []
    copies = [Replica(changed=updates.append) for _ in range(3)]
    for number, copy in enumerate(copies):
        copy.list.append(str(number))
        copy.map[str(number)] = True
    shuffled = random.Random(1)
    for copy in copies:
        order = updates * 2
        shuffled.shuffle(order)
        for update in order:
            copy.apply(update)
    assert len(updates) == 6  # what was applied is not told again
    assert copies[0].value == copies[1].value == copies[2].value
    assert len(copies[0].value["list"]) == 3


def test_a_snapshot_is_the_whole_copy() -> None:
    one, _ = edited()
    fresh = Replica()
    fresh.apply(one.update())
    assert fresh.value == one.value


def test_a_damaged_update_is_refused_and_changes_nothing() -> None:
    one, other = edited()
    good, before = other.update(), one.value
    chance = random.Random(7)
    refused = 0
    for _ in range(150):
        damaged = bytearray(good)
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            Replica().apply(bytes(damaged))
        except StateRefused:
            refused += 1
    assert refused > 50
    for broken in (b"", b"\0", b"nonsense", good[:-3], good[: len(good) // 2], b"\xff" * 100):
        try:
            one.apply(broken)
        except StateRefused:
            assert one.value == before
    with pytest.raises(StateRefused):
        one.update(b"\xff\xff\xff")


def nested(levels: int) -> bytes:
    """An update with a value nested so deep: pycrdt's decoder overflows the stack of its process."""
    one = Replica()
    one.map["x"] = [[1]]
    update = one.update()
    at = update.index(bytes.fromhex("75017501"))
    return update[:at] + b"\x75\x01" * levels + update[at + 4 :]


@pytest.mark.parametrize("levels", [33, 1_000, 10_000, 200_000])
def test_an_update_that_would_end_the_process_is_refused(levels: int) -> None:
    one = Replica()
    one.map["a"] = 1
    with pytest.raises(StateRefused, match="hostile"):
        one.apply(nested(levels))
    one.apply(nested(20))  # and the next one is tried out all the same
    assert isinstance(one.map, Map)


def test_an_update_that_is_too_large_is_refused_from_both_sides() -> None:
    big = Replica()
    big.text += "x" * 1000
    update = big.update()
    Replica(most=len(update)).apply(update)
    with pytest.raises(StateRefused, match="at most"):
        Replica(most=len(update) - 1).apply(update)


def pairs(count: int, *numbers: int) -> bytes:
    """A version that says to have so many pairs of these numbers."""
    found = bytearray()
    for number in (count, *numbers):
        left = number
        while left > 127:
            found.append(left & 127 | 128)
            left >>= 7
        found.append(left)
    return bytes(found)


def test_a_version_is_looked_at_before_room_is_made_for_what_it_says_to_hold() -> None:
    one, _ = edited()
    assert Replica().version == pairs(0)
    assert one.update(pairs(0)) == one.update()
    assert one.update(pairs(1, 2**53 - 1, 2**32 - 1)) == one.update()
    assert one.update(pairs(2, one.writer, 0, 7, 1)) == one.update()
    for version in (
        b"",
        b"\x80",
        b"\xff" * 20,
        pairs(100_000_000, 1, 1),  # pycrdt would take 3 GB for it
        pairs(1),
        pairs(1, 1),
        pairs(0, 1, 1),
        pairs(1, 1, 2**32),
        pairs(1, 2**53, 1),
        one.version[:-1],
        one.version + b"\0",
    ):
        with pytest.raises(StateRefused):
            one.update(version)
