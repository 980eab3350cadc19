"""Questions that are open between two requests: the 2026 protocol has no back channel to ask on.

A client that is told of a question answers it by sending its call again, with
the state that it was given. That state is an unguessable name of what is kept
here, and nothing else: whom it was given to, for which call, which bytes, which
grants, and the result that stands if the answer is no. So there is nothing in it
to forge, it is good once, and it ends.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_wasm.server.keeping import Asked
from mcp_wasm.server.text import json_bytes

SECONDS = 600.0
"""How long a person may think."""

_MOST, _MOST_EACH = 64, 8
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asker:
    """Which call a question belongs to: ``owner`` and ``client`` made it, ``call`` is its fingerprint."""

    owner: str
    client: str
    call: str


@dataclass(frozen=True, slots=True)
class _Open:
    asker: Asker
    question: Asked
    result: Mapping[str, Any]
    size: int
    until: float


def fingerprint(tool: str, arguments: Mapping[str, Any]) -> str:
    """What tells a call from others: the same for the same tool and arguments, whatever the keys' order.

    Raises:
        TypeError, ValueError, RecursionError: for arguments that are no JSON.
    """
    text = json.dumps([tool, arguments], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Questions:
    """Keeps open questions; use it from one thread (the event loop's)."""

    def __init__(self, *, seconds: float = SECONDS, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._now = seconds, now
        self._open: dict[str, _Open] = {}

    def put(self, asker: Asker, question: Asked, result: Mapping[str, Any]) -> str | None:
        """Keep ``question`` and the ``result`` of the denied call; the state to send, or None if there is
        no room: one who leaves questions open is not asked more."""
        self._drop_expired()
        size = len(json_bytes(result))
        held = Counter(each.asker.owner for each in self._open.values())
        room = _MOST_BYTES - sum(each.size for each in self._open.values())
        if held[asker.owner] >= _MOST_EACH or len(self._open) >= _MOST or size > room:
            return None
        state = secrets.token_urlsafe(32)
        self._open[state] = _Open(asker, question, result, size, self._now() + self._seconds)
        return state

    def take(self, state: str, asker: Asker) -> tuple[Asked, Mapping[str, Any]] | None:
        """The question with that state and its result, once; None where ``asker`` was not asked it."""
        self._drop_expired()
        found = self._open.pop(state, None)
        return (found.question, found.result) if found is not None and found.asker == asker else None

    def _drop_expired(self) -> None:
        now = self._now()
        for state in [state for state, each in self._open.items() if each.until <= now]:
            del self._open[state]
