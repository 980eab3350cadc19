"""The events of a tree on stderr, as they happen: so many a second, and never waited for by the tree.

They are written by a thread of their own: whoever reads stderr may stop reading, and agents go on.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
from types import TracebackType
from typing import Self

from mcp_wasm.agents.events import Event
from mcp_wasm.cli import agents_show, terminal

A_SECOND = 20
"""Events that are shown of one second."""
WAITING = 1000
"""Lines that wait for a reader; further ones are not shown."""
_PATIENCE = 1.0
"""Seconds in which what waits at the end is still written."""

ORDINARY = frozenset({"started", "ready", "stopped", "forgotten"})
"""Events of an ordinary start and end, which a person who looks on need not see."""


class Shown:
    """An observer of events; a context manager, in which the thread lives. ``quiet``: shows none."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._lines: queue.Queue[str | None] = queue.Queue(WAITING)
        # A daemon: at the end of the process it may still wait for a reader.
        self._thread = threading.Thread(target=self._write, name="mcp-wasm events", daemon=True)
        self._second = self._count = self._left = 0
        self._stuck = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            self._lines.put(None, timeout=_PATIENCE)
        except queue.Full:
            self._stuck = True  # it ends with the line that it is at
        self._thread.join(_PATIENCE)

    def __call__(self, event: Event) -> None:
        """Show ``event``, if it is to be shown and there is room."""
        if self._quiet or event.what in ORDINARY:
            return
        second = event.at_ms // 1000
        if second != self._second:
            left, self._second, self._count, self._left = self._left, second, 0, 0
            if left:
                self._put(f"... {left:,} more events (mcp-wasm agents events)")
        self._count += 1
        if self._count > A_SECOND:
            self._left += 1
        else:
            self._put(agents_show.event(dataclasses.asdict(event)))

    def _put(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._left += 1

    def _write(self) -> None:
        while not self._stuck and (line := self._lines.get()) is not None:
            terminal.note(line)
