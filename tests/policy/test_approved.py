from __future__ import annotations

import pytest

from mcp_wasm.capability.grant import KeyValue, Network
from mcp_wasm.policy.approved import PATIENCE, Approved

NET, KV = Network(("a.example",)), KeyValue("b")
WHO = ("local", "fetch", "11" * 32)


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def approved(clock: Clock) -> Approved:
    return Approved(seconds=60, now=clock)


def test_nothing_is_allowed_before_a_person_answered(approved: Approved) -> None:
    assert approved.allowed(*WHO) == ()
    assert approved.askable(*WHO, [NET, KV, NET]) == (NET, KV)


def test_an_answer_holds_for_who_gave_it_for_the_component_and_for_its_bytes(approved: Approved) -> None:
    approved.allow(*WHO, [NET, KV])
    assert approved.allowed(*WHO) == (NET, KV)
    assert approved.allowed("other", *WHO[1:]) == ()
    assert approved.allowed("local", "fetch2", WHO[2]) == ()
    assert approved.allowed("local", "fetch", "22" * 32) == ()


def test_an_answer_ends(approved: Approved, clock: Clock) -> None:
    approved.allow(*WHO, [NET])
    clock.time += 59.9
    assert approved.allowed(*WHO) == (NET,)
    clock.time += 0.1
    assert approved.allowed(*WHO) == ()


def test_a_later_answer_does_not_make_an_earlier_one_last_longer(approved: Approved, clock: Clock) -> None:
    approved.allow(*WHO, [NET])
    clock.time += 50
    approved.allow(*WHO, [KV])
    clock.time += 20
    assert approved.allowed(*WHO) == (KV,)


def test_what_was_turned_down_is_not_asked_again_until_it_is_forgotten(
    approved: Approved, clock: Clock
) -> None:
    approved.decline(*WHO, [NET])
    assert approved.askable(*WHO, [NET, KV]) == (KV,)
    assert approved.askable("other", *WHO[1:], [NET]) == (NET,)
    clock.time += 60
    assert approved.askable(*WHO, [NET]) == (NET,)


def test_a_component_that_was_turned_down_often_is_not_asked_about(approved: Approved, clock: Clock) -> None:
    for number in range(PATIENCE):
        asked = [KeyValue(f"bucket {number}")]
        assert approved.askable(*WHO, asked)
        approved.decline(*WHO, asked)
    assert approved.askable(*WHO, [KeyValue("another")]) == ()
    assert approved.askable("local", "fetch2", WHO[2], [KV]) == (KV,)
    clock.time += 60
    assert approved.askable(*WHO, [KeyValue("another")])


def test_allowing_takes_back_a_refusal(approved: Approved) -> None:
    approved.decline(*WHO, [NET])
    approved.allow(*WHO, [NET])
    assert approved.allowed(*WHO) == (NET,)


def test_what_was_allowed_and_did_not_help_is_not_asked_again(approved: Approved) -> None:
    approved.allow(*WHO, [NET])
    assert approved.askable(*WHO, [NET, KV]) == (KV,)


def test_what_is_kept_is_bounded(approved: Approved) -> None:
    approved.allow(*WHO, [KeyValue(f"bucket {n}") for n in range(65)])
    assert len(approved.allowed(*WHO)) == 64
    assert KeyValue("bucket 64") in approved.allowed(*WHO)
    for number in range(1000):
        approved.allow(f"peer {number}", *WHO[1:], [NET])
    assert approved.allowed(*WHO) == ()
    assert approved.allowed("peer 999", *WHO[1:]) == (NET,)
