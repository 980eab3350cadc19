"""Where records go: a bounded queue, and one thread that writes them as lines.

Whoever writes a record never waits: it may be an event loop that answers pings.
A queue that is full, since the disk stands still or somebody floods it, drops
records and counts them, and their number is written as soon as there is room.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_wasm.audit.file import AppendFile
from mcp_wasm.audit.record import Event, Record, Redact, line

_log = logging.getLogger(__name__)

_FLUSH_S = 0.2
_RETRY_S = 5.0
_BATCH = 64

_numbers = itertools.count(1)
_process = secrets.token_hex(6)


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What a person may set about the audit log.

    ``max_bytes`` is when a file is full and ``keep`` how many full ones stay.
    With ``sync`` every batch is on the disk, not only with the operating system,
    and written without waiting for more. ``arguments`` is how many characters of
    each call's arguments are kept (0: only their digest). ``queue`` is how many
    records may wait to be written.
    """

    enabled: bool = True
    max_bytes: int = 16 * 1024 * 1024
    keep: int = 8
    sync: bool = False
    arguments: int = 0
    queue: int = 8192


def event(kind: Event, **fields: Any) -> Record:
    """A record of now, with an id of its own; ``fields`` are those of ``Record``."""
    return Record(at=time.time(), id=f"{_process}-{next(_numbers):x}", event=kind, **fields)


def folder_of(home: Path) -> Path:
    """The folder of the audit log of ``home``."""
    return home / "audit"


class AuditLog:
    """Writes records to ``folder``; use it from any thread, and ``close`` it.

    ``redact`` goes over every text before it is written. What was written is
    with the operating system after at most 0.2 s, and survives a kill from then on.

    Raises:
        OSError: if the folder or the file in it cannot be written.
    """

    def __init__(
        self, folder: Path, options: AuditOptions | None = None, redact: Redact | None = None
    ) -> None:
        self.options = options or AuditOptions()
        self.lost = 0
        self._redact = redact
        self._file = AppendFile(
            folder, max_bytes=self.options.max_bytes, keep=self.options.keep, sync=self.options.sync
        )
        self._file.open()
        self._waiting: deque[Record] = deque()
        self._untold = 0
        self._counting = threading.Lock()
        self._failing = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._closed = False
        self._idle = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="mcp-wasm audit", daemon=True)
        self._thread.start()

    def write(self, record: Record) -> None:
        """Take ``record``; it is written soon. Never waits and never fails."""
        if self._closed or len(self._waiting) >= self.options.queue:
            with self._counting:
                self.lost += 1
                self._untold += 1
            return
        self._waiting.append(record)
        if not self._wake.is_set():
            self._wake.set()

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until all that was taken is written; whether it is."""
        self._wake.set()
        with self._idle:
            return self._idle.wait_for(lambda: not self._waiting and not self._untold, seconds)

    def close(self) -> None:
        """Write what waits and end the thread. A record after this one is lost."""
        if self._closed:
            return
        self._closed = True
        self._closing.set()
        self._wake.set()
        self._thread.join()
        self._file.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            if not self.options.sync:
                self._closing.wait(_FLUSH_S)  # more comes meanwhile, and one write serves all
            self._wake.clear()
            if not self._drain():
                self._closing.wait(_RETRY_S)
                self._wake.set()
        self._drain()

    def _drain(self) -> bool:
        """Write all that waits; False where the file does not take it, which then keeps waiting."""
        while self._waiting or self._untold:
            # Only this thread takes from the queue, so what is read here is still there below.
            batch = list(itertools.islice(self._waiting, _BATCH))
            untold = self._untold
            told = [event("lost", count=untold)] if untold else []
            if not self._append(b"".join(self._line(record) for record in (*batch, *told))):
                return False
            for _ in batch:
                self._waiting.popleft()
            with self._counting:
                self._untold -= untold
        with self._idle:
            self._idle.notify_all()
        return True

    def _append(self, lines: bytes) -> bool:
        try:
            self._file.append(lines)
        except OSError as error:
            if not self._failing:
                _log.error("The audit log cannot be written, calls go on without it: %s", error)
            self._failing = True
            return False
        if self._failing:
            _log.warning("The audit log can be written again; %d records were lost", self.lost)
        self._failing = False
        return True

    def _line(self, record: Record) -> bytes:
        try:
            return line(record, self._redact)
        except Exception:  # noqa: BLE001 - the thread's top: one record must not end the log
            _log.exception("an audit record cannot be written")
            return line(event("lost", count=1))


def append(folder: Path, records: list[Record], redact: Redact | None = None) -> None:
    """Write a few records at once and wait for it: for commands, which end right after.

    Raises:
        OSError: if they could not be written.
    """
    options = AuditOptions()
    file = AppendFile(folder, max_bytes=options.max_bytes, keep=options.keep)
    try:
        file.append(b"".join(line(record, redact) for record in records))
    finally:
        file.close()


Write = Callable[[Record], None]
"""What takes a record: ``AuditLog.write``, or anything in its place."""
