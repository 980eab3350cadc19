from __future__ import annotations

from pathlib import Path

from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.agents.slots import Slots


def test_who_leaves_out_the_supervisors_is_told_the_whole_address(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    for path in ("collectors/east/pop", "writer"):
        slots.open(path, AgentSpec("x.wasm"), lambda *_: None)
    assert slots.unknown("pop", "pop").nearest == ("collectors/east/pop",)
    assert slots.unknown("writr", "writr").nearest == ("writer",)
