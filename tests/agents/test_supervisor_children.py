"""Children that come and go at run time. ``SUITE`` is ``supervisor_SUITE``, ``docs`` its manual."""

from __future__ import annotations

import asyncio

import pytest

from mcp_wasm.errors import AgentFailed, CallerError, UnknownAgent
from tests.agents.children import Stage, branch, stage, tree, worker

pytestmark = pytest.mark.anyio


def states(on: Stage) -> dict[str, str]:
    return {each.id: each.state for each in on.supervisor.which_children()}


async def test_children_come_and_go_at_run_time() -> None:
    """SUITE:child_adm."""
    async with stage() as on:
        await on.start(tree())
        supervisor = on.supervisor
        assert await supervisor.start_child(worker("a")) == "a"
        with pytest.raises(CallerError, match="runs already"):
            await supervisor.start_child(worker("a"))
        with pytest.raises(CallerError, match="terminate it first"):
            await supervisor.delete_child("a")
        with pytest.raises(CallerError, match="terminate it first"):
            await supervisor.restart_child("a")
        await supervisor.terminate_child("a")
        await supervisor.terminate_child("a")
        with pytest.raises(CallerError, match="is there, stopped"):
            await supervisor.start_child(worker("a"))
        await supervisor.restart_child("a")
        assert states(on) == {"a": "running"}
        await supervisor.terminate_child("a")
        await supervisor.delete_child("a")
        assert states(on) == {}
        for gone in (supervisor.terminate_child, supervisor.restart_child, supervisor.delete_child):
            with pytest.raises(UnknownAgent):
                await gone("a")


async def test_a_child_that_cannot_be_added_is_not_kept() -> None:
    """docs: start_child."""
    async with stage() as on:
        await on.start(tree(worker("a")))
        on.faults["b"] = ["boom"]
        with pytest.raises(AgentFailed, match="boom"):
            await on.supervisor.start_child(worker("b"))
        assert states(on) == {"a": "running"}
        assert await on.supervisor.start_child(worker("b")) == "b"


async def test_a_temporary_child_is_not_kept_when_it_is_terminated() -> None:
    """SUITE:do_not_save_child_specs_for_temporary_children."""
    async with stage() as on:
        await on.start(tree(worker("a", restart="temporary")))
        await on.supervisor.terminate_child("a")
        assert states(on) == {}


async def test_children_of_a_template() -> None:
    """SUITE:child_adm_simple, simple_one_for_one, simple_one_for_one_extra."""
    async with stage() as on:
        await on.start(tree(worker("template"), strategy="simple_one_for_one", intensity=2))
        assert states(on) == {}
        for id_ in ("a", "b", "c"):
            await on.supervisor.start_child(id_, {"n": id_})
        configs = [getattr(each.spec.child, "config", None) for each in on.supervisor.which_children()]
        assert configs == [{"n": "a"}, {"n": "b"}, {"n": "c"}]
        await on.exit("b", "!boom")
        assert on.did[3:] == ["-b", "+b"]
        await on.supervisor.terminate_child("a")
        counts = on.supervisor.count_children()
        assert (counts.specs, counts.active, counts.workers) == (1, 2, 2)
        with pytest.raises(CallerError, match="takes the id"):
            await on.supervisor.start_child(worker("d"))
        on.faults["b"] = ["normal"]
        await on.exit("b", "!boom")  # SUITE:simple_one_for_one_restart_ignore
        assert states(on) == {"c": "running"}


async def test_children_are_counted_by_type() -> None:
    """SUITE:count_children."""
    async with stage() as on:
        await on.start(tree(worker("a"), branch("tier", worker("b")), worker("c")))
        await on.supervisor.terminate_child("c")
        counts = on.supervisor.count_children()
        assert (counts.specs, counts.active, counts.supervisors, counts.workers) == (3, 2, 1, 2)
        assert [each.path for each in on.supervisor.supervisor("tier").which_children()] == ["tier/b"]


async def test_requests_to_a_supervisor_that_has_ended_are_answered() -> None:
    async with stage() as on:
        on.faults["b"] = ["hang"]
        await on.start(tree(worker("a")))
        waiting = asyncio.create_task(on.supervisor.start_child(worker("b")))
        await on.until(lambda: "b" in on.bodies)
        on.supervisor.stop()
        for late in (waiting, on.supervisor.terminate_child("a")):
            with pytest.raises(AgentFailed, match="has ended"):
                await late
        assert on.living == []
