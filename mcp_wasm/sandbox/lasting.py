"""Instances that outlive their calls: found by a text, ended when they were idle for too long.

What an instance is for, who may use it and what it may do is for those who keep
them (``session``, and the sessions of code). Its text is a secret: who has it and is its
owner may use it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

_REMEMBERED = 512
"""Instances that are over and of which it is still known why."""


class Kept(Protocol):
    """One living instance; ``until`` is when it ends unless it is used, ``busy`` is held by its call."""

    busy: threading.Lock
    idle: float
    until: float

    @property
    def text(self) -> str:
        """What finds it; nobody can guess it."""

    def close(self) -> None:
        """Let go of it; nobody uses it."""


_K = TypeVar("_K", bound=Kept)


class Lasting(Generic[_K]):
    """The living ones; idle ones end by themselves, on a thread that begins with the first.

    Those who keep instances hold ``_changed`` around ``_begin``, ``_end`` and whatever they look
    up in ``_living``, and call ``_let_go`` after it.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._clock = name, clock
        self._changed = threading.Condition()
        self._living: dict[str, _K] = {}
        self._over: OrderedDict[str, str] = OrderedDict()
        self._ended: list[_K] = []
        self._thread: threading.Thread | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._living)

    def close(self) -> None:
        """End every one and the thread that ends idle ones."""
        with self._changed:
            self._closed = True
            for one in list(self._living.values()):
                # One whose call has not come to its end yet is still used by it, and ends with it.
                if not one.busy.locked():
                    self._end(one, "the server has ended")
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()
        self._let_go()

    def expire(self) -> float:
        """End what was idle for too long; the seconds until the next one is (infinite: none is)."""
        pause = self._expired()
        self._let_go()
        return pause

    def _begin(self, one: _K) -> None:
        """``one`` lives from now on, and its call holds it."""
        one.busy.acquire()
        self._living[one.text] = one
        if self._thread is None:
            self._thread = threading.Thread(target=self._expire, name=f"mcp-wasm {self._name}", daemon=True)
            self._thread.start()

    def _leave(self, one: _K, why: str) -> None:
        """Its call is over; with ``why`` it ends too."""
        with self._changed:
            one.busy.release()
            if why or self._closed:
                if one.text in self._living:
                    self._end(one, why)
            else:
                one.until = self._clock() + one.idle
                self._changed.notify()
        self._let_go()

    def _end(self, one: _K, why: str) -> None:
        """Nobody finds it any more; ``_let_go`` is to follow, outside the lock."""
        del self._living[one.text]
        self._over[one.text] = why
        while len(self._over) > _REMEMBERED:
            self._over.popitem(last=False)
        self._ended.append(one)

    def _let_go(self) -> None:
        """Close what has ended. It may wait for a guest's connections, and nobody else must."""
        while self._ended:
            try:
                one = self._ended.pop()
            except IndexError:  # another thread was faster
                return
            one.close()

    def _expired(self) -> float:
        with self._changed:
            now = self._clock()
            for one in list(self._living.values()):
                if one.until <= now:
                    self._end(one, f"its session was not used for {one.idle:g} s")
            return min((one.until for one in self._living.values()), default=float("inf")) - now

    def _expire(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                pause = self._expired()
                if not self._ended:
                    self._changed.wait(None if pause == float("inf") else max(pause, 0.001))
            self._let_go()
