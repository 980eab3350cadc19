from __future__ import annotations

import contextlib
import json
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

PUBLISHED = Path(__file__).parents[2] / "docs" / "agents.schema.json"
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


AGENT = '[agents.a]\ncomponent = "x"\n'
TWO = f'{AGENT}[agents.b]\ncomponent = "x"\n'

REFUSED: list[tuple[str, str, bool]] = [
    ("", "agents: expected an agent at least", True),
    ("agents = 3", "agents: expected a table", True),
    ("[agents]\na = 1", "agents.a: expected a table", True),
    ("[agents.a]", "agents.a: expected the key component", True),
    ("[agents.A]\ncomponent='x'", "agents.A: expected a name of 1 to 63", True),
    (f"[agents.{'a' * 64}]\ncomponent='x'", "a name of 1 to 63", True),
    (
        f"{AGENT}restrat = 'temporary'",
        "agents.a.restrat: expected a key that exists (did you mean restart?)",
        True,
    ),
    (
        f"stratgey = 'one_for_one'\n{AGENT}",
        "stratgey: expected a key that exists (did you mean strategy?)",
        True,
    ),
    (f"{AGENT}restart = 'never'", "agents.a.restart: expected one of permanent, transient, temporary", True),
    (f"{AGENT}shutdown = -1", 'a number of seconds, "infinity" or "brutal_kill"', True),
    (f"{AGENT}shutdown = true", "a number of seconds", True),
    (f"{AGENT}batch = 0", "agents.a.batch: expected a whole number from 1 to 10,000", True),
    (f"{AGENT}batch = 10001", "from 1 to 10,000", True),
    (f"{AGENT}exposed = 1", "true or false", True),
    (f"{AGENT}config = {{ at = 2026-01-01 }}", "a table of what JSON has", False),
    (f"{AGENT}config = {{ x = inf }}", "no infinite numbers", False),
    (f"{AGENT}config = 3", "a table of what JSON has", True),
    (f"{AGENT}load = [1]", "a list of texts", True),
    (f"{AGENT}subscribes = ['a..b']", "words of letters", True),
    (f"{AGENT}routes = {{ reply = 'a' }}", "a table with some of the keys coordination,", True),
    (f"{AGENT}routes = {{ request = 'B' }}", "the address of an agent", True),
    (
        f"{AGENT}routes = {{ request = 'a' }}",
        "agents.a.routes.request: expected routes that end, got 'a to a'",
        False,
    ),
    (
        f"{TWO}routes = {{ request = 'a' }}\n[agents.c]\ncomponent='x'\nroutes = {{ request = 'd' }}\n"
        "[agents.d]\ncomponent='x'\nroutes = { request = 'c' }",
        "'c to d to c'",
        False,
    ),
    (f"{AGENT}routes = {{ request = 'b@n' }}", "addresses of this tree", False),
    (f"{AGENT}links = ['b']", "agents.a.links: expected addresses of this tree", False),
    (f"{AGENT}monitors = 'a'", "a list of addresses", True),
    (
        f"{AGENT}mailbox = {{ capacity = 0 }}",
        "agents.a.mailbox.capacity: expected a whole number from 1",
        True,
    ),
    (f"{AGENT}mailbox = {{ overflow = 'drop' }}", "one of reject, drop_oldest, spill", True),
    (
        f"{AGENT}mailbox = {{ by_priority = {{ medium = 'spill' }} }}",
        "the keys critical, high, normal, low",
        True,
    ),
    (f"{AGENT}mailbox = {{ by_priority = {{ low = 'x' }} }}", "one of reject", True),
    (f"{AGENT}health = 5", "agents.a.health: expected a table", True),
    (f"{AGENT}retries = {{ backoff = [] }}", "a list of 1 to 100 numbers", True),
    (f"{AGENT}limits = {{ tables = 3 }}", "known here: fuel, deadline, memory, text, log", True),
    (f"{AGENT}[agents.a.grants.netwrok]", "did you mean network?", True),
    (f"{AGENT}[agents.a.grants.network]", "the key hosts", True),
    (
        f"{AGENT}[[agents.a.grants.tools]]\nnames=['x']\n[[agents.a.grants.tools]]\nnames=[]",
        "tools[1].names",
        True,
    ),
    (f"children = []\n{AGENT}", "a list of names that is not empty", True),
    (f"children = ['a', 'a']\n{AGENT}", "in which none comes twice", True),
    (f"children = ['b']\n{AGENT}", "children: expected names of agents and supervisors", False),
    ("children = ['newz']\n[agents.news]\ncomponent='x'", "did you mean news?", False),
    (f"children = ['a']\n{TWO}", "every agent and supervisor in one such list (b is in none)", False),
    (f"{AGENT}[supervisors.a]\nchildren=['a']", "supervisors.a: expected a name that no agent has", False),
    (f"{AGENT}[supervisors.s]", "supervisors.s: expected the key children", False),
    (f"{AGENT}[supervisors.s]\nchildren=['s']", "s is below s", False),
    (f"{AGENT}[supervisors.s]\nchildren=['a']\n[supervisors.t]\nchildren=['a']", "a is below s", False),
    (
        f"{AGENT}[supervisors.s]\nchildren=['t']\n[supervisors.t]\nchildren=['s']",
        "below each other in a circle",
        False,
    ),
    (
        f"{TWO}[supervisors.s]\nstrategy='simple_one_for_one'\nchildren=['a', 'b']",
        "supervisors.s.children: expected one agent below a supervisor of simple_one_for_one",
        False,
    ),
    (
        f"{AGENT}significant = true",
        "agents.a.significant: expected false, since auto_shutdown is never",
        False,
    ),
    (f"auto_shutdown = 'all_significant'\n{AGENT}significant = true", "it is permanent", False),
    (f"mesh = 3\n{AGENT}", "mesh: expected a table", True),
    (f"name = 'My tree'\n{AGENT}", "name: expected a name of 1 to 63", True),
    (f"intensity = -1\n{AGENT}", "intensity: expected a whole number from 0", True),
    (f"period = 0\n{AGENT}", "period: expected a number from 0.001", True),
]
"""Documents, what is told of them, and whether editors are told too."""


