from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, HealthSpec, MailboxSpec
from mcp_wasm.agents.message import new
from mcp_wasm.capability.grant import Grant, Tools
from mcp_wasm.capability.messaging import Messaging
from mcp_wasm.errors import AgentFailed, NoReply, UnknownAgent
from tests.agents import nodes
from tests.agents.nodes import agent, tree

pytestmark = pytest.mark.anyio


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[nodes.Start]:
    async with nodes.starting(tmp_path) as start:
        yield start


@pytest.fixture
def tiny(program: Callable[[str], Path]) -> Path:
    return program("tiny")


async def test_an_agent_answers_what_it_is_asked(running: nodes.Start) -> None:
    node = await running(tree(agent("a")))
    answer = await node.ask("a", "hello")
    assert (answer.kind, answer.value, answer.sender) == ("reply", "hello", "a")


async def test_an_instance_for_each_message_forgets_and_one_for_life_does_not(running: nodes.Start) -> None:
    node = await running(tree(agent("fresh"), agent("lasting", per="life")))
    assert [(await node.ask("fresh", "n")).value for _ in range(3)] == ["1", "1", "1"]
    assert [(await node.ask("lasting", "n")).value for _ in range(3)] == ["1", "2", "3"]


async def test_what_an_agent_stores_outlives_its_crash_and_its_node(running: nodes.Start) -> None:
    node = await running(tree(agent("a"), intensity=3))
    assert (await node.ask("a", "k1")).value is None
    with pytest.raises(AgentFailed, match="unreachable"):
        await node.ask("a", "c")
    assert (await node.ask("a", "k2")).value == "k1"
    await node.stop()
    node = await running(tree(agent("a")))
    assert (await node.ask("a", "k3")).value == "k2"


async def test_messages_behind_one_that_crashes_are_handled_by_the_next_incarnation(
    running: nodes.Start,
) -> None:
    node = await running(tree(agent("a"), intensity=10))
    asked = [asyncio.ensure_future(node.ask("a", text)) for text in ("m1", "c", "m2", "c", "m3")]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    told = [each if isinstance(each, AgentFailed) else each.value for each in answers]  # type: ignore[union-attr]
    assert [each for each in told if isinstance(each, str)] == ["m1", "m2", "m3"]
    assert sum(isinstance(each, AgentFailed) for each in told) == 2
    assert node.slots.found("a").restarts == 2


async def test_a_message_goes_where_a_grant_lets_it(running: nodes.Start) -> None:
    node = await running(tree(agent("a", grants=(Messaging(agents=("b",)),)), agent("b"), agent("c")))
    seen = nodes.watch(node)
    node.tell("a", "fb")
    await seen.until(lambda: node.slots.found("b").handled == 1)
    node.tell("a", "fc")
    denied = await seen.event("denied")
    assert "messaging" in denied.detail
    assert "send to c" in denied.detail
    # The component of a file is published nowhere: without the digest the command would not find it.
    assert re.search(r"grants add \S+ messaging agents=c --digest [0-9a-f]{64}", denied.detail)
    assert node.slots.found("c").handled == 0


async def test_what_is_published_reaches_those_who_subscribe(running: nodes.Start) -> None:
    grants: tuple[Grant, ...] = (Messaging(subjects=("news.*",)),)
    node = await running(
        tree(agent("a", grants=grants), agent("b", subscribes=("news.>",)), agent("c", subscribes=("other",)))
    )
    seen = nodes.watch(node)
    node.tell("a", "pnews.today")
    await seen.until(lambda: node.slots.found("b").handled == 1)
    node.tell("a", "psecret")
    assert "publish to secret" in (await seen.event("denied")).detail
    assert node.slots.found("c").handled == 0


async def test_a_timer_brings_its_message_later(running: nodes.Start) -> None:
    node = await running(tree(agent("a")))
    seen = nodes.watch(node)
    node.tell("a", "da")
    await seen.until(lambda: node.slots.found("a").handled == 2)


async def test_a_tool_that_was_granted_answers_and_another_is_denied(running: nodes.Start) -> None:
    node = await running(tree(agent("a", grants=(Tools(("tiny_add",)),))))
    assert (await node.ask("a", "ttiny_add")).value == {"ok": 5}
    assert "denied" in (await node.ask("a", "ttiny_divide")).value["err"]


