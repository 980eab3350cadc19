"""Messages on disk: what mailboxes with the policy ``spill`` have too many of, in the order of each lane.

One SQLite file for the mailboxes of a node, in a folder that is private. A thread writes, in batches:
whoever puts a message in waits only where the disk is far behind, and then for one batch.
What was not written yet is given back from memory. Rows are read on the event loop, a few at a time.

A message on disk survives the end of the process, ``kill -9`` included, where its mailbox is ``kept``;
one that its sender gives again if it was not handled (it has a ``settle``) does not: it would come twice.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from pathlib import Path

from mcp_wasm.agents.message import Message, Priority
from mcp_wasm.agents.ports import Delivery, Settle
from mcp_wasm.agents.spill_file import Found, Row, SpillFile
from mcp_wasm.errors import SpillFailed

PENDING, PENDING_BYTES = 4096, 16 * 1024 * 1024
"""Messages, and bytes of them, that wait for the writing thread at most."""
BATCH = 512
"""Messages of one transaction."""
PATIENCE = 5.0
"""Seconds that a message waits for a disk that is far behind."""


class Spills:
    """The spills of a node's mailboxes in the file ``path``, which is made with the first message."""

    def __init__(self, path: Path) -> None:
        self._file = SpillFile(path)
        self._changed = threading.Condition()
        self._pending: deque[_Entry] = deque()
        self._bytes = 0
        self._gone: list[Row] = []
        self._thread: threading.Thread | None = None
        self._closing, self._failed = False, ""

    def of(self, address: str, *, kept: bool = False) -> Spill:
        """The spill of one mailbox; what a ``kept`` one had when the process ended is in it.

        Raises:
            SpillFailed: if the file is damaged, no file of this, or cannot be opened.
        """
        return Spill(self, address, kept, self._file.begin(address, kept=kept))

    def close(self) -> None:
        """Write what waits and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._file.close()

    @property
    def lock(self) -> threading.Condition:
        """Held for what the thread looks at too."""
        return self._changed

    def write(self, entry: _Entry) -> None:
        """Have ``entry`` written soon.

        Raises:
            SpillFailed: the disk takes nothing.
        """
        with self._changed:
            if self._failed and self._full():
                self._failed = ""  # tried once more for this message
                self._changed.notify_all()
            if not self._changed.wait_for(lambda: not self._full() or self._failed, PATIENCE) or self._full():
                raise SpillFailed(str(self._file.path), self._failed or "the disk is far behind")
            self._pending.append(entry)
            self._bytes += entry.size
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="spill", daemon=True)
                self._thread.start()
            elif len(self._pending) == 1 or self._failed:
                self._failed = ""
                self._changed.notify_all()

    def remove(self, rows: list[Row]) -> None:
        """Have what was read removed, with the next batch."""
        with self._changed:
            self._gone += rows
            self._changed.notify_all()

    def read(self, address: str, lane: int, after: int, most: int) -> list[tuple[int, bytes]]:
        """Written messages of a lane, with their numbers, oldest first.

        Raises:
            SpillFailed: if that cannot be done.
        """
        return self._file.read(address, lane, after, most)

    def damaged(self) -> SpillFailed:
        """What to raise where a row is no message."""
        return self._file.damaged()

    def _full(self) -> bool:
        return len(self._pending) >= PENDING or self._bytes >= PENDING_BYTES

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closing or (not self._failed and (self._pending or self._gone))
                )
                batch = [entry for _, entry in zip(range(BATCH), self._pending, strict=False)]
                gone, self._gone = self._gone, []
                if not batch and not gone:
                    return
            failed = self._carry_out(batch, gone)
            with self._changed:
                if failed:
                    self._failed, self._gone = failed, gone + self._gone
                    if self._closing:
                        return
                else:
                    self._settle(batch)
                self._changed.notify_all()

    def _carry_out(self, batch: list[_Entry], gone: list[Row]) -> str:
        try:
            self._file.change([entry.row for entry in batch if not entry.taken], gone)
        except SpillFailed as error:
            return error.reason
        return ""

    def _settle(self, batch: list[_Entry]) -> None:
        for entry in batch:
            self._pending.popleft()
            self._bytes -= entry.size
            if entry.taken:
                self._gone.append(entry.key)
            else:
                entry.lane.is_written()


class Spill:
    """What one mailbox has on disk: ``count`` messages in all, of ``size`` bytes."""

    def __init__(self, spills: Spills, address: str, kept: bool, found: dict[int, Found]) -> None:
        self._spills, self._address, self._kept = spills, address, kept
        self._lanes = tuple(_Lane(found.get(int(lane), Found())) for lane in Priority)
        self.count = sum(lane.depth for lane in self._lanes)
        self.size = sum(each.size for each in found.values())

    def depth(self, lane: int) -> int:
        """How many messages of ``lane`` there are."""
        return self._lanes[lane].depth

    def put(self, delivery: Delivery) -> None:
        """Take a message in, behind those of its lane.

        Raises:
            SpillFailed: the disk takes nothing.
        """
        lane = self._lanes[delivery.message.priority]
        entry = _Entry(self._address, lane, lane.last + 1, delivery)
        with self._spills.lock:
            self._spills.write(entry)
            lane.last += 1
            lane.depth += 1
            lane.fresh.append(entry)
        self.count += 1
        self.size += entry.size

    def take(self, lane: int, most: int) -> list[Delivery]:
        """The oldest messages of a lane, ``most`` at most; at least one if there is any.

        Raises:
            SpillFailed: if they cannot be read.
        """
        queue = self._lanes[lane]
        with self._spills.lock:
            written = queue.written
            fresh = [] if written else queue.take_fresh(most)
        self.size -= sum(entry.size for entry in fresh)
        taken = self._read(lane, queue, min(most, written)) if written else [each.delivery for each in fresh]
        queue.depth -= len(taken)
        self.count -= len(taken)
        return taken

    def close(self) -> list[Delivery]:
        """What is left, for the caller to settle; none of a kept spill: its messages stay where they are."""
        left: list[Delivery] = []
        if not self._kept:
            for number, lane in enumerate(self._lanes):
                while lane.depth:
                    left += self.take(number, BATCH)
        self.count = self.size = 0
        return left

    def _read(self, lane: int, queue: _Lane, most: int) -> list[Delivery]:
        rows = self._spills.read(self._address, lane, queue.read, most)
        if not rows:
            raise self._spills.damaged()
        taken = []
        for number, body in rows:
            message = _message(body)
            if message is None:
                raise self._spills.damaged()
            taken.append(Delivery(message, queue.settles.pop(number, None)))
        self.size -= sum(len(body) for _, body in rows)
        with self._spills.lock:
            queue.written -= len(rows)
            queue.read = rows[-1][0]
        self._spills.remove([(self._address, lane, number) for number, _ in rows])
        return taken


class _Lane:
    """First come those that are written, then the fresh ones; ``read`` and ``last`` are their numbers."""

    def __init__(self, found: Found) -> None:
        self.written = self.depth = found.messages
        self.read, self.last = -1, found.last
        self.fresh: deque[_Entry] = deque()
        self.settles: dict[int, Settle] = {}

    def is_written(self) -> None:
        """The oldest of the fresh ones is on disk now."""
        entry = self.fresh.popleft()
        self.written += 1
        if entry.delivery.settle is not None:
            self.settles[entry.number] = entry.delivery.settle

    def take_fresh(self, most: int) -> list[_Entry]:
        """The oldest fresh ones; the thread writes them no more, or removes them again."""
        taken: list[_Entry] = []
        while self.fresh and len(taken) < most:
            entry = self.fresh.popleft()
            entry.taken = True
            self.read = entry.number
            taken.append(entry)
        return taken


class _Entry:
    """A message on its way to disk; ``taken`` if its agent was quicker than the thread."""

    __slots__ = ("body", "delivery", "key", "lane", "number", "row", "size", "taken")

    def __init__(self, address: str, lane: _Lane, number: int, delivery: Delivery) -> None:
        self.lane, self.number, self.delivery, self.taken = lane, number, delivery, False
        body = _body(delivery.message)
        self.size = len(body)
        self.key: Row = (address, int(delivery.message.priority), number)
        self.row = (*self.key, delivery.settle is not None, body)


def _body(message: Message) -> bytes:
    m = message
    fields = (m.id, m.sender, m.to, m.payload, m.timestamp, int(m.priority), m.kind, m.re, m.attempt)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _message(body: bytes) -> Message | None:
    try:
        fields = json.loads(body.decode("utf-8", "surrogatepass"))
        fields[5] = Priority(fields[5])
        return Message(*fields)
    except (ValueError, TypeError, IndexError):
        return None
