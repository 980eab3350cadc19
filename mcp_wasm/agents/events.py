"""What happens to agents: events, the last of them kept, and who is told of each.

It knows nothing of what an event means. For the event loop alone.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

_log = logging.getLogger(__name__)

KEPT = 10_000
"""Events that are kept."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, ``at_ms`` milliseconds since 1970, to what is at ``path`` (``""``: the root).

    ``what`` is of supervision: ``started`` (its body runs), ``ready``, ``ignored`` (it ended well before it
    was ready), ``exited`` (by itself or killed; ``detail`` is the reason), ``restarted``, ``stopped`` (by its
    supervisor; the reason), ``abandoned`` (it does not end), ``forgotten`` (its supervisor knows it no more),
    ``gave_up`` (too many restarts), ``escalated`` (a supervisor that gave up is now its own supervisor's
    matter), ``unhealthy``, ``linked_exit`` (made to exit by a link, or told of one). The node, the mailboxes
    and the mesh add their own: ``swapped``, ``mailbox_full``, ``dropped``, ``dead_letter``, ``node_up``, …
    """

    at_ms: int
    path: str
    what: str
    detail: str = ""


LONGEST = 4_000
"""Characters of a detail that are kept: it may be a guest's words."""

Observer = Callable[[Event], None]
"""Told of each event as it happens, in order; it is quick and raises nothing."""


class Events:
    """The last ``kept`` events, and their observers."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept: deque[Event] = deque(maxlen=kept)
        self._observers: dict[int, Observer] = {}
        self._numbers = 0
        self.total = 0

    def add(self, event: Event) -> None:
        """Keep ``event`` and tell all observers of it."""
        if len(event.detail) > LONGEST:
            event = replace(event, detail=f"{event.detail[:LONGEST]}…")
        self._kept.append(event)
        self.total += 1
        for observer in tuple(self._observers.values()):
            try:
                observer(event)
            except Exception:  # noqa: BLE001 - a supervisor must live on whatever one who looks on does
                _log.exception("an observer of agents' events failed at %s of %r", event.what, event.path)

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Tell ``observer`` of each event from now on; calling the result ends that."""
        self._numbers += 1
        number = self._numbers
        self._observers[number] = observer

        def end() -> None:
            self._observers.pop(number, None)

        return end

    def recent(self, most: int = 100, path: str | None = None) -> list[Event]:
        """The last ``most`` events, oldest first; of ``path`` and what is below it, if one is given."""
        found: list[Event] = []
        for event in reversed(self._kept):
            if len(found) >= most:
                break
            if path is None or not path or event.path == path or event.path.startswith(f"{path}/"):
                found.append(event)
        return found[::-1]
