from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.agents import tree_file
from mcp_wasm.agents.child_spec import (
    AgentSpec,
    ChildSpec,
    HealthSpec,
    MailboxSpec,
    Retries,
    SupervisorSpec,
)
from mcp_wasm.agents.tree_keys import TABLES
from mcp_wasm.agents.tree_schema import tree_schema
from mcp_wasm.capability.grant import Network
from mcp_wasm.capability.messaging import Messaging
from mcp_wasm.capability.values import Place
from mcp_wasm.errors import InvalidSettings

PLACE = Place(Path("/trees"), Path("/home/me"))
VALIDATOR = jsonschema.Draft202012Validator(tree_schema())

FULL = """
name = "scraper"
strategy = "rest_for_one"
intensity = 3
period = 10
auto_shutdown = "any_significant"
children = ["collectors", "writer"]

[supervisors.collectors]
strategy = "one_for_all"
restart = "transient"
shutdown = 30
significant = true
children = ["news", "weather"]

[agents.news]
component = "guests/news.py"
per = "life"
restart = "transient"
shutdown = "brutal_kill"
load = ["state", "seen/*"]
links = ["collectors/weather"]
monitors = ["writer", "writer@node-2"]
durable = true
group = "news"
subscribes = ["sources.>"]
batch = 8
exposed = true
description = "Collects news."
standby = ["node-2"]
config = { targets = ["http://127.0.0.1"], concurrency = 5, nested = { deep = true } }
routes = { llm_task = "writer" }
mailbox = { capacity = 5, memory = "1 MiB", overflow = "spill", by_priority = { low = "drop_oldest" }, spill = 9, disk = 10 }
health = { interval = 1, timeout = 2.5 }
retries = { most = 2, backoff = [0, 1.5] }
limits = { fuel = 1000, memory = "8 MiB", deadline = 1 }

[[agents.news.grants.network]]
hosts = ["127.0.0.1"]
private = true

[agents.news.grants.messaging]
agents = ["writer"]
subjects = ["news.>"]

[agents.weather]
component = "weather"
tool = "report"

[agents.writer]
component = "/opt/writer.wasm"
shutdown = "infinity"

[mesh]
urls = ["nats://127.0.0.1:4222"]

[llm.local]
kind = "compatible"

[state]
backend = "memory"
"""  # noqa: E501 - a table on one line


def read(text: str) -> tree_file.TreeFile:
    return tree_file.read(tomllib.loads(text), "trees/scraper.toml", PLACE)


def test_every_key_reaches_its_spec() -> None:
    found = read(FULL)
    rule = "agents.news.grants.network[0] of scraper.toml"
    news = AgentSpec(
        component=Path("/trees/guests/news.py"),
        per="life",
        config={"targets": ["http://127.0.0.1"], "concurrency": 5, "nested": {"deep": True}},
        load=("state", "seen/*"),
        grants=(Network(("127.0.0.1",), private=True, rule=rule), Messaging(("writer",), ("news.>",))),
        routes={"llm_task": "writer"},
        limits={"fuel": 1000, "memory": 8 * 1024 * 1024, "deadline": 1.0},
        mailbox=MailboxSpec(5, "spill", {"low": "drop_oldest"}, 9, 1024 * 1024, 10),
        health=HealthSpec(1.0, 2.5),
        durable=True,
        retries=Retries(2, (0.0, 1.5)),
        group="news",
        subscribes=("sources.>",),
        batch=8,
        exposed=True,
        description="Collects news.",
        standby=("node-2",),
    )
    collectors = SupervisorSpec(
        (
            ChildSpec(
                "news", news, "transient", 0.0, False, ("collectors/weather",), ("writer", "writer@node-2")
            ),
            ChildSpec("weather", AgentSpec("weather", tool="report")),
        ),
        "one_for_all",
    )
    assert found.tree == SupervisorSpec(
        (
            ChildSpec("collectors", collectors, "transient", 30.0, True),
            ChildSpec("writer", AgentSpec(Path("/opt/writer.wasm")), shutdown=None),
        ),
        "rest_for_one",
        3,
        10.0,
        "any_significant",
    )
    assert found.tree.children[0].child.children[0].child.grants[0].rule == rule  # type: ignore[union-attr]
    assert (found.name, found.mesh) == ("scraper", {"urls": ["nats://127.0.0.1:4222"]})
    assert (found.llm, found.state) == ({"local": {"kind": "compatible"}}, {"backend": "memory"})


def test_the_full_example_uses_every_key_and_fits_the_schema() -> None:
    table = tomllib.loads(FULL)
    VALIDATOR.validate(table)
    used = {
        "": table, "supervisors.NAME": table["supervisors"]["collectors"],
        "agents.NAME": table["agents"]["news"] | table["agents"]["weather"],
        **{f"agents.NAME.{name}": table["agents"]["news"][name] for name in ("mailbox", "health", "retries")},
    }  # fmt: skip
    known = {(name, key.name) for name, keys in TABLES.items() for key in keys}
    left = {(name, key) for name, key in known if name in used and key not in used[name]}
    unused = ("intensity", "period", "auto_shutdown", "links", "monitors")
    assert left == {("agents.NAME", "significant"), *(("supervisors.NAME", key) for key in unused)}


def test_the_least_tree_is_one_agent_and_all_else_is_the_specs_own_defaults() -> None:
    found = read('[agents.a]\ncomponent = "tiny"')
    assert found == tree_file.TreeFile("scraper", SupervisorSpec((ChildSpec("a", AgentSpec("tiny")),)))
    assert (found.mesh, found.llm, found.state) == (None, None, None)


def test_without_children_the_root_has_what_nobody_else_has_agents_first() -> None:
    found = read(
        '[supervisors.s]\nchildren = ["b"]\n[agents.c]\ncomponent = "x"\n'
        '[agents.b]\ncomponent = "x"\n[agents.a]\ncomponent = "x"'
    )
    assert [child.id for child in found.tree.children] == ["c", "a", "s"]
    assert found.tree.children[2].shutdown is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "agents",
                        "supervisors",
                        "a",
                        "component",
                        "mailbox",
                        "grants",
                        "network",
                        "children",
                        "routes",
                        "config",
                        "health",
                        "mesh",
                        "x",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_whatever_the_document_says_it_is_read_or_refused_with_words(table: Any) -> None:
    if isinstance(table, dict):
        with contextlib.suppress(InvalidSettings):
            tree_file.read(table, "t.toml", PLACE)


def test_a_file_is_read_from_its_own_folder_and_faults_name_it(tmp_path: Path) -> None:
    file = tmp_path / "My tree.toml"
    file.write_text('[agents.a]\ncomponent = "a.wasm"', encoding="utf-8")
    found = tree_file.load(file)
    assert found.name == "my-tree"
    assert found.tree.children[0].child.component == tmp_path / "a.wasm"  # type: ignore[union-attr]
    with pytest.raises(InvalidSettings, match="a file that can be read"):
        tree_file.load(tmp_path / "none.toml")
    file.write_text("[agents", encoding="utf-8")
    with pytest.raises(InvalidSettings, match="a TOML document"):
        tree_file.load(file)
    file.write_bytes(b"#" * (tree_file.LARGEST_FILE + 1))
    with pytest.raises(InvalidSettings, match="at most 8,388,608 bytes"):
        tree_file.load(file)
