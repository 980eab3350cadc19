"""The pool: nobody fills it alone, no waiting job is forgotten, and closing ends all threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest

from mcp_wasm.errors import Busy, Cancelled
from mcp_wasm.sandbox.workers import WAITING, Workers

PATIENCE = 15.0


@contextmanager
def pool(count: int) -> Iterator[tuple[Workers, threading.Event, Callable[[], str]]]:
    """A pool, the event that ends its endless jobs, and such a job."""
    workers, end = Workers(count), threading.Event()

    def loop() -> str:
        end.wait()
        return "ended"

    try:
        yield workers, end, loop
    finally:
        end.set()
        workers.close()


@pytest.mark.parametrize("loops", [2, 8, 32])
def test_others_are_served_while_one_client_loops(loops: int) -> None:
    with pool(8) as (workers, end, loop):
        endless = [workers.submit(loop, client="a", component="x") for _ in range(loops)]
        for client, component in [("b", "y"), ("b", "x"), ("a", "y")]:
            futures = [workers.submit(lambda: "done", client=client, component=component) for _ in range(20)]
            assert [future.result(PATIENCE) for future in futures] == ["done"] * 20
        end.set()
        assert [future.result(PATIENCE) for future in endless] == ["ended"] * loops


@pytest.mark.parametrize(
    ("holders", "most"),
    [
        ([("a", "x")] * 9, 3),  # one component of one client: less than half
        ([("a", str(n)) for n in range(9)], 4),  # one client
        ([(str(n), "x") for n in range(9)], 4),  # one component
        ([(str(n), str(n)) for n in range(9)], 8),
    ],
)
def test_how_many_workers_one_may_hold(holders: list[tuple[str, str]], most: int) -> None:
    begun, end = threading.Semaphore(0), threading.Event()

    def loop() -> None:
        begun.release()
        end.wait()

    workers = Workers(8)
    futures = [workers.submit(loop, client=client, component=component) for client, component in holders]
    try:
        for _ in range(most):
            assert begun.acquire(timeout=PATIENCE)
        # Another's job passes through the pool, so whatever could have begun has begun.
        if most < 8:
            workers.submit(lambda: None, client="other", component="other").result(PATIENCE)
        assert sum(future.running() for future in futures) == most
    finally:
        end.set()
        for future in futures:
            future.result(PATIENCE)
        workers.close()


def test_a_pool_of_one_serves() -> None:
    with pool(1) as (workers, _, _):
        assert workers.submit(lambda: 7, client="a", component="x").result(PATIENCE) == 7


def test_two_jobs_do_not_wait_behind_one_idle_thread() -> None:
    for _ in range(50):  # the window is short: the idle thread was told of the first and has not yet taken it
        with pool(8) as (workers, _, loop):
            workers.submit(lambda: None, client="a", component="x").result(PATIENCE)
            workers.submit(loop, client="a", component="x")
            assert workers.submit(lambda: "done", client="b", component="y").result(PATIENCE) == "done"


def test_one_client_may_have_so_many_waiting_and_not_one_more() -> None:
    with pool(2) as (workers, end, loop):
        running = workers.submit(loop, client="a", component="x")
        while not running.running():
            pass
        waiting = [workers.submit(lambda: 1, client="a", component="x") for _ in range(WAITING)]
        with pytest.raises(Busy, match="client a has 512 calls waiting") as caught:
            workers.submit(lambda: 1, client="a", component="y")
        assert caught.value.waiting == WAITING
        assert workers.submit(lambda: 2, client="b", component="y").result(PATIENCE) == 2
        end.set()
        assert [future.result(PATIENCE) for future in waiting] == [1] * WAITING


def test_jobs_that_were_given_up_make_room() -> None:
    with pool(2) as (workers, end, loop):
        running = workers.submit(loop, client="a", component="x")
        while not running.running():
            pass
        waiting = [workers.submit(lambda: 1, client="a", component="x") for _ in range(WAITING)]
        for future in waiting:
            workers.withdraw(future)
        assert all(future.cancelled() for future in waiting)
        last = workers.submit(lambda: 3, client="a", component="x")
        workers.withdraw(running)  # too late: it runs on to its end
        end.set()
        assert running.result(PATIENCE) == "ended"
        assert last.result(PATIENCE) == 3


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_a_job_raises_goes_to_who_asked_and_its_worker_serves_on(
    raised: type[BaseException],
) -> None:
    def fail() -> None:
        raise raised

    with pool(1) as (workers, _, _):
        future: Future[None] = workers.submit(fail, client="a", component="x")
        assert isinstance(future.exception(PATIENCE), raised)
        assert workers.submit(lambda: 1, client="a", component="x").result(PATIENCE) == 1


def test_closing_fails_what_waits_and_joins_every_thread() -> None:
    before = threading.active_count()
    workers, end = Workers(2), threading.Event()
    begun = threading.Event()

    def loop() -> str:
        begun.set()
        end.wait()
        return "ended"

    running = workers.submit(loop, client="a", component="x")
    assert begun.wait(PATIENCE)
    waiting = [workers.submit(lambda: 1, client="a", component="x") for _ in range(3)]
    end.set()
    workers.close()
    assert running.result(0) == "ended"
    for future in waiting:
        assert future.done()
        error = future.exception(0)
        assert error is None or isinstance(error, Cancelled)
    assert threading.active_count() == before
    with pytest.raises(Cancelled):
        workers.submit(lambda: 1, client="a", component="x")
