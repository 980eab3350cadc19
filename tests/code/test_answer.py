"""What a runner answers is a guest's word: each part is checked and bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_wasm.code import answer
from mcp_wasm.code.contract import ABSENT
from mcp_wasm.errors import DeadlineExceeded, FuelExhausted, SessionEnded, Trap
from mcp_wasm.sandbox.report import Outcome, Printed, Report
from mcp_wasm.sandbox.trap import MEMORY

REPORT = Report("d", stdout=Printed("a", 3))


def read(value: Any) -> Any:
    return answer.read(Outcome(value if isinstance(value, str) else json.dumps(value), False, "", REPORT))


def test_a_value_null_and_none_are_three_things() -> None:
    assert read({"value": 1}).value == 1
    assert read({"value": None}).value is None
    assert read({}).value is ABSENT
    assert read({"value": {"a": [1]}, "text": "A(1)"}).text == "A(1)"


def test_what_was_cut_of_the_output_is_said() -> None:
    assert read({}).truncated == ("stdout: the last 3 bytes were dropped",)


def test_an_error_is_told_in_parts() -> None:
    failure = read(
        {
            "error": {
                "type": "KeyError",
                "message": "'a'",
                "line": 3,
                "column": 2,
                "traceback": "t",
                "hint": "h",
            }
        }
    ).failure
    assert (failure.type, failure.message, failure.line, failure.column) == ("KeyError", "'a'", 3, 2)
    assert (failure.traceback, failure.hint, failure.limit) == ("t", "h", "")


@pytest.mark.parametrize("junk", ["", "no json", "[]", "1", '"x"', "[" * 100_000])
def test_an_answer_that_is_none_is_a_failure(junk: str) -> None:
    failure = read(junk).failure
    assert failure.type == "Trap"
    assert "without an answer" in failure.message


@pytest.mark.parametrize(
    "error",
    [
        1,
        "x",
        [],
        {},
        {"type": 1, "message": []},
        {"line": "3"},
        {"line": True},
        {"line": -1},
        {"line": 2**40},
    ],
)
def test_an_error_of_another_shape_is_still_one(error: Any) -> None:
    failure = read({"error": error}).failure
    assert failure.type == "Error"
    assert failure.line is None


def test_long_and_damaged_texts_are_cut_and_mended() -> None:
    ran = read('{"error": {"type": "\\ud800", "message": "' + "m" * 100_000 + '"}}')
    assert ran.failure.type == "?"
    assert len(ran.failure.message) < 9_000
    assert "characters left out" in ran.failure.message


def test_a_limit_names_itself_and_what_to_do() -> None:
    error = FuelExhausted(10, 10)
    error.report = REPORT
    failure = answer.stopped(error).failure
    assert failure is not None
    assert (failure.type, failure.limit) == ("FuelExhausted", "fuel")
    assert "loop" in failure.hint
    late = DeadlineExceeded(1.0)
    late.report = REPORT
    assert answer.stopped(late).failure.limit == "deadline"  # type: ignore[union-attr]


def test_a_trap_has_its_frames() -> None:
    error = Trap("unreachable", ["f", "g"])
    error.report = REPORT
    failure = answer.stopped(error).failure
    assert failure is not None
    assert (failure.traceback, failure.limit) == ("f\ng", "")


def test_a_runner_that_had_no_room_left_to_say_so_reached_the_limit_of_memory() -> None:
    error = Trap("unreachable", ["f"], f"{MEMORY} of 1,000 bytes.")
    error.report = REPORT
    failure = answer.stopped(error).failure
    assert failure is not None
    assert (failure.type, failure.limit) == ("MemoryLimitExceeded", "memory")
    assert "no room" in failure.message


def test_what_never_ran_is_no_run() -> None:
    with pytest.raises(SessionEnded):
        answer.stopped(SessionEnded("x", "it is over"))


@pytest.mark.parametrize(("kind", "message"), [("MemoryError", ""), ("InternalError", "out of memory")])
def test_memory_that_ran_out_in_the_language_is_the_limit_of_memory(kind: str, message: str) -> None:
    failure = read({"error": {"type": kind, "message": message, "line": 2}}).failure
    assert (failure.type, failure.line, failure.limit) == (kind, 2, "memory")
    assert failure.message == (
        f"The memory limit was reached: there is no room for what the code wanted ({kind})."
    )
    assert read({"error": {"type": kind, "message": "no seats left"}}).failure.limit == ""
