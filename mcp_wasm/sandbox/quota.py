"""The quota of granted folders: measured while a call may write there, and at its end.

The engine writes files itself and tells nobody, so a folder's size is polled:
one thread for all calls measures each folder, and stops a call whose folder has
grown past its quota. Between two looks a guest can write more than it may; by
how much is in ``docs/storage.md``. Creating files is looked at as it happens
(``host.files``).
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from dataclasses import dataclass, field

from mcp_wasm.capability.grant import Storage
from mcp_wasm.errors import StorageExceeded
from mcp_wasm.sandbox import folders
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.raw import ffi

_log = logging.getLogger(__name__)

INTERVAL = 0.02
"""Seconds between two looks at a folder, at least."""

_IDLE = 0.2
"""The same while nothing runs in a session that could write."""

_LINGER = 1.0
"""Seconds without a folder to watch after which the thread waits to be woken."""

_SHARE = 4
"""A look may take one part in so many of the time: a folder of many files is looked at less often."""


def excess(usage: folders.Usage, quota: int) -> str:
    """Why what lies in a folder is more than its quota, in words; ``""`` if it is not."""
    if usage.stopped:
        return usage.stopped
    return f"{usage.used:,} bytes lie there" if usage.used > quota else ""


@dataclass(eq=False, slots=True)
class Watched:
    """One folder that a call may write to, by a ``descriptor`` that is closed when it is let go."""

    call: Call
    grant: Storage
    quota: int
    descriptor: int
    due: float = 0.0
    _looking: threading.Lock = field(default_factory=threading.Lock)

    def look(self, *, last: bool = False) -> None:
        """Measure the folder and stop the call if too much lies there; after the ``last`` time let it go."""
        with self._looking:
            if self.descriptor < 0:
                return
            if not (last or self.call.stop.running):
                self.due = time.monotonic() + _IDLE
                return
            begun = time.monotonic()
            try:
                usage = folders.measure(self.descriptor, self.quota)
                if not usage.stopped:
                    usage = folders.Usage(usage.used + folders.unlinked(self.descriptor))
                self._judge(usage)
            finally:
                if last:
                    # Under the lock, so that the other thread never measures what has the number next.
                    os.close(self.descriptor)
                    self.descriptor = -1
            spent = time.monotonic() - begun
        self.due = time.monotonic() + max(INTERVAL, spent * (_SHARE - 1))

    def _judge(self, usage: folders.Usage) -> None:
        why = excess(usage, self.quota)
        if not why or self.call.fault is not None:
            return
        detail = (
            f"It is the quota of {self.grant.guest}: {why}. "
            "What was written is still there; a person can remove files or raise the quota."
        )
        self.call.fault = StorageExceeded(self.quota, usage.used, detail)
        self.call.stop.cancelled = True
        ffi.wasmtime_engine_increment_epoch(engine().ptr())


class Quotas:
    """The thread that looks at the folders of all calls; made with the first one, joined by ``close``."""

    def __init__(self, _services: object = None) -> None:
        self._watched: set[Watched] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wakes = math.inf
        self._closed = False

    def begin(self, watched: Watched) -> None:
        """Look at a folder from now on."""
        with self._changed:
            if self._closed:
                return
            watched.due = time.monotonic() + INTERVAL
            self._watched.add(watched)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="mcp-wasm quotas", daemon=True)
                self._thread.start()
            elif watched.due < self._wakes:
                self._changed.notify()

    def end(self, watched: Watched) -> None:
        """Look once more, now that the guest has ended, and then no more."""
        with self._changed:
            self._watched.discard(watched)
        watched.look(last=True)

    def close(self) -> None:
        """End the thread and wait for it."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _watch(self) -> None:
        while (watched := self._next()) is not None:
            try:
                watched.look()
            except Exception:  # noqa: BLE001 - one that cannot be measured must not leave the others unwatched
                _log.exception("measuring %s failed", watched.grant.folder)
                watched.due = time.monotonic() + 1

    def _next(self) -> Watched | None:
        """The folder that is due, once one is; None when it is time to end."""
        with self._changed:
            # Short calls follow each other: to be woken for each of them would cost them more than the rest.
            rest = time.monotonic() + _LINGER
            while not self._closed:
                now = time.monotonic()
                first = min(self._watched, key=lambda watched: watched.due, default=None)
                if first is not None and first.due <= now:
                    return first
                if first is not None:
                    rest, self._wakes = now + _LINGER, first.due
                else:
                    self._wakes = now + INTERVAL if now < rest else math.inf
                self._changed.wait(None if self._wakes == math.inf else self._wakes - now)
        return None
