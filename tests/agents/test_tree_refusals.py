from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from mcp_wasm.agents import tree_file
from mcp_wasm.agents.tree_schema import tree_schema
from mcp_wasm.capability.values import Place
from mcp_wasm.errors import InvalidSettings

PLACE = Place(Path("/trees"), Path("/home/me"))
VALIDATOR = jsonschema.Draft202012Validator(tree_schema())


def read(text: str) -> tree_file.TreeFile:
    return tree_file.read(tomllib.loads(text), "trees/scraper.toml", PLACE)


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