async def test_a_model_that_is_not_there_is_said_to_be_so(running: nodes.Start) -> None:
    node = await running(tree(agent("a")))
    assert (await node.ask("a", "lsome text")).value["status"] == "failed"


async def test_a_tool_component_is_an_agent_by_its_adapter(running: nodes.Start, tiny: Path) -> None:
    node = await running(tree(ChildSpec("add", AgentSpec(tiny, tool="add"))))
    assert (await node.ask("add", {"a": 40, "b": 2})).value == 42
    with pytest.raises(AgentFailed, match="expected"):
        await node.ask("add", {"a": "x"})
    assert (await node.ask("add", {"a": 1, "b": 2})).value == 3
    assert node.slots.found("add").restarts == 0


async def test_kinds_are_routed_by_the_spec(running: nodes.Start) -> None:
    node = await running(tree(agent("a", routes={"llm_task": "b"}), agent("b")))
    seen = nodes.watch(node)
    node.tell("a", "m", kind="llm_task")
    await seen.until(lambda: node.slots.found("b").handled == 1)
    assert node.slots.found("a").handled == 0


async def test_an_agent_that_spins_is_stopped_by_its_budget_and_started_again(running: nodes.Start) -> None:
    node = await running(tree(agent("a", limits={"fuel": 1_000_000}), agent("b")))
    with pytest.raises(AgentFailed, match="fuel"):
        await node.ask("a", "s")
    assert (await node.ask("a", "m")).value == "m"
    assert (node.slots.found("a").restarts, node.slots.found("b").restarts) == (1, 0)


async def test_an_agent_stops_itself_and_a_transient_one_stays_away(running: nodes.Start) -> None:
    node = await running(tree(agent("a", restart="transient"), agent("b")))
    seen = nodes.watch(node)
    node.tell("a", "qnormal")
    await seen.until(lambda: node.slots.found("a").agent is None)
    assert node.slots.found("a").restarts == 0


async def test_swapping_a_component_loses_no_message(running: nodes.Start, tmp_path: Path) -> None:
    from tests.agents.guests import component

    node = await running(tree(agent("a", per="life")))
    other = component(tmp_path, name="other")
    asked = [asyncio.ensure_future(node.ask("a", f"m{n}")) for n in range(200)]
    await asyncio.sleep(0)
    await node.swap("a", other)
    asked += [asyncio.ensure_future(node.ask("a", f"m{n}")) for n in range(200, 400)]
    answers = await asyncio.gather(*asked)
    assert [each.value for each in answers] == [f"m{n}" for n in range(400)]
    assert node.slots.found("a").restarts == 0


async def test_a_swap_for_something_that_is_no_agent_leaves_the_old_one(
    running: nodes.Start, tiny: Path
) -> None:
    node = await running(tree(agent("a")))
    with pytest.raises(Exception, match="it is no agent"):
        await node.swap("a", tiny)
    assert (await node.ask("a", "hello")).value == "hello"


async def test_asking_nobody_and_not_being_answered_are_said(running: nodes.Start) -> None:
    node = await running(tree(agent("news"), agent("sink", grants=(Messaging(agents=("news",)),))))
    with pytest.raises(UnknownAgent, match="Did you mean news"):
        await node.ask("nws", 1)
    with pytest.raises(NoReply, match="sink"):
        await node.ask("sink", "fnews", seconds=0.05)
    with pytest.raises(UnknownAgent):
        await node.ask("news@elsewhere", 1)


async def test_a_full_mailbox_refuses_and_says_so(running: nodes.Start) -> None:
    spec = MailboxSpec(capacity=2)
    node = await running(tree(agent("a", mailbox=spec)))
    for _ in range(2):
        node.tell("a", "m")
    with pytest.raises(Exception, match="full"):
        node.tell("a", "m")


async def test_stopping_ends_agents_in_reverse_and_what_waits_is_told(running: nodes.Start) -> None:
    node = await running(tree(agent("a"), agent("b")))
    asked = asyncio.ensure_future(node.ask("b", "s"))
    seen = nodes.watch(node)
    await seen.until(lambda: node.slots.found("b").phase == "running")
    await node.stop()
    with pytest.raises(AgentFailed):
        await asked
    assert [each.path for each in seen.found("stopped", "exited") if each.path] == ["b", "a"]


