"""How many requests run at once, and that no asker holds more than half of them. For one event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator


class Slots:
    """``most`` for all together."""

    def __init__(self, most: int) -> None:
        self._each = max(1, most // 2)
        self._all = asyncio.Semaphore(most)
        self._own: dict[str, asyncio.Semaphore] = {}
        self._here: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def one(self, who: str, seconds: float) -> AsyncIterator[None]:
        """A slot for ``who``, once there is one.

        Raises:
            TimeoutError: if there is none within ``seconds``.
        """
        own = self._own.setdefault(who, asyncio.Semaphore(self._each))
        self._here[who] += 1
        try:
            async with contextlib.AsyncExitStack() as held:
                async with asyncio.timeout(seconds):
                    # Its own first: who waits for that must not keep others from the rest.
                    await held.enter_async_context(own)
                    await held.enter_async_context(self._all)
                yield
        finally:
            self._here[who] -= 1
            if not self._here[who]:
                del self._here[who], self._own[who]