@pytest.mark.parametrize(("text", "told", "_shown"), REFUSED)
def test_what_cannot_be_is_refused_with_the_place_and_what_was_expected(
    text: str, told: str, _shown: bool
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        read(text)
    assert str(caught.value).startswith("trees/scraper.toml: ")
    assert told in str(caught.value)


@pytest.mark.parametrize(("text", "_told", "shown"), REFUSED)
def test_editors_refuse_it_too_where_a_schema_can_tell(text: str, _told: str, shown: bool) -> None:
    table = json.loads(json.dumps(tomllib.loads(text), default=str))
    assert VALIDATOR.is_valid(table) is not shown


TAKEN = [
    f"{AGENT}batch = 10000",
    f"{AGENT}batch = 1",
    f"{AGENT}shutdown = 0",
    f"{AGENT}mailbox = {{ capacity = 1 }}",
    f"intensity = 0\n{AGENT}",
    f"period = 0.001\n{AGENT}",
    f"[agents.{'a' * 63}]\ncomponent = 'x'",
    f"{TWO}routes = {{ request = 'a' }}",
    f"{AGENT}monitors = ['b@node-2']",
    f"auto_shutdown = 'all_significant'\n{AGENT}significant = true\nrestart = 'transient'",
    f"{TWO}monitors = ['pool/a-17']\n[supervisors.pool]\nstrategy = 'simple_one_for_one'\nchildren = ['a']",
    f"{AGENT}retries = {{ backoff = [{', '.join(['1'] * 100)}] }}",
]


@pytest.mark.parametrize("text", TAKEN)
def test_what_can_be_is_taken(text: str) -> None:
    read(text)
    VALIDATOR.validate(tomllib.loads(text))


def test_an_address_that_lacks_its_supervisor_is_told_in_full() -> None:
    with pytest.raises(InvalidSettings, match=r"did you mean s/b\?"):
        read(f"{TWO}\n[supervisors.s]\nchildren = ['b']\n[agents.c]\ncomponent = 'x'\nlinks = ['b']")


def test_supervisors_are_nested_as_deep_as_addresses_go() -> None:
    def nested(depth: int) -> str:
        names = [f"s{number:03}" for number in range(depth)]
        below = [*names[1:], "a"]
        return AGENT + "".join(
            f"[supervisors.{one}]\nchildren = ['{under}']\n" for one, under in zip(names, below, strict=True)
        )

    assert read(nested(50)).tree.children[0].id == "s000"
    with pytest.raises(InvalidSettings, match="an address of at most 255 characters"):
        read(nested(51))


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


def test_the_published_schema_is_this_one() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == tree_schema(), (
        "write it anew: mcp-wasm agents schema > docs/agents.schema.json"
    )
