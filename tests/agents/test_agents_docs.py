"""What ``docs/agents.md`` shows of tree files is what the tables say, and its trees are read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from mcp_wasm.agents import tree_file
from mcp_wasm.agents.mailbox import ROUND
from mcp_wasm.agents.tree_keys import TABLES
from mcp_wasm.capability.values import Place
from tests.agents.keys_table import rows

TEXT = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", TABLES)
def test_every_key_is_shown_as_it_is(table: str) -> None:
    assert "\n".join(rows(table)) in TEXT
    assert not table or f"### `[{table}]`" in TEXT


def test_the_trees_are_read() -> None:
    trees = [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)]
    found = [tree_file.read(each, "docs/agents.md", Place(Path("/t"), Path("/h"))) for each in trees]
    assert [each.name for each in found] == ["hello", "scraper"]


def test_the_rule_of_the_mailbox_is_told() -> None:
    assert f"one of every {ROUND} messages" in TEXT
    assert f"{ROUND - 3} of {ROUND} are the" in TEXT
