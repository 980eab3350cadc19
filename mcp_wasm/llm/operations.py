"""Which operations run and what became of those that ended, by id: bounded, and forgotten after a while.

An id belongs to who asked: nobody else learns even that it exists. Pure, but for
the clock that is injected.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from mcp_wasm.errors import Busy, LlmRefused
from mcp_wasm.llm.protocol import Answer, Request, Status

MOST = 10_000
"""Operations that are remembered after their end."""
CHARACTERS = 32 * 1024 * 1024
"""Characters of all answers that are remembered."""
RUNNING = 1000
"""Operations that may run or wait at once; a tenth of them may be of one asker."""
SECONDS = 3600.0
"""How long one is remembered after its end."""
_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    ``asked`` stands for the request (see ``digest``), which is not kept.
    ``began`` and ``ended`` are seconds of the clock (``ended`` None while it runs).
    ``answer`` is there when it completed, ``error`` says why it failed.
    """

    id: str
    who: str
    asked: str
    status: Status
    began: float
    ended: float | None = None
    answer: Answer | None = None
    error: str = ""


class Operations:
    """The register; ``clock`` gives seconds that never go back."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        most: int = MOST,
        characters: int = CHARACTERS,
        running: int = RUNNING,
        seconds: float = SECONDS,
    ) -> None:
        self._clock, self._most, self._seconds = clock, most, seconds
        self._characters, self._kept = characters, 0
        self._bound, self._of = running, Counter[str]()
        # In the order of their ends for those that ended, since each end moves one to the back.
        self._ended: dict[tuple[str, str], Operation] = {}
        self._running: dict[tuple[str, str], Operation] = {}

    def begin(self, who: str, id_: str, request: Request) -> Operation:
        """Enter an operation as running, under ``id_`` or a new id; what failed may be begun again.

        Raises:
            LlmRefused: for an id that is none, or that is in use.
            Busy: if too many run, of all or of ``who``.
        """
        if len(id_) > _LONGEST or not id_.isprintable():
            raise LlmRefused("id", f"a text on one line of at most {_LONGEST} characters", id_[:_LONGEST])
        known = self.get(who, id_)
        if known is not None and known.status != "failed":
            raise LlmRefused("id", "one that no operation has yet", id_)
        if self._of[who] >= max(1, self._bound // 10):
            raise Busy(who, self._of[who])
        if len(self._running) >= self._bound:
            raise Busy("Everybody together", len(self._running))
        found = Operation(id_ or secrets.token_hex(16), who, digest(request), "running", self._clock())
        self._ended.pop((who, found.id), None)
        self._running[who, found.id] = found
        self._of[who] += 1
        return found

    def end(self, operation: Operation, *, answer: Answer | None = None, error: str = "") -> None:
        """Enter what became of it: the answer, or why there is none."""
        key = operation.who, operation.id
        del self._running[key]
        self._of[operation.who] -= 1
        if not self._of[operation.who]:
            del self._of[operation.who]
        self._kept += _size(answer)
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
            room = len(self._ended) <= self._most and self._kept <= self._characters
            if room and oldest.ended > last:
                return
            del self._ended[key]
            self._kept -= _size(oldest.answer)


def digest(request: Request) -> str:
    """The same for equal requests, and for no others."""
    return hashlib.sha256(repr(request).encode("utf-8", "surrogatepass")).hexdigest()


def _size(answer: Answer | None) -> int:
    return 0 if answer is None else len(answer.text) + len(answer.reason)
