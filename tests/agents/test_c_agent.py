from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcp_wasm.agents import source
from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec
from mcp_wasm.errors import BuildFailed
from mcp_wasm.runtime import Runtime
from tests.agents import nodes
from tests.agents.nodes import tree

DOCS = Path(__file__).parents[2] / "docs" / "agents.md"

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(120)]


@pytest.mark.anyio
async def test_the_counter_of_the_page_counts_on_after_a_restart(tmp_path: Path) -> None:
    block = re.search(r"```c\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    file = tmp_path / "counter.c"
    file.write_text(block[1], encoding="utf-8")
    async with nodes.starting(tmp_path) as start:
        node = await start(tree(ChildSpec("counter", AgentSpec(file)), intensity=3))
        assert [(await node.ask("counter", {})).value for _ in range(2)] == [1, 2]
        node.tell("counter", "not counted")
        await node.restart("counter")
        assert [(await node.ask("counter", {})).value for _ in range(9)] == list(range(3, 12))
        assert node.slots["counter"].restarts == 1


def test_c_that_lacks_the_handler_is_shown_what_the_world_has(tmp_path: Path) -> None:
    file = tmp_path / "nothing.c"
    file.write_text('#include "agent.h"\nint unused;\n', encoding="utf-8")
    with Runtime(home=tmp_path / "home") as runtime, pytest.raises(BuildFailed) as failed:
        source.component(runtime, file)
    assert "void agent_handler_handle(" in str(failed.value)
    assert "AGENT_EFFECT_STORE" in str(failed.value)
