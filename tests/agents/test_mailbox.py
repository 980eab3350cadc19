from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.agents.child_spec import MailboxSpec, Overflow
from mcp_wasm.agents.mailbox import ROUND, Mailbox
from mcp_wasm.agents.message import Message, Priority
from mcp_wasm.agents.ports import Delivery, Settle
from mcp_wasm.errors import MailboxFull, UnknownAgent

LANES = list(Priority)


def delivery(priority: Priority, number: int = 0, settle: Settle | None = None) -> Delivery:
    return Delivery(Message(f"{priority.name}-{number}", "client:t", "a", "null", 0, priority), settle)


def mailbox(capacity: int = 1000, overflow: Overflow = "reject", **by_priority: str) -> Mailbox:
    policies = cast(Mapping[str, Overflow], by_priority)
    return Mailbox(MailboxSpec(capacity, overflow, policies), "a")


def take(box: Mailbox, most: int) -> list[Message]:
    return [each.message for each in asyncio.run(box.take(most))]


def test_the_most_urgent_message_goes_first_and_in_its_lane_the_oldest() -> None:
    box = mailbox()
    for number in range(2):
        for priority in reversed(LANES):
            box.put(delivery(priority, number))
    taken = [message.id for message in take(box, 4)]
    assert taken == ["CRITICAL-0", "CRITICAL-1", "HIGH-0", "HIGH-1"]
    assert len(box) == 4
    assert box.depths == (0, 0, 2, 2)


@given(
    arrivals=st.lists(st.lists(st.sampled_from(LANES), max_size=24), min_size=8, max_size=40),
    most=st.integers(1, 40),
)
def test_of_sixteen_messages_in_a_row_one_is_of_each_lane_that_waited_and_thirteen_the_most_urgent(
    arrivals: list[list[Priority]], most: int
) -> None:
    box = mailbox(100_000)
    waiting: list[frozenset[int]] = []
    taken: list[int] = []
    for arriving in arrivals:
        for priority in arriving:
            box.put(delivery(priority))
        before = list(box.depths)
        if not any(before):
            continue
        for message in take(box, most):
            waiting.append(frozenset(lane for lane in LANES if before[lane]))
            taken.append(message.priority)
            before[message.priority] -= 1
    for start in range(len(taken) - ROUND + 1):
        window = slice(start, start + ROUND)
        starved = frozenset.intersection(*waiting[window]) - set(taken[window])
        assert not starved
        urgent = sum(lane == min(there) for lane, there in zip(taken[window], waiting[window], strict=True))
        assert urgent >= ROUND - 3


@given(others=st.integers(5, 200))
def test_critical_messages_are_passed_by_one_other_of_five_at_most(others: int) -> None:
    box = mailbox(10_000)
    for priority in LANES:
        for number in range(others):
            box.put(delivery(priority, number))
    taken = [message.priority for message in take(box, others)]
    for start in range(len(taken) - 4):
        assert sum(lane is not Priority.CRITICAL for lane in taken[start : start + 5]) <= 1


def test_a_take_waits_for_a_message_and_one_that_was_cancelled_loses_none() -> None:
    async def run() -> list[str]:
        box = mailbox()
        waiting = asyncio.create_task(box.take(8))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="consumer that waits"):
            await box.take(1)
        box.put(delivery(Priority.LOW))
        box.put(delivery(Priority.HIGH))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return [each.message.id for each in await box.take(8)]

    assert asyncio.run(run()) == ["HIGH-0", "LOW-0"]


def test_a_mailbox_takes_its_capacity_and_refuses_the_next() -> None:
    box = mailbox(3)
    for number in range(3):
        box.put(delivery(Priority.NORMAL, number))
    with pytest.raises(MailboxFull, match=r"mailbox of a is full \(3 messages\)"):
        box.put(delivery(Priority.CRITICAL))
    assert (box.refused, len(box)) == (1, 3)
    take(box, 1)
    box.put(delivery(Priority.CRITICAL))
    assert (box.taken, len(box)) == (1, 3)


def settled(into: list[tuple[str, str, str]], name: str) -> Settle:
    return lambda what, why: into.append((name, what, why))


def test_drop_oldest_drops_of_the_least_urgent_lane_and_tells_its_sender() -> None:
    box, heard = mailbox(3, "drop_oldest"), list[tuple[str, str, str]]()
    dropped: list[str] = []
    box = Mailbox(
        MailboxSpec(3, "drop_oldest"), "a", on_drop=lambda which, _why: dropped.append(which.message.id)
    )
    for number, priority in enumerate((Priority.LOW, Priority.LOW, Priority.NORMAL)):
        box.put(delivery(priority, number, settled(heard, f"{number}")))
    box.put(delivery(Priority.HIGH, 3))
    assert [(name, what) for name, what, _ in heard] == [("0", "dropped")]
    assert "was full (3 messages)" in heard[0][2]
    box.put(delivery(Priority.LOW, 4))
    box.put(delivery(Priority.HIGH, 5))
    box.put(delivery(Priority.HIGH, 6))
    assert dropped == ["LOW-0", "LOW-1", "LOW-4", "NORMAL-2"]
    assert box.depths == (0, 3, 0, 0)
    assert box.dropped == 4


