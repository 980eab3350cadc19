"""What is answered without a model: the same each time, out of the text alone, and it says what it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.errors import Busy, LlmRefused
from mcp_wasm.llm import extract, fallback
from mcp_wasm.llm.operations import Operations
from mcp_wasm.llm.protocol import Message, Operation, Request

NEWS = """# Sandboxes
A sandbox limits what a component does. The weather was fine. Components run in a sandbox of their own!
Somebody ate cake. Every component needs a sandbox? Version 3.5 of it came out.
"""

ANSWERS: list[tuple[Request, str]] = [
    (
        Request("summarize", "One sentence only."),
        "[Without a language model: 1 of the 1 sentences of the text, as they stand there.]\n"
        "One sentence only.",
    ),
    (
        Request(
            "plan_workflow", "Fetch the pages, then summarize them; and then write a report. Finally send it."
        ),
        "[Without a language model: 4 of the 4 steps that the goal names itself.]\n"
        "1. Fetch the pages\n2. Summarize them\n3. Write a report\n4. Finally send it",
    ),
    (
        Request("plan_workflow", "Do this:\n- first thing\n* [ ] second thing\n 3) third thing"),
        "[Without a language model: 3 of the 3 steps that the goal names itself.]\n"
        "1. first thing\n2. [ ] second thing\n3. third thing",
    ),
    (
        Request("plan_workflow", "Ship it", "# Build #\ntext\n## Test\n"),
        "[Without a language model: 2 of the 2 steps that what is known names itself.]\n1. Build\n2. Test",
    ),
    (
        Request("plan_workflow", "Ship it"),
        "[Without a language model: 1 of the 1 steps that the goal names itself.]\n1. Ship it",
    ),
    (
        Request("reason", "Why is a sandbox fast?", "Sandbox code is shared. Cats purr."),
        "[Without a language model: no answer to the question; of what is known, this shares its words.]\n"
        "- Sandbox code is shared.",
    ),
    (
        Request("reason", "Why?", "Cats purr."),
        "[Without a language model: no answer to the question, "
        "and nothing of what is known shares its words.]",
    ),
    (
        Request(messages=(Message("user", "a"), Message("assistant", "b"), Message("user", "Say c."))),
        "[Without a language model: nothing was understood or answered.] The request began: Say c.",
    ),
]


@pytest.mark.parametrize(("request_", "text"), ANSWERS)
def test_what_is_answered_without_a_model(request_: Request, text: str) -> None:
    answer = fallback.answer(request_)
    assert answer.text == text
    assert (answer.provider, answer.model, answer.tokens_in, answer.tokens_out) == (
        "fallback",
        "extract-1",
        0,
        0,
    )


def test_a_summary_is_of_the_sentences_that_say_most_in_their_order() -> None:
    assert extract.weightiest(extract.sentences(NEWS), 3) == [
        "A sandbox limits what a component does.",
        "Components run in a sandbox of their own!",
        "Every component needs a sandbox?",
    ]
    assert extract.sentences("Version 3.5 of it came out.") == ["Version 3.5 of it came out."]
    assert extract.sentences("一个句子。还有一个！") == ["一个句子。", "还有一个！"]


@pytest.mark.anyio
async def test_a_long_text_is_answered_beside_the_loop_and_the_same() -> None:
    request = Request("summarize", NEWS * 1000)
    found, other = await asyncio.gather(*(fallback.Fallback().ask(request) for _ in range(2)))
    assert found == other == fallback.answer(request)


@given(st.sampled_from(["ask", "summarize", "plan_workflow", "reason"]), st.text(min_size=1), st.text())
def test_any_text_has_an_answer_that_says_what_it_is(operation: Operation, text: str, context: str) -> None:
    answer = fallback.answer(Request(operation, text, context))
    assert answer.text.startswith("[Without a language model: ")
    assert fallback.answer(Request(operation, text, context)) == answer
    assert len(answer.text) < 10_000


def test_the_fallback_imports_no_network() -> None:
    source = "".join(Path(str(each.__file__)).read_text(encoding="utf-8") for each in (fallback, extract))
    assert not any(word in source for word in ("httpx", "socket", "random", "import time"))


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def test_operations_are_forgotten_after_a_while_and_when_there_are_too_many() -> None:
    clock = Clock()
    register, request = Operations(clock, most=2, seconds=10), Request(text="a")
    answer = fallback.answer(request)
    for name in ("one", "two", "three"):
        register.end(register.begin("a", name, request), answer=answer)
        clock.at += 1
    assert [register.get("a", name) is None for name in ("one", "two", "three")] == [True, False, False]
    clock.at = 11
    assert [register.get("a", name) is None for name in ("two", "three")] == [True, False]
    clock.at = 12
    assert register.get("a", "three") is None


def test_answers_are_forgotten_when_there_is_too_much_in_them() -> None:
    clock = Clock()
    request = Request(text="a")
    answer = fallback.answer(request)
    register = Operations(clock, characters=2 * len(answer.text))
    for name in ("one", "two", "three"):
        register.end(register.begin("a", name, request), answer=answer)
    register.end(register.begin("a", "four", request), error="no")
    assert [register.get("a", name) is None for name in ("one", "two", "three", "four")] == [
        True,
        *[False] * 3,
    ]


def test_no_more_operations_run_than_may_and_none_of_those_is_forgotten() -> None:
    clock = Clock()
    register, request = Operations(clock, running=20, seconds=10), Request(text="a")
    first = register.begin("a", "", request)
    register.begin("b", first.id, request)
    register.begin("a", "", request)
    with pytest.raises(Busy, match="a has 2 calls waiting"):
        register.begin("a", "", request)
    for number in range(17):
        register.begin(str(number), "", request)
    with pytest.raises(Busy, match="Everybody together has 20"):
        register.begin("another", "", request)
    clock.at = 1000
    assert register.get("a", first.id) == first
    register.end(first, error="no")
    register.begin("a", "", request)


def test_an_id_is_a_short_line() -> None:
    register, request = Operations(Clock()), Request(text="a")
    register.begin("a", "x" * 128, request)
    for id_ in ("x" * 129, "a\n", "\x1b"):
        with pytest.raises(LlmRefused):
            register.begin("a", id_, request)
