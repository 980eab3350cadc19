from __future__ import annotations

import pytest

from mcp_wasm.build import bundled
from tests.tools import page

TEXT = page.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("tool", bundled.list_bundled(), ids=lambda tool: tool.name)
def test_the_page_shows_every_tool_with_every_function(tool: bundled.BundledTool) -> None:
    """When this fails: python -m tests.tools.page."""
    assert f"| [{tool.name}](#{tool.name}) | {tool.manifest.description} |" in TEXT
    for name, docs in page.functions(tool).items():
        assert f"### {tool.name}_{name.replace('-', '_')}\n\n{docs}\n" in TEXT
