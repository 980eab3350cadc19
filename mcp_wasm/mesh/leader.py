"""One leader among the nodes that want to be, by a lease in NATS KV.

The leader writes the lease again and again, each time on the condition that nobody else has. The
others watch its revision: where that has stood still for the whole term, by their own clock, the
leader is gone, and of those that then write one succeeds. No two clocks are compared, only that
they run about equally fast: a leader stops believing in itself a good part of a term before
the others do. What it does outside should carry its ``token``, a number that grows with each
leader: who is given a smaller one than it has seen refuses (fencing). A leader that was stopped for
long and goes on in the middle of something is thus harmless. Source of the idea: C. Gray and
D. Cheriton, Leases, SOSP 1989.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from mcp_wasm.agents.address import check_part
from mcp_wasm.errors import StateUnavailable
from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.kv_stream import Held, Part, Stream

TERM = 2.0
"""Seconds without a word from the leader after which another takes its place."""

_SURE = 0.7
"""The part of a term for which a leader believes in itself after it last wrote."""


@dataclass(slots=True)
class Watch:
    """What one node knows of a lease, by its own clock. Pure: whether to write it, and whether we lead."""

    holder: str
    term: float = TERM
    token: int = 0
    sure_until: float = 0.0
    _seq: int = -1
    _since: float = 0.0

    def leads(self, now: float) -> bool:
        """Whether we lead, for certain."""
        return bool(self.token) and now < self.sure_until

    def wants(self, held: Held, now: float) -> bool:
        """Whether to write: it is ours to renew, nobody's, or its holder has been silent for a term."""
        owner = _holder(held)
        if owner == self.holder and held.seq == self._seq and self.token:
            return True
        if held.seq != self._seq:
            self._seq, self._since = held.seq, now
        if owner == self.holder:  # an earlier life of ours, or a write whose answer was lost
            return self._silent(now)
        return owner is None or self._silent(now)

    def written(self, before: Held, seq: int, began: float) -> None:
        """We wrote ``seq`` in place of ``before``, and began to at ``began``."""
        if not self.token or before.seq != self._seq or _holder(before) != self.holder:
            self.token = seq
        self._seq, self._since = seq, began
        self.sure_until = began + self.term * _SURE

    def lost(self) -> None:
        """Somebody else wrote."""
        self.token = 0

    def _silent(self, now: float) -> bool:
        return now - self._since >= self.term


class Leader:
    """This node's part in the election ``name``; ``holder`` names it and no other, nor an earlier life of it.

    ``changed`` is called on the loop with the token when we begin to lead, with 0 when we no longer do.
    """

    def __init__(
        self,
        connection: Connection,
        mesh: str,
        name: str,
        holder: str,
        *,
        term: float = TERM,
        changed: Callable[[int], None] = lambda _token: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = Stream(connection, f"mw_{mesh}_leaders", max(term, 1.0), "file")
        self._subject = self._stream.subject(check_part(name, "election"))
        self._watch = Watch(holder, term)
        self._changed, self._clock = changed, clock
        self._told = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def token(self) -> int:
        """The token of our leadership, 0 while we do not lead."""
        return self._watch.token if self._watch.leads(self._clock()) else 0

    async def start(self) -> None:
        """Stand for election until ``stop``."""
        self._task = asyncio.create_task(self._run(), name="leader election")

    async def stop(self) -> None:
        """Step down, so that another can lead at once."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait({self._task})
        if self.token:
            with contextlib.suppress(StateUnavailable):  # then it runs out by itself
                held = await self._stream.get(self._subject)
                if _holder(held) == self._watch.holder:
                    await self._stream.change([Part(self._subject, b"null", held.seq)])
        self._watch.lost()
        self._tell()

    async def step(self) -> None:
        """Look once, and write if that is due.

        Raises:
            StateUnavailable: NATS is not there.
        """
        await self._stream.make()
        began = self._clock()
        held = await self._stream.get(self._subject)
        watch = self._watch
        if _holder(held) != watch.holder and watch.token:
            watch.lost()
        if watch.wants(held, began):
            value = json.dumps(watch.holder).encode()
            if await self._stream.change([Part(self._subject, value, held.seq)]):
                written = await self._stream.get(self._subject)
                if _holder(written) == watch.holder:
                    watch.written(held, written.seq, began)
            else:
                watch.lost()
        self._tell()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(StateUnavailable, TimeoutError):
                async with asyncio.timeout(self._watch.term):
                    await self.step()
            self._tell()
            await asyncio.sleep(self._watch.term / 8)

    def _tell(self) -> None:
        token = self.token
        if token != self._told:
            self._told = token
            self._changed(token)


def _holder(held: Held) -> str | None:
    """Who holds a lease, None where nobody does."""
    found = json.loads(held.value or b"null")
    return found if isinstance(found, str) else None
