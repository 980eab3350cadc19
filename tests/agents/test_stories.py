"""The failure stories: what a person who runs agents will see one day, each as it has to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_wasm.agents.child_spec import ChildSpec, SupervisorSpec
from mcp_wasm.agents.models import LlmModels
from mcp_wasm.capability.llm import Llm as LlmGrant
from mcp_wasm.errors import AgentFailed
from mcp_wasm.llm.options import LlmOptions, ProviderOptions
from mcp_wasm.llm.service import Llm
from tests.agents import nodes
from tests.agents.nodes import agent, tree
from tests.llm.wire import stalled
from tests.sandbox.network.server import serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[nodes.Start]:
    async with nodes.starting(tmp_path) as start:
        yield start


async def test_one_scraper_crashes_and_only_it_is_started_again(running: nodes.Start) -> None:
    node = await running(tree(*(agent(f"scraper-{n}", per="life") for n in range(3)), intensity=3))
    for n in range(3):
        assert (await node.ask(f"scraper-{n}", "n")).value == "1"
    with pytest.raises(AgentFailed):
        await node.ask("scraper-1", "c")
    assert [(await node.ask(f"scraper-{n}", "n")).value for n in range(3)] == ["2", "1", "2"]
    assert [node.slots[f"scraper-{n}"].restarts for n in range(3)] == [0, 1, 0]


async def test_a_model_times_out_and_the_fallback_answers_without_a_restart(running: nodes.Start) -> None:
    with serving(stalled()) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        slow = ProviderOptions("slow", "compatible", model="m", base_url=url, timeout=0.2, retries=0)
        llm = Llm(LlmOptions((slow,)))
        grants = (LlmGrant(("*",)),)
        node = await running(tree(agent("summarizer", grants=grants)), models=LlmModels(llm))
        answer = (await node.ask("summarizer", "lOne sentence. And another one.")).value
        await llm.aclose()
    assert answer["status"] == "completed_fallback"
    assert "One sentence." in answer["text"]
    assert node.slots["summarizer"].restarts == 0


async def test_a_whole_tier_fails_and_is_started_again_while_collectors_keep_their_state(
    running: nodes.Start,
) -> None:
    analysis = SupervisorSpec((agent("reader", per="life"), agent("writer", per="life")), "one_for_all", 1)
    collectors = SupervisorSpec((agent("news", per="life"),))
    node = await running(
        tree(ChildSpec("collectors", collectors), ChildSpec("analysis", analysis), intensity=3)
    )
    seen = nodes.watch(node)
    for path in ("collectors/news", "analysis/reader", "analysis/writer"):
        assert (await node.ask(path, "n")).value == "1"
    for _ in range(2):  # twice is more than the tier's supervisor takes
        with pytest.raises(AgentFailed):
            await node.ask("analysis/reader", "c")
    await seen.event("escalated")
    answers = [(await node.ask(path, "n")).value for path in ("collectors/news", "analysis/reader")]
    answers.append((await node.ask("analysis/writer", "n")).value)
    assert answers == ["2", "1", "1"]
    views = {view.path: view.restarts for view in node.views()}
    assert (views["analysis"], views["collectors"]) == (1, 0)


async def test_an_agent_spins_and_its_budget_stops_it_while_others_answer(running: nodes.Start) -> None:
    node = await running(tree(agent("spinner", limits={"deadline": 0.3}), agent("other"), intensity=3))
    spinning = asyncio.ensure_future(node.ask("spinner", "s"))
    seen = nodes.watch(node)
    await seen.until(lambda: node.slots["spinner"].phase == "running")
    assert (await node.ask("other", "m")).value == "m"
    with pytest.raises(AgentFailed, match="deadline"):
        await spinning
    assert (await node.ask("spinner", "m")).value == "m"
    assert (node.slots["spinner"].restarts, node.slots["other"].restarts) == (1, 0)
