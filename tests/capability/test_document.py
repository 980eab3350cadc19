"""A policy document read: what each key takes from both sides, and what is said of what is wrong."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability import document
from mcp_wasm.capability.grant import (
    MIB,
    Clock,
    ConfigValue,
    Environment,
    KeyValue,
    Logging,
    Network,
    Nn,
    Random,
    Secret,
    Sessions,
    Storage,
    Tools,
)
from mcp_wasm.capability.llm import Llm
from mcp_wasm.capability.messaging import Messaging
from mcp_wasm.capability.values import Place
from mcp_wasm.errors import InvalidSettings

PLACE = Place(Path("/policies"), Path("/people/me"))
DIGEST = "0123456789abcdef" * 4


def read(text: str) -> Any:
    return document.read(tomllib.loads(text), "grants.toml", PLACE)


def refused(kind: str, table: dict[str, Any]) -> str:
    with pytest.raises(InvalidSettings) as error:
        document.grant(kind, table, "here", PLACE)
    return str(error.value)


def test_a_whole_document_is_read() -> None:
    policy = read(f"""
        [grants.fetch]
        digest = "{DIGEST}"
        trust = "name"
        wishes = ["wasi:http/outgoing-handler"]
        [[grants.fetch.network]]
        hosts = ["API.example.com", "*.bücher.example"]
        methods = ["get", "POST"]
        response_bytes = "10 MiB"
        [[grants.fetch.network]]
        hosts = ["127.0.0.1"]
        schemes = ["http"]
        ports = [8080]
        private = true
        tools = ["fetch_get"]
        [grants.notes.storage]
        folder = "notes"
        guest = "/notes/"
        quota = "none"
        [grants.notes.clock]
        mode = "fixed"
        at = 2026-01-31T12:00:00+01:00
    """)
    fetch, notes = policy.entries["fetch"], policy.entries["notes"]
    assert (fetch.digest, fetch.trust, fetch.wishes) == (DIGEST, "name", {"wasi:http/outgoing-handler"})
    assert fetch.grants == (
        Network(
            ("api.example.com", "*.xn--bcher-kva.example"), methods=("GET", "POST"), response_bytes=10 * MIB
        ),
        Network(("127.0.0.1",), ("http",), (8080,), private=True, tools=("fetch_get",)),
    )
    assert [grant.rule for grant in fetch.grants] == ["grants.fetch.network[0]", "grants.fetch.network[1]"]
    at = datetime(2026, 1, 31, 11, tzinfo=UTC).timestamp()
    assert notes.grants == (Storage(Path("/policies/notes"), "/notes", quota=None), Clock("fixed", at))
    assert notes.grants[0].rule == "grants.notes.storage"
    assert (notes.digest, notes.trust, notes.wishes) == ("", None, None)


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

TAKEN: list[tuple[str, dict[str, Any], Any]] = [
    ("network", {"hosts": ["*"]}, Network(("*",))),
    ("network", {"hosts": ["a.b", "A.B.", "a.b"]}, Network(("a.b",))),
    ("network", {"hosts": ["a"], "ports": [1, 65_535]}, Network(("a",), ports=(1, 65_535))),
    ("network", {"hosts": ["a"], "schemes": ["http"]}, Network(("a",), ("http",))),
    ("network", {"hosts": ["a"], "methods": ["*"]}, Network(("a",), methods=("*",))),
    (
        "network",
        {"hosts": ["a"], "seconds": 3600, "requests": 1},
        Network(("a",), seconds=3600.0, requests=1),
    ),
    ("network", {"hosts": ["a"], "request_bytes": 0}, Network(("a",), request_bytes=0)),
    ("storage", {"folder": "/x", "guest": "/"}, Storage(Path("/x"), "/")),
    ("storage", {"folder": "~", "guest": "/a/b"}, Storage(Path("/people/me"), "/a/b")),
    ("storage", {"folder": "~/x", "guest": "/a"}, Storage(Path("/people/me/x"), "/a")),
    ("storage", {"folder": ".", "guest": "/a"}, Storage(Path("/policies"), "/a")),
    ("storage", {"folder": "../x/./y", "guest": "/a"}, Storage(Path("/x/y"), "/a")),
    ("storage", {"folder": "~/../x", "guest": "/a"}, Storage(Path("/people/x"), "/a")),
    ("storage", {"folder": "x", "guest": "/a", "quota": 0}, Storage(Path("/policies/x"), "/a", quota=0)),
    ("environment", {"name": "A"}, Environment("A")),
    ("environment", {"name": "_a.b-1", "value": ""}, Environment("_a.b-1", "")),
    ("environment", {"name": "A", "value": "x\n\x1b"}, Environment("A", "x\n\x1b")),
    ("secret", {"name": "T", "source": "env:TOKEN"}, Secret("T", "env:TOKEN")),
    ("secret", {"name": "T", "source": "file:~/t"}, Secret("T", "file:/people/me/t")),
    ("secret", {"name": "T", "source": "file:t"}, Secret("T", "file:/policies/t")),
    (
        "secret",
        {"name": "T", "source": "keyring:a/b/c", "hosts": ["a"]},
        Secret("T", "keyring:a/b/c", ("a",)),
    ),
    ("keyvalue", {"bucket": "*"}, KeyValue("*")),
    ("keyvalue", {"bucket": "a b*", "write": True}, KeyValue("a b*", write=True)),
    ("clock", {}, Clock()),
    ("clock", {"mode": "fixed", "at": NOON}, Clock("fixed", NOON.timestamp())),
    ("clock", {"at": NOON.astimezone(timezone(timedelta(hours=5)))}, Clock(at=NOON.timestamp())),
    ("clock", {"at": "2026-01-31T12:00:00Z"}, Clock(at=NOON.timestamp())),
    ("clock", {"at": -5}, Clock(at=-5.0)),
    ("clock", {"mode": "coarse", "step": 60}, Clock("coarse", step=60.0)),
    ("random", {}, Random()),
    ("random", {"seed": 0}, Random(0)),
    ("random", {"seed": 2**63 - 1}, Random(2**63 - 1)),
    ("logging", {"level": "trace"}, Logging("trace")),
    ("config", {"key": "k", "value": ""}, ConfigValue("k", "")),
    ("nn", {"models": ["m", "n*"], "folder": "m"}, Nn(("m", "n*"), Path("/policies/m"))),
    ("llm", {"providers": ["a", "b*"]}, Llm(("a", "b*"))),
    ("messaging", {}, Messaging()),
    (
        "messaging",
        {"agents": ["a/b@n", "c/*"], "subjects": ["x.*.>", ">", "-_9"], "subscribe": ["*"]},
        Messaging(("a/b@n", "c/*"), ("x.*.>", ">", "-_9"), ("*",)),
    ),
    ("messaging", {"subjects": ["x" * 255]}, Messaging((), ("x" * 255,))),
    ("tools", {"names": ["a_b"], "tools": ["x#y", "z*"]}, Tools(("a_b",), ("x#y", "z*"))),
    ("sessions", {"most": 1, "idle": 1}, Sessions(1, 1.0)),
]


@pytest.mark.parametrize(("kind", "table", "grant"), TAKEN)
def test_what_a_grant_takes(kind: str, table: dict[str, Any], grant: Any) -> None:
    found = document.grant(kind, table, "here", PLACE, rule="here")
    assert found == grant
    assert found.rule == "here"
    assert document.grant(kind, document.plain(found), "here", PLACE) == grant


def str_id(value: object) -> str:
    return ascii(value)[:40] if isinstance(value, str) else ""


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("network", {}, "the key hosts"),
    ("network", {"hosts": []}, "not empty"),
    ("network", {"hosts": "a.example"}, "a list"),
    ("network", {"hosts": [5]}, "a host name"),
    ("network", {"hosts": ["*."]}, "a host name"),
    ("network", {"hosts": [""]}, "a host name"),
    ("network", {"hosts": ["127.1"]}, "a host name"),
    ("network", {"hosts": ["https://a.example"]}, "a host name"),
    ("network", {"hosts": ["a.example:80"]}, "a host name"),
    ("network", {"hosts": ["a\n.example"]}, "a host name"),
    ("network", {"hosts": ["a"] * 1001}, "a list"),
    ("network", {"host": ["a"]}, "did you mean hosts?"),
    ("network", {"hosts": ["a"], "ports": [0]}, "1 to 65535"),
    ("network", {"hosts": ["a"], "ports": [65_536]}, "1 to 65535"),
    ("network", {"hosts": ["a"], "ports": [True]}, "1 to 65535"),
    ("network", {"hosts": ["a"], "ports": ["80"]}, "1 to 65535"),
    ("network", {"hosts": ["a"], "schemes": ["ftp"]}, "one of https, http"),
    ("network", {"hosts": ["a"], "schemes": ["HTTP"]}, "one of https, http"),
    ("network", {"hosts": ["a"], "methods": ["G T"]}, "a method"),
    ("network", {"hosts": ["a"], "methods": ["GET\r\nX: y"]}, "a method"),
    ("network", {"hosts": ["a"], "methods": ["ıt"]}, "a method"),
    ("network", {"hosts": ["a"], "private": 1}, "true or false"),
    ("network", {"hosts": ["a"], "private": "true"}, "true or false"),
    ("network", {"hosts": ["a"], "seconds": 0}, "from 0.001"),
    ("network", {"hosts": ["a"], "seconds": 3601}, "to 3,600"),
    ("network", {"hosts": ["a"], "seconds": float("nan")}, "a number"),
    ("network", {"hosts": ["a"], "requests": 0}, "from 1"),
    ("network", {"hosts": ["a"], "requests": 1.0}, "a whole number"),
    ("network", {"hosts": ["a"], "request_bytes": -1}, "a number of bytes"),
    ("network", {"hosts": ["a"], "request_bytes": "10 elephants"}, "a number of bytes"),
    ("network", {"hosts": ["a"], "request_bytes": int("f" * 5000, 16)}, "20,000 bits"),
    ("storage", {"folder": "/x"}, "the key guest"),
    ("storage", {"folder": "", "guest": "/a"}, "the path"),
    ("storage", {"folder": "a\0b", "guest": "/a"}, "the path"),
    ("storage", {"folder": "~other/x", "guest": "/a"}, "begins with ~/"),
    ("storage", {"folder": "/x", "guest": "a"}, "an absolute path"),
    ("storage", {"folder": "/x", "guest": "/a/../b"}, "an absolute path"),
    ("storage", {"folder": "/x", "guest": "/.."}, "an absolute path"),
    ("storage", {"folder": "/x", "guest": "/a/./b"}, "an absolute path"),
    ("storage", {"folder": "/x", "guest": "//a"}, "an absolute path"),
    ("storage", {"folder": "/x", "guest": "/a\\b"}, "an absolute path"),
    ("storage", {"folder": "/x", "guest": "/a\nb"}, "an absolute path"),
    ("storage", {"folder": "/x", "guest": "/a", "quota": "all"}, "a number of bytes"),
    ("environment", {"name": ""}, "the name of a variable"),
    ("environment", {"name": "A=B"}, "the name of a variable"),
    ("environment", {"name": "A\nB"}, "the name of a variable"),
    ("environment", {"name": "1A"}, "the name of a variable"),
    ("environment", {"name": "A", "value": "a\0b"}, "zero byte"),
    ("environment", {"name": "A", "value": "\ud800"}, "zero byte"),
    ("environment", {"name": "A", "value": "x" * 65_537}, "at most 65,536"),
    ("secret", {"name": "A"}, "the key source"),
    ("secret", {"name": "A", "source": "plain"}, "env:NAME"),
    ("secret", {"name": "A", "source": "env:A B"}, "a variable"),
    ("secret", {"name": "A", "source": "keyring:a"}, "keyring:SERVICE/USER"),
    ("secret", {"name": "A", "source": "env:A", "hosts": []}, "not empty"),
    ("keyvalue", {"bucket": ""}, "a name"),
    ("keyvalue", {"bucket": "a*b"}, "a name"),
    ("keyvalue", {"bucket": "a,b"}, "a name"),
    ("keyvalue", {"bucket": "a\x1b[2J"}, "a name"),
    ("keyvalue", {"bucket": "x" * 1025}, "a name"),
    ("clock", {"mode": "wrong"}, "one of real, fixed, coarse"),
    ("clock", {"at": datetime(2026, 1, 1)}, "with time and offset"),  # noqa: DTZ001 - that is what is refused
    ("clock", {"at": NOON.date()}, "with time and offset"),
    ("clock", {"at": True}, "with time and offset"),
    ("clock", {"at": float("inf")}, "with time and offset"),
    ("random", {"seed": -1}, "from 0"),
    ("random", {"seed": 2**63}, "a whole number"),
    ("logging", {"level": "warning"}, "one of trace"),
    ("sessions", {"most": 0}, "from 1"),
    ("netwrok", {}, "did you mean network?"),
    ("messaging", {"agents": ["a*b"]}, "* at its end"),
    ("messaging", {"agents": []}, "not empty"),
    *(
        ("messaging", {"subjects": [text]}, "words of letters")
        for text in ("", ".", "a.", ".a", "a..b", "a.>.b", "a*", "a b", "$SYS.>", "ä", "x" * 256, 7)
    ),
    ("messaging", {"subscribe": []}, "a list of subjects"),
    ("tools", {"names": ["a"], "tools": []}, "not empty"),
    ("tools", {"names": ["a"], "rule": "forged"}, "a key that exists"),
]


@pytest.mark.parametrize(("kind", "table", "told"), REFUSED, ids=str_id)
def test_what_a_grant_refuses(kind: str, table: dict[str, Any], told: str) -> None:
    message = refused(kind, table)
    assert message.startswith("here")
    assert told in message
    assert message.isprintable()


def test_the_value_of_a_variable_is_not_repeated() -> None:
    assert "hunter2" not in refused("environment", {"name": "A", "value": ["hunter2"]})
    assert "hunter2" not in refused("secret", {"name": "A", "source": "hunter2"})


WRONG = [
    ("[grant.a]", "grants.toml: grant: expected a key that exists (did you mean grants?)"),
    ("grants = 5", "grants.toml: grants: expected a table"),
    ("[grants]\na = 5", "grants.toml: grants.a: expected a table"),
    ("[grants.Upper]", "grants.Upper: expected a component's name"),
    ('[grants."a\\nb"]', 'grants."a\\nb": expected a component'),
    ('[grants."../a"]', "expected a component's name"),
    ('[grants.a]\ndigest = "abc"', "grants.toml: grants.a.digest: expected 64 hexadecimal digits"),
    (f'[grants.a]\ndigest = "{DIGEST.upper()}"', "in lower case"),
    (f'[grants.a]\ndigest = "{DIGEST}\\n"', "in lower case"),
    ('[grants.a]\ndigest = ""', "64 hexadecimal digits"),
    ('[grants.a]\ntrust = "all"', 'grants.a.trust: expected one of "bytes", "name"'),
    ("[grants.a]\ntrust = []", "grants.a.trust"),
    ("[grants.a]\nwishes = 5", "grants.a.wishes: expected a list of texts"),
    ("[grants.a]\nwishes = ['a\x7f']", "grants.a.wishes: expected a list of texts"),
    ("[grants.a]\nnetwork = 5", "grants.a.network: expected a table"),
    ("[grants.a]\nnetwork = [5]", "grants.a.network[0]: expected a table"),
    ("[grants.a.netwok]", "grants.a.netwok: expected a kind of grant that exists (did you mean network?)"),
    (
        "[[grants.a.network]]\nhosts = ['a']\n[[grants.a.network]]",
        "grants.a.network[1]: expected the key hosts",
    ),
    ("[[grants.a.network]]\nhosts = ['a']\nmethod = ['GET']", "grants.a.network[0].method: expected"),
]


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_what_is_wrong_is_named_with_its_place(text: str, told: str) -> None:
    # A raw DEL is no TOML; as an escape it is a text that may not be shown.
    with pytest.raises(InvalidSettings) as error:
        read(text.replace("'a\x7f'", '"a\\u007f"'))
    assert told in str(error.value)
    assert str(error.value).isprintable()


def test_rules_of_another_document_are_told_apart() -> None:
    tables = {"a": {"digest": DIGEST, "clock": {}}}
    entry = document.entries(tables, "f", PLACE, of=" of mcp-wasm.toml").entries["a"]
    assert (entry.where, entry.grants[0].rule) == (
        "grants.a of mcp-wasm.toml",
        "grants.a.clock of mcp-wasm.toml",
    )
