"""One provider as it is used: within its time, guarded by its circuit, paid for, and tried again.

Each request is a reservation of its own, since each may be paid for. Of a
streamed answer nothing is tried again once a piece of it was given on.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

from mcp_wasm.capability.llm import Llm as LlmGrant
from mcp_wasm.errors import InvalidSettings, LlmFailed, LlmRefused, LlmTimedOut
from mcp_wasm.llm import prompts
from mcp_wasm.llm.again import Pauses, pause
from mcp_wasm.llm.circuit import Circuit
from mcp_wasm.llm.ledger import Ledger, Reservation
from mcp_wasm.llm.options import ProviderOptions
from mcp_wasm.llm.protocol import Answer, Delta, Provider, Request
from mcp_wasm.llm.slots import Slots

_STREAM = 10
"""How many times as long as a whole answer a streamed one may take: it may go on, but not for ever."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is not the same twice: a clock, the time of day, pauses and chance."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    # It spreads pauses out and guards nothing.
    chance: Callable[[], float] = random.random
    pauses: Pauses = field(default_factory=Pauses)


class Tried:
    """The provider that ``options`` describe; ``slots`` bounds the requests of all together."""

    def __init__(
        self,
        options: ProviderOptions,
        provider: Provider,
        ledger: Ledger,
        slots: Slots,
        around: Surroundings,
    ) -> None:
        self.options, self.provider = options, provider
        self._ledger, self._slots, self._around = ledger, slots, around
        self._circuit = Circuit(options.name, options.breaker, options.alone, around.clock)

    async def ask(self, request: Request, grant: LlmGrant, who: str, seconds: float) -> Answer:
        """The answer, within ``seconds`` and the provider's own time.

        Raises:
            LlmFailed, LlmRefused: as the provider does.
            LlmBudgetExceeded: if the grant has not that much left.
            InvalidSettings: if the grant bounds the cost and there are no prices.
        """
        seconds = min(seconds, self.options.timeout)
        ends, attempts = self._around.clock() + seconds, 0
        fitted = self._fitted(request, grant)
        while True:
            attempts += 1
            try:
                async with self._one(fitted, grant, who, ends) as held, self._within(ends, seconds):
                    return replace(self._paid(held, await self.provider.ask(fitted)), attempts=attempts)
            except LlmFailed as error:
                error.attempts = attempts
                await self._again(error, attempts, ends)

    async def stream(
        self, request: Request, grant: LlmGrant, who: str, seconds: float
    ) -> AsyncGenerator[Delta, None]:
        """The same in pieces; ``seconds`` bounds all, the provider's own time the first piece and a silence.

        Raises:
            LlmFailed, LlmRefused, LlmBudgetExceeded, InvalidSettings: as ``ask`` does.
        """
        now = self._around.clock()
        begins, ends = (now + min(seconds, self.options.timeout * times) for times in (1, _STREAM))
        fitted, attempts, given = self._fitted(request, grant), 0, False
        while True:
            attempts += 1
            try:
                async with (
                    self._one(fitted, grant, who, begins) as held,
                    contextlib.aclosing(self.provider.stream(fitted)) as pieces,
                    contextlib.aclosing(self._heard(pieces, begins, ends)) as heard,
                ):
                    async for delta in heard:
                        given = given or bool(delta.text)
                        yield self._last(held, delta, attempts)
                return
            except LlmFailed as error:
                error.attempts = attempts
                if given:
                    raise
                await self._again(error, attempts, begins)

    async def _again(self, error: LlmFailed, failures: int, ends: float) -> None:
        """Wait for the next try, or raise ``error`` if there is none."""
        around = self._around
        left, chance = ends - around.clock(), around.chance()
        wait = pause(error, failures, self.options.retries, left, chance, around.pauses)
        if wait is None:
            raise error
        await around.sleep(wait)

    @contextlib.asynccontextmanager
    async def _one(
        self, request: Request, grant: LlmGrant, who: str, ends: float
    ) -> AsyncIterator[Reservation]:
        """Around one request: a slot, the circuit, and the reservation, which is settled whatever happens."""
        async with self._slot(who, ends):
            with self._circuit.guard():
                held = self._reserved(request, grant, who)
                try:
                    yield held
                except LlmFailed as error:
                    held.settle(*self._amount(held, error.used))
                    raise
                except LlmRefused:
                    held.settle(0, 0.0)
                    raise
                finally:
                    # Cancelled, or given up by who reads the stream: what it has used is not known.
                    held.settle(*self._amount(held, None))

    @contextlib.asynccontextmanager
    async def _slot(self, who: str, ends: float) -> AsyncIterator[None]:
        left = max(0.0, ends - self._around.clock())
        async with contextlib.AsyncExitStack() as held:
            try:
                await held.enter_async_context(self._slots.one(who, left))
            except TimeoutError:
                raise LlmTimedOut(self.options.name, round(left, 3), used=(0, 0)) from None
            yield

    @contextlib.asynccontextmanager
    async def _within(self, ends: float, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(max(0.0, ends - self._around.clock())):
                yield
        except TimeoutError:
            raise LlmTimedOut(self.options.name, seconds) from None

    async def _heard(
        self, pieces: AsyncGenerator[Delta, None], begins: float, ends: float
    ) -> AsyncGenerator[Delta, None]:
        """``pieces``: the first until ``begins``, none longer in coming than the provider's own time."""
        last = begins
        while True:
            silence = max(0.0, min(self.options.timeout, last - self._around.clock()))
            try:
                async with asyncio.timeout(silence):
                    delta = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise LlmTimedOut(self.options.name, round(silence, 3)) from None
            last = ends
            yield delta

    def _last(self, held: Reservation, delta: Delta, attempts: int) -> Delta:
        if delta.answer is None:
            return delta
        return Delta("", replace(self._paid(held, delta.answer), attempts=attempts))

    def _fitted(self, request: Request, grant: LlmGrant) -> Request:
        """``request`` with a model, and with as many tokens for the answer as there is room for."""
        model = request.model or self.options.model
        if request.max_tokens:
            return replace(request, model=model)
        room = grant.call_tokens - prompts.bound(*prompts.conversation(request))
        # Where there is none, the reservation says so.
        return replace(request, model=model, max_tokens=max(1, min(self.options.max_tokens, room)))

    def _reserved(self, request: Request, grant: LlmGrant, who: str) -> Reservation:
        price = self.options.price
        if grant.cost is not None and price is None:
            expected = f"input_price and output_price, since {grant.rule or 'a grant'} bounds the cost"
            raise InvalidSettings(f"llm.{self.options.name}", expected, "none")
        tokens_in = prompts.bound(*prompts.conversation(request))
        cost = price.cost(tokens_in, request.max_tokens) if price is not None else 0.0
        return self._ledger.reserve(who, grant, tokens_in, request.max_tokens, cost)

    def _amount(self, held: Reservation, used: tuple[int, int] | None) -> tuple[int, float]:
        tokens_in, tokens_out = used if used is not None else (held.tokens_in, held.tokens_out)
        price = self.options.price
        return tokens_in + tokens_out, price.cost(tokens_in, tokens_out) if price is not None else 0.0

    def _paid(self, held: Reservation, answer: Answer) -> Answer:
        """Settle what ``answer`` used, and write it into it."""
        tokens_in = held.tokens_in if answer.tokens_in is None else answer.tokens_in
        tokens_out = held.tokens_out if answer.tokens_out is None else answer.tokens_out
        tokens, cost = self._amount(held, (tokens_in, tokens_out))
        held.settle(tokens, cost)
        return replace(answer, tokens_in=tokens_in, tokens_out=tokens_out, cost=cost)
