"""Which operations run and what became of those that ended, by id: bounded, and forgotten after a while.

An id belongs to who asked: nobody else learns even that it exists. Pure, but for
the clock that is injected.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from mcp_wasm.errors import Busy, LlmRefused
from mcp_wasm.llm.protocol import Answer, Request, Status

MOST = 10_000
"""Operations that are remembered, and that may run at once."""
SECONDS = 3600.0
"""How long one is remembered after its end."""
_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    ``began`` and ``ended`` are seconds of the clock (``ended`` None while it runs).
    ``answer`` is there when it completed, ``error`` says why it failed.
    """

    id: str
    who: str
    request: Request
    status: Status
    began: float
    ended: float | None = None
    answer: Answer | None = None
    error: str = ""


class Operations:
    """The register; ``clock`` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float], most: int = MOST, seconds: float = SECONDS) -> None:
        self._clock, self._most, self._seconds = clock, most, seconds
        # In the order of their ends for those that ended, since each end moves one to the back.
        self._ended: dict[tuple[str, str], Operation] = {}
        self._running: dict[tuple[str, str], Operation] = {}

    def begin(self, who: str, id_: str, request: Request) -> Operation:
        """Enter an operation as running, under ``id_`` or a new id; what failed may be begun again.

        Raises:
            LlmRefused: for an id that is none, or that is in use.
            Busy: if too many run.
        """
        if len(id_) > _LONGEST or not id_.isprintable():
            raise LlmRefused("id", f"a text on one line of at most {_LONGEST} characters", id_[:_LONGEST])
        known = self.get(who, id_)
        if known is not None and known.status != "failed":
            raise LlmRefused("id", "one that no operation has yet", id_)
        if len(self._running) >= self._most:
            raise Busy("the language models", len(self._running))
        found = Operation(id_ or secrets.token_hex(16), who, request, "running", self._clock())
        self._ended.pop((who, found.id), None)
        self._running[who, found.id] = found
        return found

    def end(self, operation: Operation, *, answer: Answer | None = None, error: str = "") -> None:
        """Enter what became of it: the answer, or why there is none."""
        key = operation.who, operation.id
        del self._running[key]
        status: Status = "failed" if answer is None else answer.status
        self._ended[key] = replace(operation, status=status, ended=self._clock(), answer=answer, error=error)
        self._forget()

    def get(self, who: str, id_: str) -> Operation | None:
        """What is known of an operation of ``who``, None where nothing is (any more)."""
        self._forget()
        return self._running.get((who, id_)) or self._ended.get((who, id_))

    def _forget(self) -> None:
        last = self._clock() - self._seconds
        while self._ended:
            key, oldest = next(iter(self._ended.items()))
            assert oldest.ended is not None
            if len(self._ended) <= self._most and oldest.ended > last:
                return
            del self._ended[key]
