"""The mailbox of one agent: four lanes, bounded, and what becomes of a message that no longer fits.

Which message goes first. The most urgent one that waits, save that of every 16 messages taken
while several lanes wait one turn is each of the three less urgent lanes': the lane whose turn it is
goes first if anything waits in it. So of any 16 messages in a row at least one is of each lane that waited
all the while (no lane starves), at least 13 are the most urgent that waited, and a critical
message is passed by at most one other of every five taken. Within a lane the older one goes first.

A message that does not fit is refused (``reject``), takes the place of the oldest of the least
urgent lane unless that is more urgent than itself (``drop_oldest``), or is kept on disk (``spill``).
While a lane has messages on disk its further ones follow them there, so that their order holds.

It is used on the event loop alone, by one consumer, and outlives the restarts of its agent. It knows
nothing of who handles the messages.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from mcp_wasm.agents.child_spec import MailboxSpec, Overflow
from mcp_wasm.agents.message import MOST_BYTES, Priority
from mcp_wasm.agents.ports import Delivery
from mcp_wasm.agents.spill import Spill
from mcp_wasm.errors import MailboxFull, SpillFailed, UnknownAgent

ROUND = 16
"""In so many messages taken, each lane that waits is served at least once."""

_TURNS = {4: Priority.HIGH, 9: Priority.NORMAL, 14: Priority.LOW}
_REFILL = 256
"""Messages read back from disk in one go."""

OnDrop = Callable[[Delivery, str], None]


class Mailbox:
    """What waits for the agent at ``address``. ``on_drop`` is told of what was dropped, with the reason."""

    def __init__(
        self, spec: MailboxSpec, address: str, spill: Spill | None = None, *, on_drop: OnDrop | None = None
    ) -> None:
        self.address, self._capacity, self._on_drop = address, max(1, spec.capacity), on_drop
        self._memory, self._spill, self._spec = spec.memory, spill, spec
        self._policy = [_policy(spec, priority) for priority in Priority]
        self._lanes: tuple[deque[Delivery], ...] = tuple(deque() for _ in Priority)
        self._count = self._size = self._turn = 0
        self._waiter: asyncio.Future[None] | None = None
        self._closed, self.closed_for = False, ""
        self.taken = self.dropped = self.spilled = self.refused = 0

    def __len__(self) -> int:
        return self._count + self._on_disk()

    @property
    def depths(self) -> tuple[int, int, int, int]:
        """How many wait, most urgent lane first; those on disk too."""
        critical, high, normal, low = (len(lane) + self._on_disk(n) for n, lane in enumerate(self._lanes))
        return critical, high, normal, low

    def put(self, delivery: Delivery, *, must: bool = False) -> None:
        """Take a message in.

        One that ``must`` be taken (an answer that was asked for) goes in over the capacity, as long as no
        more than twice of what fits waits: an agent may ask without end, and not read its answers.

        Raises:
            MailboxFull: it does not fit.
            UnknownAgent: the mailbox is closed.
        """
        if self._closed:
            raise UnknownAgent(self.address)
        full = self._is_full(delivery) or self._on_disk(delivery.message.priority)
        if full and not (must and self._bears(delivery)):
            self._overflow(delivery)
        else:
            self._keep(delivery)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def give_back(self, deliveries: Sequence[Delivery]) -> None:
        """Put what was taken and not handled in front again, in its order; nothing is taken meanwhile."""
        for delivery in reversed(deliveries):
            self._lanes[delivery.message.priority].appendleft(delivery)
        self._count += len(deliveries)
        self._size += sum([len(each.message.payload) for each in deliveries])
        self.taken -= len(deliveries)

    async def take(self, most: int) -> list[Delivery]:
        """The next messages, 1 to ``most``, when there are any; none once the mailbox is closed.

        Raises:
            RuntimeError: another consumer waits.
            SpillFailed: what is on disk cannot be read.
        """
        while not self._count and not self._closed and not self._on_disk():
            if self._waiter is not None:
                raise RuntimeError(f"the mailbox of {self.address} has a consumer that waits already")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        taken = self._next(most)
        self.taken += len(taken)
        self._size -= sum([len(each.message.payload) for each in taken])
        return taken

    def close(self, reason: str) -> list[Delivery]:
        """Take nothing in any more. What was left, for the caller to settle or to put elsewhere.

        What a spill that is kept has on disk stays there; else it is left too. ``reason`` is what a waiting
        consumer and the log would ask for; it is kept as ``closed_for``.
        """
        self._closed, self.closed_for = True, reason
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        left = [delivery for lane in self._lanes for delivery in lane]
        for lane in self._lanes:
            lane.clear()
        self._count = self._size = 0
        if self._spill is not None:
            left += self._spill.close()
        return left

    def _on_disk(self, lane: int | None = None) -> int:
        if self._spill is None or not self._spill.count:
            return 0
        return self._spill.count if lane is None else self._spill.depth(lane)

    def _is_full(self, delivery: Delivery) -> bool:
        count = self._count
        return count >= self._capacity or (
            count > 0 and self._size + len(delivery.message.payload) > self._memory
        )

    def _bears(self, delivery: Delivery) -> bool:
        """Whether it can be taken over the capacity."""
        size = self._size + len(delivery.message.payload)
        return self._count < 2 * self._capacity and size <= max(2 * self._memory, MOST_BYTES)

    def _keep(self, delivery: Delivery) -> None:
        self._lanes[delivery.message.priority].append(delivery)
        self._count += 1
        self._size += len(delivery.message.payload)

    def _overflow(self, delivery: Delivery) -> None:
        lane = delivery.message.priority
        policy = self._policy[lane]
        if policy == "spill" or self._on_disk(lane):
            self._to_disk(delivery)
        elif policy == "drop_oldest" and self._drop_for(delivery):
            self._keep(delivery)
        else:
            self._refuse()

    def _to_disk(self, delivery: Delivery) -> None:
        spill = self._spill
        if (
            spill is None
            or spill.count >= self._spec.spill
            or (spill.count and spill.size >= self._spec.disk)
        ):
            self._refuse()
            return
        try:
            spill.put(delivery)
        except SpillFailed as error:
            self._refuse(error.reason)
        self.spilled += 1

    def _refuse(self, reason: str = "") -> None:
        self.refused += 1
        raise MailboxFull(self.address, self._capacity, reason)

    def _drop_for(self, newcomer: Delivery) -> bool:
        """Make room by the oldest of the least urgent lane; False where what is more urgent takes it all."""
        count, size, victims = self._count, self._size + len(newcomer.message.payload), []
        for lane in range(Priority.LOW, newcomer.message.priority - 1, -1):
            for victim in self._lanes[lane]:
                if count < self._capacity and (not count or size <= self._memory):
                    break
                victims.append(victim)
                count, size = count - 1, size - len(victim.message.payload)
        if count >= self._capacity or (count and size > self._memory):
            return False
        for victim in victims:
            self._drop(victim)
        return True

    def _drop(self, victim: Delivery) -> None:
        """Drop the oldest of its lane."""
        self._lanes[victim.message.priority].popleft()
        self._count -= 1
        self._size -= len(victim.message.payload)
        self.dropped += 1
        reason = f"the mailbox of {self.address} was full ({self._capacity:,} messages)"
        if self._on_drop is not None:
            self._on_drop(victim, reason)
        if victim.settle is not None:
            victim.settle("dropped", reason)

    def _next(self, most: int) -> list[Delivery]:
        taken: list[Delivery] = []
        while len(taken) < most:
            waiting = [n for n, lane in enumerate(self._lanes) if lane or self._on_disk(n)]
            if not waiting:
                break
            if len(waiting) == 1:
                self._take_from(waiting[0], most - len(taken), taken)
            else:
                self._take_in_turn(waiting, most, taken)
        return taken

    def _take_in_turn(self, waiting: list[int], most: int, taken: list[Delivery]) -> None:
        """Take by turns until enough are taken or a lane has nothing left in memory."""
        urgent, lanes = waiting[0], self._lanes
        while len(taken) < most:
            owed = _TURNS.get(self._turn)
            lane = owed if owed is not None and owed in waiting else urgent
            self._turn = (self._turn + 1) % ROUND
            if not lanes[lane]:
                self._refill(lane)
            taken.append(lanes[lane].popleft())
            self._count -= 1
            if not lanes[lane]:
                return

    def _take_from(self, lane: int, most: int, taken: list[Delivery]) -> None:
        queue = self._lanes[lane]
        if not queue:
            self._refill(lane)
        if len(queue) <= most:
            taken.extend(queue)
            self._count -= len(queue)
            queue.clear()
        else:
            taken.extend(queue.popleft() for _ in range(most))
            self._count -= most

    def _refill(self, lane: int) -> None:
        assert self._spill is not None
        room = max(1, min(_REFILL, self._capacity - self._count))
        back = self._spill.take(lane, room)
        self._lanes[lane].extend(back)
        self._count += len(back)
        self._size += sum([len(each.message.payload) for each in back])


def _policy(spec: MailboxSpec, priority: Priority) -> Overflow:
    return spec.by_priority.get(priority.name.lower(), spec.overflow)
