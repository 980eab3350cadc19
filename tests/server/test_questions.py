from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mcp_wasm.capability.grant import Network
from mcp_wasm.server.forms import Question, Wanted
from mcp_wasm.server.questions import Asker, Questions, fingerprint

QUESTION = Question("fetch_get", "fetch", "ab" * 32, (Wanted(Network(("a.example",)), ()),))
RESULT: dict[str, Any] = {"content": [], "isError": False}
CALL = fingerprint("fetch_get", {"url": "https://a.example"})
ASKER = Asker("local", "local", CALL)


class Clock:
    def __init__(self) -> None:
        self.time = 1.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def questions(clock: Clock) -> Questions:
    return Questions(seconds=10, now=clock)


def test_a_state_is_good_once(questions: Questions) -> None:
    state = questions.put(ASKER, QUESTION, RESULT)
    assert state is not None
    assert questions.take(state, ASKER) == (QUESTION, RESULT)
    assert questions.take(state, ASKER) is None


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(ASKER, owner="someone else"),
        dataclasses.replace(ASKER, client="another program"),
        dataclasses.replace(ASKER, call=fingerprint("fetch_get", {"url": "https://b.example"})),
        dataclasses.replace(ASKER, call=fingerprint("fetch_post", {"url": "https://a.example"})),
    ],
)
def test_a_state_is_good_only_for_whom_and_for_what_it_was_given(questions: Questions, other: Asker) -> None:
    state = questions.put(ASKER, QUESTION, RESULT)
    assert state is not None
    assert questions.take(state, other) is None
    assert questions.take(state, ASKER) is None  # whoever tried it has spoilt it


@pytest.mark.parametrize("forged", ["", "x", "A" * 43, "\ud800"])
def test_a_forged_state_is_no_state(questions: Questions, forged: str) -> None:
    questions.put(ASKER, QUESTION, RESULT)
    assert questions.take(forged, ASKER) is None


def test_a_state_ends(questions: Questions, clock: Clock) -> None:
    early, late = questions.put(ASKER, QUESTION, RESULT), questions.put(ASKER, QUESTION, RESULT)
    assert early is not None
    assert late is not None
    clock.time += 9.9
    assert questions.take(early, ASKER) is not None
    clock.time += 0.1
    assert questions.take(late, ASKER) is None


def test_one_who_leaves_questions_open_is_not_asked_more_and_others_are(
    questions: Questions, clock: Clock
) -> None:
    assert all(questions.put(ASKER, QUESTION, RESULT) for _ in range(8))
    assert questions.put(ASKER, QUESTION, RESULT) is None
    assert questions.put(dataclasses.replace(ASKER, owner="another"), QUESTION, RESULT)
    clock.time += 10
    assert questions.put(ASKER, QUESTION, RESULT)


def test_all_open_questions_together_are_bounded(questions: Questions) -> None:
    askers = [dataclasses.replace(ASKER, owner=str(n // 8)) for n in range(65)]
    kept = [questions.put(asker, QUESTION, RESULT) for asker in askers]
    assert [state is not None for state in kept] == [True] * 64 + [False]


def test_what_they_keep_is_bounded_in_bytes(questions: Questions) -> None:
    large = {"content": [{"type": "text", "text": "x" * (33 * 1024 * 1024)}]}
    assert questions.put(ASKER, QUESTION, large)
    assert questions.put(ASKER, QUESTION, large) is None


def test_a_fingerprint_is_of_the_values_and_not_of_their_order() -> None:
    assert fingerprint("t", {"a": 1, "b": [1, 2]}) == fingerprint("t", {"b": [1, 2], "a": 1})
    calls: list[tuple[str, dict[str, Any]]]
    calls = [("t", {"a": 1}), ("t", {"a": "1"}), ("t", {"a": 1.0}), ("t", {"a": True}), ("u", {"a": 1})]
    calls += [("t", {"a": float("nan")}), ("t", {"a": "\ud800"}), ("t", {"a": None})]
    calls += [("t", {"a": [1, 2]}), ("t", {"a": [2, 1]}), ("t", {})]
    assert len({fingerprint(*call) for call in calls}) == len(calls)
