"""What a person answered for a while: grants for a session, and what they do not want to be asked again.

In memory only, bounded and expiring. An answer holds for who asked (the peer's
``owner``) and for the very bytes of the component: other bytes under the same
name find nothing here. It refuses to know how a person is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mcp_wasm.capability.grant import Grant

SECONDS = 8 * 3600.0
"""How long an answer holds: a working day."""

PATIENCE = 3
"""So often a component may be turned down by one person; then they are not asked about it any more."""

_GRANTS_EACH = 64
_HOLDERS = 1000


@dataclass(slots=True)
class _Answers:
    """What one person answered about one component, each with the time until which it holds."""

    allowed: dict[Grant, float] = field(default_factory=dict)
    declined: dict[Grant, float] = field(default_factory=dict)
    refusals: list[float] = field(default_factory=list)
    until: float = 0.0


class Approved:
    """Keeps answers of people; use it from one thread (the event loop's)."""

    def __init__(self, *, seconds: float = SECONDS, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._now = seconds, now
        self._answers: dict[tuple[str, str, str], _Answers] = {}

    def allow(self, owner: str, component: str, digest: str, grants: Iterable[Grant]) -> None:
        """``owner`` allowed ``grants`` to ``component`` with these bytes, for the session."""
        answers = self._of(owner, component, digest)
        for grant in grants:
            answers.declined.pop(grant, None)
            _keep(answers.allowed, grant, answers.until)

    def decline(self, owner: str, component: str, digest: str, grants: Iterable[Grant]) -> None:
        """``owner`` turned ``grants`` down; once for each question."""
        answers = self._of(owner, component, digest)
        for grant in grants:
            _keep(answers.declined, grant, answers.until)
        answers.refusals = [*answers.refusals, answers.until][-PATIENCE:]

    def allowed(self, owner: str, component: str, digest: str) -> tuple[Grant, ...]:
        """What holds for a call of ``owner`` to ``component`` with these bytes."""
        answers = self._answers.get((owner, component, digest))
        if answers is None:
            return ()
        now = self._now()
        return tuple(grant for grant, until in answers.allowed.items() if until > now)

    def askable(self, owner: str, component: str, digest: str, grants: Iterable[Grant]) -> tuple[Grant, ...]:
        """Those of ``grants`` about which ``owner`` may still be asked, without repetitions.

        What they turned down, or allowed already without it being of use, is not among them.
        """
        distinct = tuple(dict.fromkeys(grants))
        answers = self._answers.get((owner, component, digest))
        if answers is None:
            return distinct
        now = self._now()
        if sum(until > now for until in answers.refusals) >= PATIENCE:
            return ()
        answered = answers.declined | answers.allowed
        return tuple(grant for grant in distinct if answered.get(grant, now) <= now)

    def _of(self, owner: str, component: str, digest: str) -> _Answers:
        """The answers of ``owner`` about these bytes, as the newest; the oldest make room."""
        key = (owner, component, digest)
        answers = self._answers.pop(key, None) or _Answers()
        answers.until = self._now() + self._seconds
        self._answers[key] = answers
        while len(self._answers) > _HOLDERS:
            del self._answers[next(iter(self._answers))]
        return answers


def _keep(kept: dict[Grant, float], grant: Grant, until: float) -> None:
    kept.pop(grant, None)
    kept[grant] = until
    while len(kept) > _GRANTS_EACH:
        del kept[next(iter(kept))]
