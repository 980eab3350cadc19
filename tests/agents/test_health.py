from __future__ import annotations

import asyncio

import pytest

from mcp_wasm.agents.child_spec import HealthSpec
from mcp_wasm.agents.events import Event
from mcp_wasm.agents.health import Health
from mcp_wasm.errors import AgentFailed
from tests.agents.children import stage, tree, worker

pytestmark = pytest.mark.anyio


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        wait: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self.now + seconds, wait))
        await wait

    async def go(self, seconds: float) -> None:
        await _turns()
        self.now += seconds
        for at, wait in list(self._waiting):
            if at <= self.now and not wait.done():
                wait.set_result(None)
        await _turns()


async def _turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Asked:
    """A child that answers as it is told to: ``None`` well, a text not, ``...`` never."""

    def __init__(self, *answers: object) -> None:
        self.answers, self.times = list(answers), 0
        self.clock = Clock()
        self.killed: list[tuple[str, str]] = []
        self.noted: list[tuple[str, str, str]] = []
        self.health = Health(
            lambda path: HealthSpec(30.0, 60.0) if path == "a" else None,
            self._ask,
            lambda path, why: self.killed.append((path, why)),
            lambda path, what, detail: self.noted.append((path, what, detail)),
            sleep=self.clock.sleep,
        )

    async def _ask(self, path: str) -> None:
        self.times += 1
        answer = self.answers.pop(0)
        if answer is ...:
            await asyncio.get_running_loop().create_future()
        if isinstance(answer, str):
            raise AgentFailed(path, answer)


async def test_a_child_that_answers_is_asked_again_after_each_interval() -> None:
    child = Asked(None, None, None)
    child.health.seen(Event(0, "a", "ready"))
    for times in range(1, 4):
        await child.clock.go(29.9)
        assert child.times == times - 1
        await child.clock.go(0.2)
        assert child.times == times
    assert child.killed == []
    await child.health.close()


async def test_a_child_that_does_not_answer_in_time_exits_unhealthy() -> None:
    child = Asked(...)
    child.health.seen(Event(0, "a", "ready"))
    await child.clock.go(30)
    await child.clock.go(59.9)
    assert child.killed == []
    await child.clock.go(0.2)
    assert child.killed == [("a", "unhealthy")]
    assert child.noted == [("a", "unhealthy", "no answer within 60 s")]
    assert child.health.watched == frozenset()


async def test_a_child_that_says_it_is_not_well_exits_unhealthy() -> None:
    child = Asked(None, "out of ink")
    child.health.seen(Event(0, "a", "ready"))
    await child.clock.go(30)
    await child.clock.go(30)
    assert child.killed == [("a", "unhealthy")]
    assert child.noted == [("a", "unhealthy", "a failed: out of ink")]


@pytest.mark.parametrize("what", ["exited", "stopped", "abandoned", "forgotten"])
async def test_a_child_that_ended_is_asked_no_more(what: str) -> None:
    child = Asked()
    child.health.seen(Event(0, "a", "ready"))
    child.health.seen(Event(0, "a", what))
    await child.clock.go(1000)
    assert child.times == 0
    await child.health.close()


async def test_a_child_without_a_health_spec_is_not_asked() -> None:
    child = Asked()
    child.health.seen(Event(0, "b", "ready"))
    assert child.health.watched == frozenset()


async def test_its_supervisor_starts_an_unhealthy_child_again_and_that_is_watched_too() -> None:
    async with stage() as on:
        child = Asked(..., None)

        def kill(path: str, reason: str) -> None:
            on.supervisor.kill(path, reason)

        child.health = Health(
            lambda _path: HealthSpec(30.0, 60.0),
            child._ask,
            kill,
            lambda _path, _what, _detail: None,
            sleep=child.clock.sleep,
        )
        on.events.observe(child.health.seen)
        await on.start(tree(worker("a")))
        await child.clock.go(30)
        await child.clock.go(60)
        await on.settled()
        assert on.what("exited", "restarted") == [("a", "unhealthy"), ("a", "unhealthy")]
        await child.clock.go(30)
        assert child.times == 2
        await child.health.close()
