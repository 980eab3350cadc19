"""Waiting for a call: on an event loop with a word every second, or on a thread that signals must reach."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from mcp_wasm.sandbox.report import Outcome

OnWait = Callable[[str], None]
"""Told what a call is waiting for."""

_HEARTBEAT_S = 1.0
_LOOK_S = 0.5


def waited(job: Future[Outcome]) -> Outcome:
    """The result of ``job``, in waits that end.

    A signal that comes just before the interpreter begins to wait is seen only when the wait is over.
    """
    while True:
        try:
            return job.result(_LOOK_S)
        except TimeoutError:
            if job.done():
                return job.result()


async def beat(future: asyncio.Future[Any], on_wait: OnWait | None, doing: str) -> Any:
    """The result of ``future``, telling ``on_wait`` every second that it is still being worked on.

    Cancelled, it gives the future up.
    """
    begun = time.monotonic()
    try:
        while on_wait is not None:
            await asyncio.wait([future], timeout=_HEARTBEAT_S)
            if future.done():
                break
            on_wait(f"{doing}, {time.monotonic() - begun:.0f} s")
        return await future
    finally:
        future.cancel()  # one that nobody awaits any more must not complain of it; done, this does nothing