async def test_links_take_two_down_and_monitors_are_told(running: nodes.Start) -> None:
    a, b = agent("a", per="life"), replace(agent("b", per="life"), links=("a",))
    c = replace(agent("c", per="life"), monitors=("a",))
    node = await running(tree(a, b, c, intensity=5))
    seen = nodes.watch(node)
    for path in "abc":
        assert (await node.ask(path, "n")).value == "1"
    with pytest.raises(AgentFailed):
        await node.ask("a", "c")
    await seen.until(lambda: node.slots["b"].restarts == 1 and node.slots["c"].handled == 2)
    assert [(await node.ask(path, "n")).value for path in "ab"] == ["1", "1"]
    assert (node.slots["a"].restarts, node.slots["c"].restarts) == (1, 0)


async def test_an_agent_that_does_not_say_that_it_is_well_is_started_again(running: nodes.Start) -> None:
    health = HealthSpec(interval=0.01, timeout=0.05)
    node = await running(tree(agent("a", health=health), agent("b", health=health), intensity=50))
    seen = nodes.watch(node)
    asked = asyncio.ensure_future(node.ask("a", "s"))
    unhealthy = await seen.event("unhealthy")
    assert unhealthy.path == "a"
    with pytest.raises(AgentFailed, match="stopped"):
        await asked
    assert (await node.ask("a", "m")).value == "m"
    assert node.slots["b"].restarts == 0


async def test_a_tree_that_gives_up_says_why_and_nobody_waits_for_its_agents(running: nodes.Start) -> None:
    node = await running(tree(agent("a"), replace(agent("b"), shutdown=0.1), intensity=0))
    spinning = asyncio.ensure_future(node.ask("b", "s"))
    with pytest.raises(AgentFailed):
        await node.ask("a", "c")
    with pytest.raises(AgentFailed, match="more than 0 restarts within 5 s, the last for a"):
        await node.wait()
    with pytest.raises(AgentFailed, match="b failed"):
        await spinning
    with pytest.raises(UnknownAgent):
        await node.ask("a", "m")


async def test_a_delivery_is_handled_although_the_client_that_sent_it_waits_no_more(
    running: nodes.Start,
) -> None:
    node = await running(tree(agent("a")))
    told: list[tuple[str, str]] = []
    settled = asyncio.Event()

    def settle(how: str, why: str) -> None:
        told.append((how, why))
        settled.set()

    for kind in ("data_transfer", "request"):
        settled.clear()
        node.deliver(new("client:gone@here", "a", '"m"', kind=kind), settle=settle)
        async with asyncio.timeout(15):
            await settled.wait()
    assert told == [("handled", "")] * 2
    assert [event.what for event in node.events.recent() if event.what == "undelivered"] == ["undelivered"]


async def test_what_goes_on_beside_the_agents_has_one_moment_to_end_not_one_each(
    running: nodes.Start,
) -> None:
    class Silent:
        def __init__(self) -> None:
            self.asked = 0

        async def ask(self, *_: object) -> dict[str, object]:
            self.asked += 1
            await asyncio.Event().wait()
            return {}

    models = Silent()
    node = await running(tree(agent("a")), models=models)
    for _ in range(15):
        node.tell("a", "lhello")
    await nodes.watch(node).until(lambda: models.asked == 15)
    async with asyncio.timeout(15):  # 30 seconds if each had its own
        await node.stop()


async def test_a_failure_names_the_agent_once(running: nodes.Start) -> None:
    node = await running(tree(agent("a"), intensity=3))
    with pytest.raises(AgentFailed) as failed:
        await node.ask("a", "ebroken")
    assert str(failed.value) == "a failed: broken"


async def test_an_agent_that_a_person_stops_keeps_its_messages_until_it_is_started_again(
    running: nodes.Start,
) -> None:
    node = await running(tree(agent("a", per="life"), agent("b")))
    assert (await node.ask("a", "n")).value == "1"
    await node.terminate("a")
    assert node.slots["a"].agent is None
    asked = asyncio.ensure_future(node.ask("a", "n"))
    assert (await node.ask("b", "m")).value == "m"
    assert not asked.done()
    await node.restart("a")
    assert (await asked).value == "1"
    with pytest.raises(UnknownAgent):
        await node.terminate("nobody")
