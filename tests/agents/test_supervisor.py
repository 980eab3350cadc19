"""Running supervisors. ``SUITE`` names a case of OTP's ``supervisor_SUITE``, ``docs`` is its manual."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mcp_wasm.agents.child_spec import SupervisorSpec
from mcp_wasm.errors import AgentFailed, CallerError
from tests.agents.children import Stage, branch, stage, tree, worker

pytestmark = pytest.mark.anyio

ABC = (worker("a"), worker("b"), worker("c"))


def states(on: Stage) -> dict[str, str]:
    return {each.id: each.state for each in on.supervisor.which_children()}


async def test_children_start_in_order_and_stop_in_reverse() -> None:
    """docs: start and shutdown order; SUITE:sup_start_normal."""
    async with stage() as on:
        await on.start(tree(*ABC))
        assert on.did == ["+a", "+b", "+c"]
        on.supervisor.stop()
        assert await on.ended() == "shutdown"
        assert on.did[3:] == ["-c", "-b", "-a"]


async def test_a_child_is_started_only_when_the_one_before_it_is_ready() -> None:
    """docs: start functions are synchronous."""
    async with stage() as on:
        on.faults["b"] = ["hang"]
        on.begin(tree(*ABC))
        await on.until(lambda: "b" in on.bodies)
        await on.settled()
        assert on.did == ["+a", "+b"]
        assert not on.ready.is_set()


async def test_a_child_that_cannot_start_at_init_stops_those_before_it() -> None:
    """docs: start_link; SUITE:sup_start_fail."""
    async with stage() as on:
        on.faults["c"] = ["no such file"]
        on.begin(tree(*ABC, worker("d")))
        with pytest.raises(AgentFailed, match=r"c failed: it could not be started: no such file"):
            await on.ended()
        assert on.did == ["+a", "+b", "+c", "-c", "-b", "-a"]
        assert not on.ready.is_set()


async def test_a_child_below_that_cannot_start_is_named_by_its_path() -> None:
    async with stage() as on:
        on.faults["tier/b"] = ["boom"]
        on.begin(tree(worker("a"), branch("tier", worker("a"), worker("b"))))
        with pytest.raises(AgentFailed, match=r"^tier/b failed"):
            await on.ended()
        assert on.living == []


@pytest.mark.parametrize(("restart", "kept"), [("permanent", 2), ("transient", 2), ("temporary", 1)])
async def test_a_child_with_nothing_to_do_is_no_failure(restart: Any, kept: int) -> None:
    """SUITE:sup_start_ignore_child, sup_start_ignore_temporary_child."""
    async with stage() as on:
        on.faults["a"] = ["normal"]
        await on.start(tree(worker("a", restart=restart), worker("b")))
        counts = on.supervisor.count_children()
        assert (counts.specs, counts.active, counts.supervisors, counts.workers) == (kept, 1, 0, kept)


RESTARTS = [
    ("SUITE:one_for_one", "one_for_one", "b", ["-b", "+b"]),
    ("SUITE:one_for_all", "one_for_all", "b", ["-b", "-c", "-a", "+a", "+b", "+c"]),
    ("SUITE:rest_for_one", "rest_for_one", "b", ["-b", "-c", "+b", "+c"]),
    ("SUITE:rest_for_one, the first", "rest_for_one", "a", ["-a", "-c", "-b", "+a", "+b", "+c"]),
]


@pytest.mark.parametrize(
    ("strategy", "crashed", "did"), [case[1:] for case in RESTARTS], ids=[case[0] for case in RESTARTS]
)
async def test_a_crash_restarts_what_the_strategy_says(strategy: Any, crashed: str, did: list[str]) -> None:
    async with stage() as on:
        await on.start(tree(*ABC, strategy=strategy))
        await on.exit(crashed, "!boom")
        assert on.did[3:] == did
        assert on.what("exited") == [(crashed, "boom")]
        again = {each[1] for each in did if each[0] == "+"}
        assert {each.id: each.restarts for each in on.supervisor.which_children()} == {
            id_: int(id_ in again) for id_ in "abc"
        }


TYPES = [
    ("permanent", "normal", "running"),
    ("permanent", "shutdown", "running"),
    ("permanent", "!boom", "running"),
    ("transient", "normal", "stopped"),
    ("transient", "shutdown", "stopped"),
    ("transient", "shutdown: done", "stopped"),
    ("transient", "!boom", "running"),
    ("transient", "odd", "running"),
    ("temporary", "normal", None),
    ("temporary", "!boom", None),
]


@pytest.mark.parametrize(("restart", "reason", "state"), TYPES)
async def test_what_follows_an_exit_is_by_restart_type(restart: Any, reason: str, state: str | None) -> None:
    """SUITE:{permanent,transient,temporary}_{normal,shutdown,abnormal}."""
    async with stage() as on:
        await on.start(tree(worker("a", restart=restart)))
        await on.exit("a", reason)
        assert states(on).get("a") == state


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
async def test_a_temporary_sibling_is_stopped_and_not_started_again(strategy: Any) -> None:
    """SUITE:temporary_bystander."""
    async with stage() as on:
        await on.start(tree(worker("a"), worker("b", restart="temporary"), strategy=strategy))
        await on.exit("a", "!boom")
        assert states(on) == {"a": "running"}
        assert on.did[2:] == ["-a", "-b", "+a"]
        assert on.what("forgotten") == [("b", "")]


async def test_too_many_restarts_end_the_supervisor_and_all_it_has() -> None:
    """SUITE:one_for_one_escalation, multiple_restarts; docs: maximum restart intensity."""
    async with stage() as on:
        await on.start(tree(*ABC, intensity=2, period=5.0))
        for on.now in (0.0, 3.0, 5.5):  # at 5.5 the first is more than a period ago
            await on.exit("b", "!boom")
        assert not on.task.done()
        on.now = 6.0
        await on.exit("b", "!boom")
        assert await on.ended() == "shutdown"
        assert on.did[-2:] == ["-c", "-a"]
        assert "more than 2 restarts within 5 s" in on.supervisor.gave_up


async def test_a_supervisor_that_gave_up_is_started_anew_by_its_own() -> None:
    """docs: escalation; the siblings keep what they have."""
    async with stage() as on:
        await on.start(tree(worker("keeper"), branch("tier", worker("a"), worker("b"), intensity=0)))
        keeper = on.bodies["keeper"]
        await on.exit("tier/a", "!boom")
        await on.until(lambda: on.living == ["keeper", "tier/a", "tier/b"])
        assert on.bodies["keeper"] is keeper
        assert on.did[3:] == ["-tier/a", "-tier/b", "+tier/a", "+tier/b"]
        assert [path for path, _ in on.what("gave_up", "escalated")] == ["tier", "tier"]
        assert on.bodies["tier/a"].restarts == 1


async def test_a_transient_supervisor_that_gave_up_is_not_started_again() -> None:
    """docs: it exits with shutdown, which is no failure of a transient child."""
    async with stage() as on:
        await on.start(tree(branch("tier", worker("a"), intensity=0, restart="transient"), worker("b")))
        await on.exit("tier/a", "!boom")
        assert states(on) == {"tier": "stopped", "b": "running"}


@pytest.mark.parametrize(
    ("strategy", "did"),
    [
        # The second fails to start: it is tried again, and by one_for_all the first starts anew with it.
        ("one_for_all", ["-a", "-b", "+a", "+b", "-b", "-a", "+a", "+b"]),
        ("rest_for_one", ["-a", "-b", "+a", "+b", "-b", "+b"]),
    ],
)
async def test_a_sibling_that_fails_to_restart_is_tried_again(strategy: Any, did: list[str]) -> None:
    """SUITE:one_for_all_other_child_fails_restart, rest_for_one_other_child_fails_restart."""
    async with stage() as on:
        await on.start(tree(worker("a"), worker("b"), strategy=strategy, intensity=2))
        on.faults["b"] = ["not yet"]
        await on.exit("a", "!boom")
        await on.until(lambda: on.living == ["a", "b"])
        assert on.did[2:] == did


async def test_a_child_that_never_comes_back_uses_up_the_intensity() -> None:
    """SUITE:hanging_restart_loop ends here by its intensity; the whole ends at any time by ``stop``."""
    async with stage() as on:
        await on.start(tree(worker("a"), worker("b"), intensity=5))
        on.faults["a"] = ["no"] * 100
        await on.exit("a", "!boom")
        assert await on.ended() == "shutdown"
        assert on.did.count("+a") == 6


async def test_a_supervisor_in_a_loop_of_failed_restarts_can_be_asked_and_stopped() -> None:
    """SUITE:hanging_restart_loop."""
    async with stage() as on:
        await on.start(tree(worker("a"), worker("b"), intensity=1_000_000))
        on.faults["a"] = ["no"] * 1_000_000
        on.bodies["a"].end.set_result("!boom")
        await on.until(lambda: on.did.count("+a") > 3)
        with pytest.raises(CallerError, match=r"terminate it first"):
            await on.supervisor.restart_child("a")
        with pytest.raises(CallerError, match=r"terminate it first"):
            await on.supervisor.delete_child("a")
        await on.supervisor.terminate_child("a")
        before = on.did.count("+a")
        await on.settled()
        assert on.did.count("+a") == before
        assert states(on) == {"a": "stopped", "b": "running"}


async def test_siblings_that_crash_during_a_restart_are_not_restarted_twice() -> None:
    """source: shutdown/2 takes the exit of a child that ended meanwhile out of the inbox."""
    async with stage() as on:
        await on.start(tree(*ABC, strategy="one_for_all", intensity=1))
        on.bodies["a"].end.set_result("!one")
        on.bodies["c"].end.set_result("!two")
        await on.settled()
        assert sorted(on.living) == ["a", "b", "c"]
        assert not on.task.done()
        assert [on.did.count(f"+{id_}") for id_ in "abc"] == [2, 2, 2]


@pytest.mark.parametrize(
    ("auto", "exits", "ends"),
    [
        ("any_significant", ["a"], True),
        ("any_significant", ["c"], False),
        ("all_significant", ["a"], False),
        ("all_significant", ["a", "b"], True),
    ],
)
async def test_significant_children_end_their_supervisor(auto: Any, exits: list[str], ends: bool) -> None:
    """SUITE:significant_transient, nonsignificant_transient; docs: auto_shutdown."""
    spec = {"restart": "transient"}
    children = (
        worker("a", significant=True, **spec),
        worker("b", significant=True, **spec),
        worker("c", **spec),
    )
    async with stage() as on:
        await on.start(tree(*children, worker("d"), auto_shutdown=auto))
        for each in exits:
            await on.exit(each, "normal")
        assert on.task.done() is ends
        assert ("d" in on.living) is not ends


async def test_a_significant_child_that_is_terminated_ends_nothing() -> None:
    """docs: only a termination by itself counts."""
    async with stage() as on:
        child = worker("a", restart="transient", significant=True)
        await on.start(tree(child, worker("b"), auto_shutdown="any_significant"))
        await on.supervisor.terminate_child("a")
        assert states(on) == {"a": "stopped", "b": "running"}


async def test_trees_of_trees_start_depth_first_and_stop_in_reverse() -> None:
    """SUITE:tree."""
    async with stage() as on:
        inner = branch("two", worker("b"), branch("three", worker("c")))
        await on.start(tree(branch("one", worker("a"), inner), worker("d")))
        paths = ["one/a", "one/two/b", "one/two/three/c", "d"]
        assert on.did == [f"+{path}" for path in paths]
        on.supervisor.stop()
        await on.ended()
        assert on.did[4:] == [f"-{path}" for path in reversed(paths)]


@pytest.mark.parametrize("strategy", ["one_for_one", "simple_one_for_one"])
async def test_thousands_of_children_start_and_stop_without_a_timer_or_task_left(strategy: Any) -> None:
    """SUITE:simple_one_for_one_scale_many_temporary_children, as far as a test may measure: each once."""
    async with stage() as on:
        count = 2000
        spec = tree(*(worker(f"c{n}") for n in range(count)))
        if strategy == "simple_one_for_one":
            await on.start(SupervisorSpec((worker("x", restart="temporary"),), strategy))
            for n in range(count):
                await on.supervisor.start_child(f"c{n}")
        else:
            await on.start(spec)
        tasks = len(asyncio.all_tasks())
        on.supervisor.stop()
        await on.ended()
        assert tasks - len(asyncio.all_tasks()) == count + 1
        assert len(on.did) == 2 * count
