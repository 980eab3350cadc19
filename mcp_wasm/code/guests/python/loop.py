"""asyncio without sockets and threads: an event loop that only waits, and executors that work at once.

The stock loop wakes itself through a pair of sockets, which a program here does
not have. Nothing outside can wake this one, so it sleeps until the next timer;
where there is none, what is awaited can never come, and that is an error.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import concurrent.futures.thread
import inspect
import time
import warnings
from collections.abc import Callable
from typing import Any

import notes


class _Timer:
    """Stands where the stock loop has a selector."""

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError(
                "this await can never end: no task and no timer is left that could finish what it waits for"
            )
        if timeout > 0:
            time.sleep(timeout)
        return []


class Loop(asyncio.BaseEventLoop):
    """The event loop of ``asyncio.run`` here."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Timer()

    def _process_events(self, _events: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nothing runs beside the loop that would have to wake it."""

    def run_in_executor(self, _executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Do the work now: there is no thread that could do it later."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """Does each piece of work when it is submitted, one after another."""

    def __init__(self, max_workers: int | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(max_workers, *args, **kwargs)
        notes.say("There are no threads here: the work of the executor was done one piece after another.")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Do the work now."""
        if self._shutdown:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class ProcessPoolExecutor(ThreadPoolExecutor):
    """The same: there are no processes either."""

    def __init__(self, max_workers: int | None = None, mp_context: Any = None, **more: Any) -> None:
        more.pop("max_tasks_per_child", None)
        super().__init__(max_workers, **more)


def install() -> None:
    """Give ``asyncio`` and ``concurrent.futures`` what works here."""
    with warnings.catch_warnings():
        # Policies are deprecated, and asyncio.run asks one for its loop.
        warnings.simplefilter("ignore", DeprecationWarning)
        policy = asyncio.DefaultEventLoopPolicy()
        policy._loop_factory = Loop  # type: ignore[attr-defined]
        asyncio.set_event_loop_policy(policy)
    asyncio.SelectorEventLoop = asyncio.EventLoop = Loop  # type: ignore[misc, assignment]
    concurrent.futures.ThreadPoolExecutor = ThreadPoolExecutor  # type: ignore[misc]
    concurrent.futures.thread.ThreadPoolExecutor = ThreadPoolExecutor  # type: ignore[misc]
    concurrent.futures.ProcessPoolExecutor = ProcessPoolExecutor  # type: ignore[misc]


def run(awaitable: Any) -> Any:
    """Await ``awaitable`` to its end."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(_await(awaitable))


def finish(value: Any) -> Any:
    """``value``, awaited where a program left that to us."""
    return run(value) if inspect.iscoroutine(value) else value


async def _await(awaitable: Any) -> Any:
    return await awaitable
