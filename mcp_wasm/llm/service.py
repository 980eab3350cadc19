"""Asking a language model on somebody's behalf: grant, budget, provider, and the fallback where none answers.

The way of a request: it is checked; each provider in the settings' order that a
grant allows is tried; where there is none or none answered, the fallback does,
and says so. Who has no grant for what is asked gets no answer at all, not even
that one; a budget that is used up is told and not glossed over. For one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from mcp_wasm.capability import match
from mcp_wasm.capability.command import denial_command
from mcp_wasm.capability.grant import Denial, Grants
from mcp_wasm.capability.llm import Llm as LlmGrant
from mcp_wasm.component.names import NAME
from mcp_wasm.errors import (
    CapabilityDenied,
    LlmBudgetExceeded,
    LlmCircuitOpen,
    LlmFailed,
    LlmRefused,
    McpWasmError,
)
from mcp_wasm.llm import protocol
from mcp_wasm.llm.exchange import KeySource
from mcp_wasm.llm.fallback import MODEL, Fallback
from mcp_wasm.llm.ledger import Ledger
from mcp_wasm.llm.operations import Operation, Operations, digest
from mcp_wasm.llm.options import FALLBACK, LlmOptions
from mcp_wasm.llm.protocol import Answer, Delta, Request
from mcp_wasm.llm.providers import provider
from mcp_wasm.llm.slots import Slots
from mcp_wasm.llm.tried import Surroundings, Tried

_log = logging.getLogger(__name__)

NONE = "no provider of language models is set up"
"""Why the fallback answers where there is nothing else."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and how it is to be answered.

    ``provider`` empty lets the settings' order decide. ``id`` names the operation
    for ``Llm.operation`` (empty: a new one). With ``fallback`` False a failure of
    the providers is raised. ``seconds`` bounds all of it beside each provider's own
    time (None: not).
    """

    request: Request
    provider: str = ""
    id: str = ""
    fallback: bool = True
    seconds: float | None = None


class Llm:
    """All providers of ``options``; ``keys`` gives the key of each that has one, by its name."""

    def __init__(
        self,
        options: LlmOptions,
        keys: Mapping[str, KeySource] | None = None,
        *,
        ledger: Ledger | None = None,
        around: Surroundings | None = None,
    ) -> None:
        self._around = around or Surroundings()
        self.ledger = ledger or Ledger(self._around.now)
        self._operations = Operations(self._around.clock)
        self._ends: dict[tuple[str, str], asyncio.Event] = {}
        self._fallback = Fallback()
        slots = Slots(options.concurrent)
        self._tried = {
            each.name: Tried(
                each, provider(each, (keys or {}).get(each.name)), self.ledger, slots, self._around
            )
            for each in options.providers
            if each.kind != FALLBACK
        }

    async def ask(self, asked: Asked, grants: Grants, who: str) -> Answer:
        """The answer, with the status ``completed`` or ``completed_fallback``.

        The same id with the same request gives the answer of the first time again, and costs nothing;
        while the first still runs, it is waited for.

        Raises:
            LlmRefused: for a request that cannot be sent.
            CapabilityDenied: if no grant allows what is asked.
            LlmBudgetExceeded: if it does not fit into the grant's budget.
            LlmFailed: if no provider answered and the fallback is not wanted.
            InvalidSettings: if a grant bounds the cost of a provider that has no prices.
            Busy: if too much is asked already.
        """
        if (known := await self._known(asked, who)) is not None:
            return known
        _check(asked)
        with self._entered(asked, who) as done:
            failures: list[McpWasmError] = []
            for tried, grant, seconds in self._ways(asked, grants, who):
                try:
                    return done(await tried.ask(asked.request, grant, who, seconds))
                except (LlmFailed, LlmBudgetExceeded) as error:
                    self._note(error, failures)
            reason, attempts = self._why(asked, failures)
            answer = await self._fallback.ask(asked.request)
            return done(_in_place(answer, reason, attempts))

    async def stream(self, asked: Asked, grants: Grants, who: str) -> AsyncGenerator[Delta, None]:
        """The same in pieces; the last has the whole answer.

        Raises:
            LlmFailed: also when an answer breaks off of which some was given on: no other takes its place.
            LlmRefused, CapabilityDenied, LlmBudgetExceeded, InvalidSettings, Busy: as ``ask`` does.
        """
        _check(asked)
        with self._entered(asked, who) as done:
            failures: list[McpWasmError] = []
            for tried, grant, seconds in self._ways(asked, grants, who):
                given = False
                try:
                    async with contextlib.aclosing(
                        tried.stream(asked.request, grant, who, seconds)
                    ) as pieces:
                        async for delta in pieces:
                            given = given or bool(delta.text)
                            if delta.answer is not None:
                                done(delta.answer)
                            yield delta
                    return
                except (LlmFailed, LlmBudgetExceeded) as error:
                    if given:
                        raise
                    self._note(error, failures)
            reason, attempts = self._why(asked, failures)
            answer = await self._fallback.ask(asked.request)
            yield Delta(answer.text)
            yield Delta("", done(_in_place(answer, reason, attempts)))

    def operation(self, id_: str, who: str) -> Operation | None:
        """What is known of an operation that ``who`` began, also while it runs; None for nothing."""
        return self._operations.get(who, id_)

    async def aclose(self) -> None:
        """Close all connections."""
        for each in self._tried.values():
            await each.provider.aclose()

    async def _known(self, asked: Asked, who: str) -> Answer | None:
        """The answer that the same operation has had; None where it has to be asked (again)."""
        while (known := self._operations.get(who, asked.id)) is not None and known.asked == digest(
            asked.request
        ):
            if known.status != "running":
                return known.answer
            await self._ends[who, asked.id].wait()
        return None

    @contextlib.contextmanager
    def _entered(self, asked: Asked, who: str) -> Iterator[Callable[[Answer], Answer]]:
        """In the register from its beginning to its end; what is given enters the answer."""
        operation = self._operations.begin(who, asked.id, asked.request)
        end = self._ends[who, operation.id] = asyncio.Event()
        found: list[Answer] = []

        def done(answer: Answer) -> Answer:
            found.append(answer)
            return answer

        error = "it was given up"
        try:
            yield done
        except McpWasmError as failure:
            error = str(failure)
            raise
        finally:
            del self._ends[who, operation.id]
            end.set()
            self._operations.end(operation, answer=found[-1] if found else None, error="" if found else error)

    def _ways(self, asked: Asked, grants: Grants, who: str) -> Iterator[tuple[Tried, LlmGrant, float]]:
        """The providers that may be asked, in order, each with its grant and the seconds that are left."""
        ends = math.inf if asked.seconds is None else self._around.clock() + asked.seconds
        for tried, grant in self._allowed(asked, grants, who):
            left = ends - self._around.clock()
            if left > 0:
                yield tried, grant, left

    def _allowed(self, asked: Asked, grants: Grants, who: str) -> list[tuple[Tried, LlmGrant]]:
        request = asked.request
        if asked.provider not in {"", FALLBACK, *self._tried}:
            names = ", ".join([*self._tried, FALLBACK])
            raise LlmRefused("provider", f"one of {names}", asked.provider[:200])
        named = [each for name, each in self._tried.items() if asked.provider in {"", name}]
        decisions = [
            (
                each,
                match.llm(
                    grants, who, each.options.name, request.model or each.options.model, request.operation
                ),
            )
            for each in named
        ]
        allowed = [(each, decision.grant) for each, decision in decisions if decision.grant is not None]
        if allowed or (not decisions and any(request.operation in each.operations for each in grants.llm)):
            return allowed
        decision = (
            decisions[0][1] if decisions else match.llm(grants, who, FALLBACK, MODEL, request.operation)
        )
        raise CapabilityDenied([_denial(asked, decision, grants, who)])

    def _note(self, error: McpWasmError, failures: list[McpWasmError]) -> None:
        failures.append(error)
        # Who asks decides how often these two come, and a log is not theirs to fill.
        often = isinstance(error, (LlmCircuitOpen, LlmBudgetExceeded))
        _log.log(logging.DEBUG if often else logging.WARNING, "%s", error)

    def _why(self, asked: Asked, failures: list[McpWasmError]) -> tuple[str, int]:
        """Why the fallback answers, and after how many requests; raises what it must not gloss over."""
        budget = next((each for each in failures if isinstance(each, LlmBudgetExceeded)), None)
        if budget is not None:
            raise budget
        if not asked.fallback and asked.provider != FALLBACK:
            raise failures[-1] if failures else LlmFailed("(none)", NONE)
        attempts = sum(each.attempts for each in failures if isinstance(each, LlmFailed))
        if asked.provider == FALLBACK:
            return "it was asked for", attempts
        return (str(failures[-1]) if failures else NONE), attempts


def _check(asked: Asked) -> None:
    protocol.check(asked.request)
    if asked.seconds is not None and not asked.seconds > 0:
        raise LlmRefused("seconds", "a number of seconds above 0", asked.seconds)


def _in_place(answer: Answer, reason: str, attempts: int) -> Answer:
    return replace(answer, status="completed_fallback", reason=reason, attempts=attempts)


def _denial(asked: Asked, decision: match.Decision[LlmGrant], grants: Grants, who: str) -> Denial:
    wanted = decision.wanted
    model = f" by {asked.request.model}" if asked.request.model else ""
    # Who asks may be an agent, and only components are granted something by a command.
    command = denial_command(who, wanted, grants.waiting) if NAME.fullmatch(who) else ""
    return Denial("llm", f"{asked.request.operation}{model}", decision.rule, who, "", wanted, command)
