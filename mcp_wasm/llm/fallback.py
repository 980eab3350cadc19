"""The provider that needs no model and no key: what can be said of a text without one, and that it is that.

Pure and deterministic: no network, no clock, no chance. Every answer begins with
a line that says what it is, so that nobody takes it for a model's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from mcp_wasm.llm import extract
from mcp_wasm.llm.options import FALLBACK
from mcp_wasm.llm.protocol import Answer, Delta, Request

MODEL = "extract-1"
"""What takes the place of a model's name; another number gives other answers."""

_SENTENCES = 5
_STEPS = 20
_LONGEST = 400
_SHORT = 4000


class Fallback:
    """Answers every request."""

    name = FALLBACK
    model = MODEL

    async def ask(self, request: Request) -> Answer:
        """As ``Provider`` has it."""
        # Long texts take tens of milliseconds, which are not the event loop's to spend.
        short = len(request.text) + len(request.context) < _SHORT
        return answer(request) if short else await asyncio.to_thread(answer, request)

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """As ``Provider`` has it, in one piece."""
        found = await self.ask(request)
        yield Delta(found.text)
        yield Delta("", found)

    async def aclose(self) -> None:
        """As ``Provider`` has it; there is nothing to let go of."""


def answer(request: Request) -> Answer:
    """The answer to ``request`` without a model."""
    match request.operation:
        case "summarize":
            text = _summary(request.text)
        case "plan_workflow":
            text = _plan(request.text, request.context)
        case "reason":
            text = _reason(request.text, request.context)
        case _:
            last = request.messages[-1].text if request.messages else request.text
            text = f"{_note('nothing was understood or answered')} The request began: {_cut(last.strip())}"
    return Answer(text, MODEL, FALLBACK, "stop", 0, 0)


def _summary(text: str) -> str:
    found = extract.sentences(text)
    chosen = extract.weightiest(found, _SENTENCES)
    what = f"{len(chosen)} of the {len(found)} sentences of the text, as they stand there"
    return _listed(what, chosen, "")


def _plan(goal: str, context: str) -> str:
    found = extract.steps(goal)
    # A goal of one clause has no steps in it; what is known may.
    source, where = (
        (extract.steps(context), "what is known") if len(found) < 2 and context else (found, "the goal")
    )
    chosen = source[:_STEPS] or found
    what = f"{len(chosen)} of the {len(source) or len(found)} steps that {where} names itself"
    return _listed(what, [f"{number}. {_cut(step)}" for number, step in enumerate(chosen, 1)], "")


def _reason(question: str, context: str) -> str:
    chosen = extract.weightiest(extract.sentences(context), _SENTENCES, about=question)
    if not chosen:
        return _note("no answer to the question, and nothing of what is known shares its words")
    return _listed("no answer to the question; of what is known, this shares its words", chosen, "- ")


def _listed(what: str, lines: Sequence[str], mark: str) -> str:
    return "\n".join([_note(what), *(f"{mark}{_cut(line)}" for line in lines)])


def _note(what: str) -> str:
    return f"[Without a language model: {what}.]"


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
