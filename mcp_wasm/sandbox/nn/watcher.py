"""Ending native work whose call is due: one thread, asleep while there is none.

The engine's watchdog stops guests. A model runs outside of the engine; it can
only be asked to end, which it does between two of its operators.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mcp_wasm.sandbox.services import Services
from mcp_wasm.sandbox.stop import Stop

_SLICE = 0.02
"""Seconds between two looks at the running work."""


class Watcher:
    """A daemon thread, started at the first use and joined by ``close``."""

    def __init__(self, _services: Services) -> None:
        self._running: dict[object, tuple[Stop, Callable[[], None]]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._asleep = self._closed = False

    @contextmanager
    def watching(self, stop: Stop, end: Callable[[], None]) -> Iterator[None]:
        """Call ``end``, again and again, from when ``stop`` is due until the block is left."""
        key = object()
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="mcp-wasm models", daemon=True)
                self._thread.start()
            self._running[key] = (stop, end)
            if self._asleep:  # waking it for every short run would cost more than the run
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                del self._running[key]

    def close(self) -> None:
        """End the thread and wait for it."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                for stop, end in self._running.values():
                    if stop.due():
                        end()
                self._asleep = not self._running
                self._changed.wait(_SLICE if self._running else None)
                self._asleep = False
