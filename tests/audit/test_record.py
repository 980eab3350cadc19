from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.audit.digest import digest, is_light
from mcp_wasm.audit.record import LONGEST, MOST, Arguments, Denied, Record, document, line, parse, timestamp

AT = 1_763_710_800.25
WHOLE = Record(
    at=AT,
    id="ab-1",
    event="call",
    client="token ci",
    transport="http",
    tool="demo_add",
    component="demo",
    digest="00" * 32,
    outcome="ok",
    detail="fine",
    arguments=Arguments("11" * 32, 13, '{"a":1}'),
    grants=("network: grants.demo.network[0]",),
    denials=(Denied("storage", "read /etc", "no grant of storage to demo", "demo", 3),),
    fuel=4,
    ms=0.25,
    bytes=7,
    depth=1,
    count=2,
)


def test_a_record_comes_back_as_it_was_written() -> None:
    assert parse(line(WHOLE)) == WHOLE


def test_what_is_empty_is_left_out() -> None:
    found = document(Record(at=AT, id="x", event="server"))
    assert found == {"v": 1, "time": "2025-11-21T07:40:00.250000Z", "id": "x", "event": "server"}


def test_the_time_is_utc_and_says_so() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000000Z"


TEXT = st.text(st.characters(), max_size=80)


@given(TEXT, TEXT, TEXT)
def test_no_text_can_begin_another_line_or_reach_a_terminal(tool: str, client: str, asked: str) -> None:
    record = Record(
        at=AT, id="x", event="call", tool=tool, client=client, denials=(Denied("network", asked, asked),)
    )
    written = line(record)
    assert written.count(b"\n") == 1
    assert written.endswith(b"\n")
    assert all(32 <= byte < 127 for byte in written[:-1])
    again = parse(written)
    assert again is not None
    assert (again.tool, again.client, again.denials[0].asked) == (tool, client, asked)


@pytest.mark.parametrize(
    "hostile", ['x\n{"event":"call","outcome":"ok"}', "\x1b[2J", "\u202eevil", "\ud800", "\0"]
)
def test_hostile_names_stay_in_their_line(hostile: str) -> None:
    record = Record(at=AT, id="x", event="call", tool=hostile, detail=hostile)
    (only,) = line(record).splitlines()
    assert json.loads(only)["tool"] == hostile


def test_a_line_is_bounded_whatever_was_given() -> None:
    record = Record(
        at=AT,
        id="x",
        event="call",
        tool="x" * 10_000,
        grants=("g" * 10_000,) * 500,
        denials=(Denied("network", "a" * 10_000, "r" * 10_000),) * 500,
    )
    found = document(record)
    assert len(found["tool"]) == LONGEST
    assert len(found["grants"]) == len(found["denials"]) == MOST
    assert found["more"] == 2 * (500 - MOST)
    assert len(line(record)) < 200_000


def test_every_text_is_redacted() -> None:
    secret = "hunter2"
    record = Record(
        at=AT,
        id="x",
        event="call",
        client=secret,
        tool=secret,
        detail=f"it was {secret}",
        arguments=Arguments("00", 1, f'{{"key":"{secret}"}}'),
        grants=(f"config: {secret}",),
        denials=(Denied("network", f"GET https://h/?k={secret}", secret, secret),),
    )
    assert secret.encode() in line(record)
    assert secret.encode() not in line(record, lambda text: text.replace(secret, "***"))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b'{"time":5}',
        b'{"time":"yesterday"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"time":"2025-11-21T07:40:00Z","ms":' + b"9" * 5000 + b"}",
        line(WHOLE)[:-20],
    ],
)
def test_what_is_no_record_is_none(text: bytes) -> None:
    assert parse(text) is None


def test_wrong_fields_are_passed_over() -> None:
    found = parse(
        b'{"time":"2025-11-21T07:40:00Z","tool":5,"fuel":"many","ms":NaN,"grants":{"a":1},"denials":[5,{}],'
        b'"arguments":[],"bytes":true,"outcome":null}'
    )
    assert found is not None
    assert (found.tool, found.fuel, found.ms, found.grants, found.arguments) == ("", 0, 0, (), None)
    assert found.denials == (Denied("", "", ""),)


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2, {"d": 3, "c": 4}]}) == digest({"b": [2, {"c": 4, "d": 3}], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({}).bytes == 2


def test_arguments_are_kept_only_where_asked_and_only_so_much() -> None:
    assert digest({"key": "secret"}).text == ""
    assert digest({"key": "secret"}, keep=8).text == '{"key":"'


@pytest.mark.parametrize("strange", [{"a": object()}, {1: 2, "b": 3}, {"a": {"b": {5}}}])
def test_what_is_no_json_has_no_digest(strange: dict[str, object]) -> None:
    assert digest(strange) == Arguments("", 0)


def test_what_is_nested_without_end_has_no_digest() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert digest({"a": deep}) == Arguments("", 0)
    assert digest({"a": "\ud800"}).bytes


@pytest.mark.parametrize(
    ("arguments", "light"),
    [
        ({}, True),
        ({"a": 1, "b": "x" * 1000}, True),
        ({"a": list(range(200))}, True),
        ({"a": list(range(300))}, False),
        ({"a": [[0] * 100] * 100}, False),
        ({"a": "x" * 70_000}, False),
        ({"a": b"x" * 70_000}, False),
        ({str(i): i for i in range(300)}, False),
    ],
)
def test_which_arguments_an_event_loop_may_digest(arguments: dict[str, object], light: bool) -> None:
    assert is_light(arguments) is light
