"""A local-first copy of shared state: edited here without asking anyone, and equal wherever copies meet.

A CRDT by pycrdt (extra ``crdt``): a map, a list and a text, of JSON values. What changed since
another copy's state is bytes, to be carried by whatever carries bytes. Bytes from outside are tried out in
a process of their own first (``replica_check``), bounded in size, time and memory: what is damaged or
hostile is refused and changes nothing.
"""

from __future__ import annotations

import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from pycrdt import Array, Doc, Map, Text, TransactionEvent, merge_updates

from mcp_wasm.errors import StateRefused
from mcp_wasm.memory import replica_check
from mcp_wasm.memory.protocol import MIB

_SECONDS = 10.0
"""How long trying out one change may take."""

EMPTY = b"\0\0"
"""An update that changes nothing."""

_WRITERS = 100_000
"""Writers that a version may name; each life of a copy is one."""


class Replica:
    """One copy; ``most`` bounds its state and each update, in bytes. For one thread at a time.

    ``map``, ``list`` and ``text`` are pycrdt's, edited as such; ``changed`` is called with
    the update of each change made here, to be sent to the other copies. ``writer`` is the number under which
    this copy changes; no two that are edited apart may have the same, so it is random without.
    """

    def __init__(
        self, most: int = MIB, changed: Callable[[bytes], None] | None = None, *, writer: int | None = None
    ) -> None:
        self.most = most
        self._doc: Doc[Any] = Doc(client_id=writer)
        self.map: Map[Any] = self._doc.get("map", type=Map)
        self.list: Array[Any] = self._doc.get("list", type=Array)
        self.text: Text = self._doc.get("text", type=Text)
        self._changed, self._applying = changed, False
        self._doc.observe(self._observed)

    @property
    def value(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"map": self.map.to_py(), "list": self.list.to_py(), "text": str(self.text)}

    @property
    def writer(self) -> int:
        """The number under which this copy changes."""
        return self._doc.client_id

    @property
    def version(self) -> bytes:
        """What this copy knows, for ``update`` of another."""
        return self._doc.get_state()

    def update(self, version: bytes | None = None) -> bytes:
        """What a copy of ``version`` does not know; None: everything, a snapshot.

        Raises:
            StateRefused: ``version`` is none.
        """
        if version is None:
            return self._doc.get_update()
        if len(version) > self.most:
            raise StateRefused("a version of a replica", f"at most {self.most:,} bytes", f"{len(version):,}")
        if not _is_version(version):
            raise StateRefused("a version of a replica", "one of this format", "other bytes")
        return self._doc.get_update(version)

    def apply(self, update: bytes) -> None:
        """Take over what another copy changed; the same update again changes nothing.

        Raises:
            StateRefused: it is damaged or too large, or what came of it would be.
        """
        state = self._doc.get_update()
        if len(update) > self.most or len(state) + len(update) > 2 * self.most:
            raise StateRefused("an update of a replica", f"at most {self.most:,} bytes", f"{len(update):,}")
        try_out(state, update)
        self.take(update)

    def take(self, update: bytes) -> None:
        """Take over an update that was tried out, by ``try_out`` of the state of this copy."""
        self._applying = True
        try:
            self._doc.apply_update(update)
        finally:
            self._applying = False

    def _observed(self, event: TransactionEvent) -> None:
        if self._changed is not None and not self._applying:
            self._changed(event.update)


def try_out(state: bytes, update: bytes) -> None:
    """Apply ``update`` to ``state`` in the process that is there for it; blocks, from any thread.

    Raises:
        StateRefused: it cannot be applied, it is hostile, or what comes of it nests too deep.
    """
    if not _CHECKER.fits(state, update):
        raise StateRefused("an update of a replica", "one that can be applied", "a damaged or hostile one")


def merged(updates: Sequence[bytes]) -> bytes:
    """One update that does what several do, all of which were tried out."""
    return updates[0] if len(updates) == 1 else merge_updates(*updates)


def _is_version(data: bytes) -> bool:
    """Whether it is a number of pairs and those pairs: pycrdt makes room for that number before it looks."""
    numbers, bits, number = [], 0, 0
    for byte in data:
        number |= (byte & 127) << bits
        bits += 7
        if byte < 128:
            numbers.append(number)
            bits = number = 0
        elif bits > 63:
            return False
    pairs = len(numbers) // 2
    fits = len(numbers) % 2 == 1 and not bits and numbers[0] == pairs <= _WRITERS
    return fits and all(number < 2**32 for number in numbers[2::2]) and max(numbers[1::2], default=0) < 2**53


class _Checker:
    """The process that tries updates out; made anew when it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def fits(self, state: bytes, update: bytes) -> bool:
        """Whether the update can be applied to the state; a process that ends or hangs says no."""
        message = struct.pack("<Q", len(state)) + state + struct.pack("<Q", len(update)) + update
        with self._lock:
            child = self._child
            if child is None or child.poll() is not None:
                child = self._child = self._start()
            assert child.stdin is not None
            assert child.stdout is not None
            end = time.monotonic() + _SECONDS
            try:
                child.stdin.write(message)
                child.stdin.flush()
                ready, _, _ = select.select([child.stdout], [], [], max(0.0, end - time.monotonic()))
                answer = child.stdout.read(1) if ready else b""
            except BrokenPipeError:
                answer = b""
            if not answer:
                self._stop(child)
            return answer == b"+"

    def close(self) -> None:
        """End the process."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            self._stop(child)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", str(replica_check.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )

    def _stop(self, child: subprocess.Popen[bytes]) -> None:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


_CHECKER = _Checker()


def close() -> None:
    """End the process that tries updates out; the next update begins another."""
    _CHECKER.close()
