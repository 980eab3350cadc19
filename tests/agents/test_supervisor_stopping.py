"""How children end. ``SUITE`` names a case of OTP's ``supervisor_SUITE``, ``docs`` is its manual."""

from __future__ import annotations

import asyncio

import pytest

from mcp_wasm.errors import UnknownAgent
from tests.agents.children import branch, stage, tree, worker

pytestmark = pytest.mark.anyio


STOPS = [
    ("SUITE:sup_stop_infinity", None, False, False, "shutdown"),
    ("SUITE:sup_stop_timeout, in time", 10.0, False, False, "shutdown"),
    ("SUITE:sup_stop_timeout, too late", 0.01, True, False, "killed"),
    ("SUITE:sup_stop_brutal_kill", 0, False, False, "killed"),
    ("abandoned after its time", 0.01, False, True, None),
    ("abandoned at once", 0, False, True, None),
]


@pytest.mark.parametrize(
    ("seconds", "stubborn", "deaf", "reason"), [case[1:] for case in STOPS], ids=[case[0] for case in STOPS]
)
async def test_a_child_has_its_time_to_stop_and_no_more(
    seconds: float | None, stubborn: bool, deaf: bool, reason: str | None
) -> None:
    async with stage() as on:
        await on.start(tree(worker("a"), worker("b", shutdown=seconds)))
        on.stubborn |= {"b"} if stubborn else set()
        on.deaf |= {"b"} if deaf else set()
        on.supervisor.stop()
        assert await on.ended() == "shutdown"
        if reason is None:
            assert [path for path, _ in on.what("abandoned")] == ["b"]
            assert on.supervisor.abandoned == 1
            assert on.living == ["b"]
        else:
            assert on.what("stopped") == [("b", reason), ("a", "shutdown")]


@pytest.mark.parametrize("turns", range(12))
async def test_cancelled_at_any_point_it_leaves_nobody_running(turns: int) -> None:
    async with stage() as on:
        on.begin(tree(worker("a"), branch("tier", worker("b"), worker("c")), worker("d")))
        for _ in range(turns):
            await asyncio.sleep(0)
        on.task.cancel()
        await asyncio.sleep(0)
        on.task.cancel()  # again, while it ends its children
        with pytest.raises(asyncio.CancelledError):
            await on.ended()
        assert on.living == []


@pytest.mark.parametrize("turns", range(12))
async def test_stopped_at_any_point_it_leaves_nobody_running(turns: int) -> None:
    async with stage() as on:
        on.begin(tree(worker("a"), branch("tier", worker("b"), worker("c")), worker("d")))
        for _ in range(turns):
            await asyncio.sleep(0)
        on.supervisor.stop()
        assert await on.ended() == "shutdown"
        assert on.living == []


async def test_a_whole_tree_with_a_deaf_child_ends_when_it_is_cancelled() -> None:
    async with stage() as on:
        await on.start(tree(branch("tier", worker("a"), worker("b")), worker("c")))
        on.deaf.add("tier/a")
        on.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await on.ended()
        assert on.living == ["tier/a"]
        assert [path for path, _ in on.what("abandoned")] == ["tier/a"]


async def test_killed_it_exits_with_that_reason_and_is_started_again() -> None:
    async with stage() as on:
        await on.start(tree(worker("a"), branch("tier", worker("b"), worker("c"))))
        on.supervisor.kill("tier/b", "unhealthy")
        await on.settled()
        assert on.what("exited") == [("tier/b", "unhealthy")]
        assert on.bodies["tier/b"].restarts == 1
        on.supervisor.kill("tier", "restarted by a person")
        await on.until(lambda: on.did[-1] == "+tier/c")
        assert on.did[-4:] == ["-tier/c", "-tier/b", "+tier/b", "+tier/c"]
        with pytest.raises(UnknownAgent):
            on.supervisor.kill("tier/x", "killed")


async def test_a_killed_child_that_does_not_end_is_abandoned_and_replaced() -> None:
    async with stage() as on:
        await on.start(tree(worker("a")))
        on.deaf.add("a")
        old = on.bodies["a"]
        on.supervisor.kill("a", "unhealthy")
        await on.until(lambda: on.bodies["a"] is not old)
        assert on.what("abandoned") == [("a", "unhealthy")]
        assert on.supervisor.abandoned == 1
        on.deaf.clear()
        old.end.set_result("shutdown")
        await on.settled()
        assert on.supervisor.abandoned == 0
        assert on.did.count("+a") == 2


async def test_cancelled_while_a_child_starts_it_reports_no_fault_of_its_own() -> None:
    async with stage() as on:
        on.faults["b"] = ["hang"]
        on.begin(tree(worker("a"), worker("b")))
        await on.until(lambda: "b" in on.living)
        faults: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
        on.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await on.ended()
        await on.settled()
        assert (on.living, faults) == ([], [])
