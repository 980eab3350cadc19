"""What a tree file grants is for what its author named: nobody else's bytes, names or memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.agents import source, tree_file
from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, SupervisorSpec
from mcp_wasm.agents.running import running
from mcp_wasm.capability.values import Place
from mcp_wasm.cli import agents_tree
from mcp_wasm.config.model import Config
from mcp_wasm.errors import ComponentRefused, InvalidSettings
from mcp_wasm.memory.in_memory import InMemory
from mcp_wasm.memory.options import StateOptions
from mcp_wasm.memory.protocol import Bounds, Store
from mcp_wasm.runtime import Runtime
from tests.code.made_tools import made_runtime, numbered, wanted

__all__ = ["made_runtime"]


def test_a_model_does_not_take_the_place_of_what_a_tree_names(made_runtime: Runtime) -> None:
    kept = made_runtime.made.create(wanted("words", numbered(1)), by="a model", client="one")
    with pytest.raises(ComponentRefused, match="no person has kept it"):
        source.component(made_runtime, "words", agent=False)
    made_runtime.made.keep("words", by="ada", digest=kept.digest)
    assert source.component(made_runtime, "words", agent=False).digest == kept.digest
    made_runtime.made.create(wanted("words", numbered(2)), by="a model", client="one")
    assert made_runtime.component("words").digest != kept.digest
    with pytest.raises(ComponentRefused, match="no person has kept it"):
        source.component(made_runtime, "words", agent=False)


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_what_an_agent_is_made_of_may_not_be_another_users_to_write(tmp_path: Path, mode: int) -> None:
    tree, component = tmp_path / "t.toml", tmp_path / "a.py"
    tree.write_text("[agents.a]\ncomponent = 'a.py'", encoding="utf-8")
    component.write_text("", encoding="utf-8")
    for each in (tree, component):
        each.chmod(0o644)
    assert agents_tree.read(Config(home=tmp_path), str(tree)).name == "t"
    component.chmod(mode)
    with pytest.raises(InvalidSettings, match="only you can write"):
        agents_tree.read(Config(home=tmp_path), str(tree))


@pytest.mark.parametrize("name", ["llm", "system"])
def test_no_agent_is_called_as_the_runtime_is(name: str) -> None:
    table = {"agents": {name: {"component": "x"}}}
    with pytest.raises(InvalidSettings, match="a name that the runtime does not send under"):
        tree_file.read(table, "t.toml", Place(Path("/"), Path("/")))
    below = {"agents": {name: {"component": "x"}}, "supervisors": {"s": {"children": [name]}}}
    assert tree_file.read(below, "t.toml", Place(Path("/"), Path("/"))).tree.children


@pytest.mark.anyio
async def test_two_trees_on_one_server_of_state_do_not_read_each_others_memory(tmp_path: Path) -> None:
    opened: list[str] = []

    def open_(_bounds: Bounds, name: str) -> Store:
        opened.append(name)
        return InMemory()

    empty = SupervisorSpec((ChildSpec("a", AgentSpec("tiny", tool="add")),))
    tiny = Path(__file__).parents[1] / "programs" / "tiny.wat"
    with Runtime(home=tmp_path, state=StateOptions(open=open_)) as runtime:
        runtime.add(tiny)
        for name in ("one", "two"):
            async with running(runtime, empty, name=name):
                pass
    assert len(set(opened)) == 2
    assert "state" not in opened  # what components keep
