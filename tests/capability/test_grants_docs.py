"""What ``docs/grants.md`` shows of grants is what the tables say, and its examples are read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from mcp_wasm.capability import document
from mcp_wasm.capability.explain import explain
from mcp_wasm.capability.grant import NOTHING
from tests.capability.kinds_table import forms, rows
from tests.capability.test_document import PLACE

TEXT = (Path(__file__).parents[2] / "docs" / "grants.md").read_text(encoding="utf-8")


def test_every_kind_and_key_is_shown_as_it_is() -> None:
    lines = TEXT.splitlines()
    assert [row for row in [*rows(), *forms()] if row not in lines] == []


def test_the_examples_are_read() -> None:
    policy, manifest = (tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL))
    assert len(document.read(policy, "grants.toml", PLACE).entries["fetch"].grants) == 2
    (line,) = explain("fetch", [], manifest, NOTHING)
    assert line.command == "mcp-wasm grants add fetch network api.example.com"