def test_drop_oldest_refuses_what_is_less_urgent_than_all_that_waits() -> None:
    box = mailbox(2, "drop_oldest")
    box.put(delivery(Priority.HIGH, 0))
    box.put(delivery(Priority.HIGH, 1))
    with pytest.raises(MailboxFull):
        box.put(delivery(Priority.NORMAL))
    box.put(delivery(Priority.HIGH, 2))
    assert [message.id for message in take(box, 9)] == ["HIGH-1", "HIGH-2"]


def test_the_policy_is_chosen_by_priority() -> None:
    box = mailbox(1, "reject", critical="drop_oldest")
    box.put(delivery(Priority.LOW))
    with pytest.raises(MailboxFull):
        box.put(delivery(Priority.HIGH))
    box.put(delivery(Priority.CRITICAL))
    assert box.depths == (1, 0, 0, 0)


def test_without_a_spill_the_policy_spill_refuses() -> None:
    box = mailbox(1, "spill")
    box.put(delivery(Priority.LOW))
    with pytest.raises(MailboxFull):
        box.put(delivery(Priority.LOW))


def test_a_closed_mailbox_gives_back_what_was_left_and_wakes_its_consumer_with_nothing() -> None:
    async def run() -> tuple[list[Delivery], list[Delivery]]:
        box = mailbox()
        waiting = asyncio.create_task(box.take(8))
        await asyncio.sleep(0)
        left = box.close("shutdown")
        with pytest.raises(UnknownAgent):
            box.put(delivery(Priority.LOW))
        assert box.closed_for == "shutdown"
        return left, await waiting

    assert asyncio.run(run()) == ([], [])
    box = mailbox()
    box.put(delivery(Priority.LOW))
    box.put(delivery(Priority.HIGH))
    assert [each.message.id for each in box.close("gone")] == ["HIGH-0", "LOW-0"]
    assert len(box) == 0


@given(operations=st.lists(st.tuples(st.sampled_from(LANES), st.integers(0, 3)), max_size=120))
def test_nothing_is_lost_and_nothing_comes_twice(operations: list[tuple[Priority, int]]) -> None:
    box, sent, refused, out = mailbox(10), list[str](), list[str](), list[str]()
    for number, (priority, most) in enumerate(operations):
        each = delivery(priority, number)
        try:
            box.put(each)
            sent.append(each.message.id)
        except MailboxFull:
            refused.append(each.message.id)
        if most and len(box):
            out += [message.id for message in take(box, most)]
    out += [each.message.id for each in box.close("end")]
    assert sorted(out) == sorted(sent)
    assert box.refused == len(refused)


def heavy(characters: int, priority: Priority = Priority.NORMAL) -> Delivery:
    return Delivery(Message(f"{characters}", "client:t", "a", "x" * characters, 0, priority))


def test_a_mailbox_takes_so_many_characters_and_refuses_the_next() -> None:
    box = Mailbox(MailboxSpec(memory=10), "a")
    box.put(heavy(4))
    box.put(heavy(6))
    with pytest.raises(MailboxFull):
        box.put(heavy(1))
    take(box, 1)
    box.put(heavy(4))
    with pytest.raises(MailboxFull):
        box.put(heavy(1))


def test_however_large_one_message_fits_where_none_waits() -> None:
    box = Mailbox(MailboxSpec(memory=10), "a")
    box.put(heavy(1000))
    with pytest.raises(MailboxFull):
        box.put(heavy(0))
    assert [message.id for message in take(box, 9)] == ["1000"]
    box.put(heavy(1000))


def test_drop_oldest_drops_as_many_as_a_large_message_needs_or_none() -> None:
    box = Mailbox(MailboxSpec(memory=10, overflow="drop_oldest"), "a")
    for _ in range(5):
        box.put(heavy(2))
    box.put(heavy(5))
    assert (box.dropped, len(box)) == (3, 3)
    box.put(heavy(1, Priority.HIGH))
    with pytest.raises(MailboxFull):
        box.put(heavy(10))
    assert (box.dropped, len(box)) == (3, 4)


def test_what_must_be_taken_is_taken_by_a_full_mailbox() -> None:
    box = mailbox(1)
    box.put(delivery(Priority.LOW))
    box.put(delivery(Priority.NORMAL), must=True)
    assert [message.id for message in take(box, 9)] == ["NORMAL-0", "LOW-0"]


def test_what_is_given_back_comes_first_again_in_its_order() -> None:
    box = mailbox(4)
    for number in range(4):
        box.put(delivery(Priority.NORMAL, number))

    async def run() -> list[str]:
        taken = await box.take(3)
        box.give_back(taken[1:])
        return [each.message.id for each in await box.take(9)]

    assert asyncio.run(run()) == ["NORMAL-1", "NORMAL-2", "NORMAL-3"]
    assert (box.taken, len(box)) == (4, 0)
