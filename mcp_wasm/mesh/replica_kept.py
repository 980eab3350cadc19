"""One copy of a shared replica: edited here, merged with what others did, and kept in a store of this node.

It knows nothing of a network. Whatever is taken in, be it from here or from elsewhere, was tried out
in a process of its own first, fits the bounds, and is in the store before it counts: a copy is after a
restart what it was, and what others were told of was kept here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from mcp_wasm.errors import StateRefused, StateUnavailable
from mcp_wasm.memory import replica
from mcp_wasm.memory.protocol import KIB, Store
from mcp_wasm.memory.replica import Replica

MOST = 256 * KIB
"""Bytes of a copy, unless another bound is given."""

LARGEST = 768 * KIB
"""Bytes that the bound may be: what one message between nodes holds."""

_KEY = "copy"


class Kept:
    """The copy ``name`` in ``store``, at most ``most`` bytes; for one event loop.

    ``told`` is called with each update that was made here, ``observers`` soon after each change.
    An edit of this node may fill half of ``most``, so that those of others still find room.
    """

    def __init__(self, name: str, store: Store, most: int = MOST) -> None:
        self.name, self.most = name, most
        self.told: Callable[[bytes], None] = lambda _update: None
        self.observers: list[Callable[[], None]] = []
        self._store = store
        self._replica = Replica(most)
        self._editing, self._merging = asyncio.Lock(), asyncio.Lock()

    @property
    def value(self) -> dict[str, Any]:
        """All of it as plain values: ``map``, ``list`` and ``text``."""
        return self._replica.value

    @property
    def version(self) -> bytes:
        """What this copy knows, for ``since`` of another."""
        return self._replica.version

    def since(self, version: bytes) -> bytes:
        """What a copy of ``version`` does not know.

        Raises:
            StateRefused: ``version`` is none.
        """
        return self._replica.update(version)

    async def open(self) -> None:
        """Take up what the store has.

        Raises:
            StateUnavailable: the store fails, or what it has is damaged.
        """
        kept = await asyncio.to_thread(self._store.get, _bucket(self.name), _KEY)
        if kept is None:
            return
        try:
            await asyncio.to_thread(replica.try_out, b"", kept)
        except StateRefused:
            hint = "Put a copy of the file in its place, or remove it: other nodes have what they were told."
            raise StateUnavailable(f"replica {self.name}", "what is kept of it is damaged", hint) from None
        self._replica.take(kept)

    @asynccontextmanager
    async def edit(self) -> AsyncIterator[Replica]:
        """A draft to be changed in the block; all of its changes are taken at the block's end, or none.

        Other edits of this node wait meanwhile; what other nodes did is merged at the end.

        Raises:
            StateRefused: it would be too large, or it nests too deep.
            StateUnavailable: it cannot be kept.
        """
        async with self._editing:
            # The same writer with each draft, and one at a time: each edit counts on from the one before.
            draft = Replica(self.most, writer=self._replica.writer)
            draft.take(self._replica.update())
            before = draft.version
            yield draft
            update = draft.update(before)
            if update != replica.EMPTY:
                size, room = len(draft.update()), self.most // 2
                if size > max(room, len(self._replica.update())):
                    raise StateRefused(f"the replica {self.name}", f"at most {room:,} bytes", f"{size:,}")
                await _finished(self._take(update, self.told))

    async def merge(self, update: bytes) -> None:
        """Take in what another node did; the same again changes nothing.

        Raises:
            StateRefused: it is damaged, hostile or too large.
            StateUnavailable: it cannot be kept.
        """
        size = len(self._replica.update()) + len(update)
        if size > self.most:
            raise StateRefused(f"the replica {self.name}", f"at most {self.most:,} bytes", f"{size:,}")
        if update != replica.EMPTY:
            await _finished(self._take(update))

    async def _take(self, update: bytes, told: Callable[[bytes], None] | None = None) -> None:
        async with self._merging:
            state = self._replica.update()
            await asyncio.to_thread(self._keep, state, update)
            self._replica.take(update)
        if told is not None:
            told(update)
        for observer in tuple(self.observers):
            # On its own: one that raises is the loop's matter, and stops no merging.
            asyncio.get_running_loop().call_soon(observer)

    def _keep(self, state: bytes, update: bytes) -> None:
        replica.try_out(state, update)
        self._store.set(_bucket(self.name), _KEY, replica.merged((state, update)))


async def _finished(work: Coroutine[Any, Any, None]) -> None:
    """Wait for the end of ``work`` however often who waits is cancelled: half of a change is none.

    Raises:
        CancelledError: it was cancelled; the change was made, or could not be.
    """
    task, cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    error = task.exception()
    if cancelled:
        raise asyncio.CancelledError
    if error is not None:
        raise error


def _bucket(name: str) -> str:
    return f"replica.{name}"
