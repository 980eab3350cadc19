"""``wasi:keyvalue`` through a guest: what it keeps under a grant, and what it is answered without one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import KeyValue
from mcp_wasm.memory.options import StateOptions
from mcp_wasm.memory.protocol import Bounds
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.report import Outcome
from tests.sandbox.host import state_guests as guests
from tests.sandbox.host.state_guests import NEW, OLD, encoded

WRITE, READ = KeyValue("notes", write=True), KeyValue("notes")
DENIED = {"tag": "access-denied"}

WRITING: list[tuple[str, dict[str, Any]]] = [
    ("set", {"key": "k", "value": b"v"}),
    ("delete", {"key": "k"}),
    ("set_many", {"items": [["k", ""]]}),
    ("delete_many", {"keys": ["k"]}),
    ("increment", {"key": "n", "delta": 1}),
]
READING: list[tuple[str, dict[str, Any]]] = [
    ("get", {"key": "k"}),
    ("exists", {"key": "k"}),
    ("keys", {"cursor": None}),
    ("get_many", {"keys": ["k"]}),
]


@pytest.fixture(scope="module", params=[NEW, OLD])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=["sqlite", "memory"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def shared(version: str, backend: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """One runtime for all tests of a draft and a backend: each test takes a bucket of its own."""
    state = StateOptions(backend, bounds=Bounds(page=3))
    with guests.runtime(tmp_path_factory.mktemp("home"), guests.keyvalue(version), state=state) as made:
        yield made


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)[:100]


def bytes_of(outcome: Outcome) -> bytes | None:
    assert not outcome.failed, outcome.text
    return None if outcome.value is None else base64.b64decode(str(outcome.value))


def other(outcome: Outcome) -> str:
    """The text of the interface's error ``other``."""
    assert outcome.failed, outcome.text
    assert isinstance(outcome.value, dict)
    assert outcome.value["tag"] == "other"
    return str(outcome.value["val"])


def test_values_are_kept_from_call_to_call(shared: Runtime, bucket: str) -> None:
    grant = KeyValue(bucket, write=True)
    assert bytes_of(guests.call(shared, "get", grant, bucket=bucket, key="k")) is None
    assert not guests.call(shared, "set", grant, bucket=bucket, key="k", value=b"\0\xff").failed
    assert bytes_of(guests.call(shared, "get", grant, bucket=bucket, key="k")) == b"\0\xff"
    assert guests.call(shared, "exists", grant, bucket=bucket, key="k").value is True
    assert not guests.call(shared, "delete", grant, bucket=bucket, key="k").failed
    assert not guests.call(shared, "delete", grant, bucket=bucket, key="k").failed
    assert guests.call(shared, "exists", grant, bucket=bucket, key="k").value is False


def test_several_keys_at_once(shared: Runtime, bucket: str) -> None:
    grant = KeyValue(bucket, write=True)
    items = [["a", encoded(b"1")], ["b", encoded(b"")]]
    assert not guests.call(shared, "set_many", grant, bucket=bucket, items=items).failed
    found = guests.call(shared, "get_many", grant, bucket=bucket, keys=["b", "none", "a"])
    assert found.value == [["b", ""], None, ["a", encoded(b"1")]]
    assert not guests.call(shared, "delete_many", grant, bucket=bucket, keys=["a", "none"]).failed
    assert guests.call(shared, "keys", grant, bucket=bucket, cursor=None).value == {
        "keys": ["b"],
        "cursor": None,
    }


def test_numbers_are_added_to(shared: Runtime, bucket: str) -> None:
    grant = KeyValue(bucket, write=True)
    assert guests.call(shared, "increment", grant, bucket=bucket, key="n", delta=5).value == 5
    assert guests.call(shared, "increment", grant, bucket=bucket, key="n", delta=7).value == 12
    assert bytes_of(guests.call(shared, "get", grant, bucket=bucket, key="n")) == b"12"
    guests.call(shared, "set", grant, bucket=bucket, key="n", value=b"word")
    refused = guests.call(shared, "increment", grant, bucket=bucket, key="n", delta=7)
    assert "decimal digits" in other(refused)


def test_a_number_stays_within_the_drafts_range(shared: Runtime, version: str, bucket: str) -> None:
    grant = KeyValue(bucket, write=True)
    most = 2**63 - 1 if version == NEW else 2**64 - 1
    assert guests.call(shared, "increment", grant, bucket=bucket, key="n", delta=str(most)).value == str(most)
    assert "the sum" in other(guests.call(shared, "increment", grant, bucket=bucket, key="n", delta=1))


@pytest.mark.parametrize(("function", "given"), WRITING)
def test_reading_is_not_writing(shared: Runtime, function: str, given: dict[str, Any]) -> None:
    outcome = guests.call(shared, function, READ, bucket="notes", **given)
    assert (outcome.failed, outcome.value) == (True, DENIED)
    (denial,) = outcome.report.denials
    assert (denial.capability, denial.asked) == ("keyvalue", "write bucket notes")
    assert denial.grant == KeyValue("notes", write=True)
    assert not denial.quiet


@pytest.mark.parametrize(("function", "given"), [*READING, *WRITING])
def test_without_a_grant_nothing_is_there(shared: Runtime, function: str, given: dict[str, Any]) -> None:
    for grants in ((), (KeyValue("others", write=True),), (KeyValue("note", write=True),)):
        outcome = guests.call(shared, function, *grants, bucket="notes", **given)
        assert (outcome.failed, outcome.value) == (True, DENIED)
        (denial,) = outcome.report.denials
        assert (denial.asked, denial.grant) == ("read bucket notes", KeyValue("notes"))


@pytest.mark.parametrize(("function", "given"), [*READING, *WRITING])
def test_a_prefix_grants_what_begins_with_it(shared: Runtime, function: str, given: dict[str, Any]) -> None:
    outcome = guests.call(shared, function, KeyValue("my-*", write=True), bucket="my-own", **given)
    assert not outcome.failed
    assert outcome.report.denials == ()


def pages(runtime: Runtime, bucket: str) -> Iterator[list[str]]:
    cursor = None
    while True:
        found: Any = guests.call(runtime, "keys", KeyValue(bucket), bucket=bucket, cursor=cursor).value
        yield found["keys"]
        cursor = found["cursor"]
        if cursor is None:
            return


def test_pages_by_text_go_on_in_another_call(backend: Any, home: Path) -> None:
    state = StateOptions(backend, bounds=Bounds(page=3))
    with guests.runtime(home, guests.keyvalue(NEW), state=state) as runtime:
        items = [[f"{number:02}", ""] for number in range(7)]
        guests.call(runtime, "set_many", WRITE, bucket="notes", items=items)
        assert [len(page) for page in pages(runtime, "notes")] == [3, 3, 1]


@pytest.mark.parametrize("cursor", ["", "05", "nobody", "\0", "../..", "\uffff"])
@pytest.mark.parametrize("version", [NEW], indirect=True)
def test_a_made_up_text_only_tells_where_to_begin(
    shared: Runtime, version: str, bucket: str, cursor: str
) -> None:
    grant = KeyValue(bucket, write=True)
    guests.call(shared, "set_many", grant, bucket=bucket, items=[["05", ""], ["06", ""]])
    found: Any = guests.call(shared, "keys", grant, bucket=bucket, cursor=cursor).value
    assert found["keys"] == [key for key in ("05", "06") if key > cursor]


@pytest.mark.parametrize("cursor", [0, 1, 7, "18446744073709551615"])
@pytest.mark.parametrize("version", [OLD], indirect=True)
def test_a_made_up_number_is_refused(shared: Runtime, version: str, bucket: str, cursor: int | str) -> None:
    outcome = guests.call(shared, "keys", KeyValue(bucket), bucket=bucket, cursor=cursor)
    assert "one that this bucket handle gave" in other(outcome)


@pytest.mark.parametrize("version", [NEW], indirect=True)
def test_a_swap_fails_after_another_write_and_its_new_handle_does_not(
    shared: Runtime, version: str, bucket: str
) -> None:
    grant = KeyValue(bucket, write=True)
    assert bytes_of(guests.call(shared, "race", grant, bucket=bucket, key="k", value=b"xyz")) == b"x"
    assert bytes_of(guests.call(shared, "swap_only", grant, bucket=bucket, key="k", value=b"s")) == b"s"


@pytest.mark.parametrize("version", [NEW], indirect=True)
def test_a_handle_shows_no_newer_value_for_one_it_showed(shared: Runtime, version: str, bucket: str) -> None:
    grant = KeyValue(bucket, write=True)
    outcome = guests.call(shared, "stale_look", grant, bucket=bucket, key="k", value=b"x")
    assert "make a new one" in other(outcome)


@pytest.mark.parametrize("version", [NEW], indirect=True)
def test_a_swap_is_a_write(shared: Runtime, version: str, bucket: str) -> None:
    outcome = guests.call(shared, "swap_only", KeyValue(bucket), bucket=bucket, key="k", value=b"x")
    assert (outcome.failed, outcome.value) == (True, DENIED)
    assert outcome.report.denials[0].grant == KeyValue(bucket, write=True)


def test_what_was_kept_survives_the_runtime(home: Path) -> None:
    text = guests.keyvalue()
    with guests.runtime(home, text) as runtime:
        guests.call(runtime, "set", WRITE, bucket="notes", key="k", value=b"v")
    with guests.runtime(home, text) as runtime:
        assert bytes_of(guests.call(runtime, "get", READ, bucket="notes", key="k")) == b"v"
    assert (home / "state" / "keyvalue.sqlite").is_file()


def test_in_memory_nothing_is_written_to_disk(home: Path) -> None:
    text = guests.keyvalue()
    with guests.runtime(home, text, state=StateOptions("memory")) as runtime:
        guests.call(runtime, "set", WRITE, bucket="notes", key="k", value=b"v")
    with guests.runtime(home, text, state=StateOptions("memory")) as runtime:
        assert bytes_of(guests.call(runtime, "get", READ, bucket="notes", key="k")) is None
    assert not (home / "state").exists()


def test_nothing_is_made_for_who_was_granted_nothing(home: Path) -> None:
    with guests.runtime(home, guests.keyvalue()) as runtime:
        guests.call(runtime, "get", bucket="notes", key="k")
    assert not (home / "state").exists()


def test_two_components_that_were_granted_a_bucket_share_it(home: Path) -> None:
    with guests.runtime(home, guests.keyvalue()) as runtime:
        runtime.add(home / "it.wat", name="that")
        guests.call(runtime, "set", WRITE, bucket="notes", key="k", value=b"v")
        given = {"bucket": "notes", "key": "k"}
        assert bytes_of(runtime.call_sync("that_get", given, approved=(READ,))) == b"v"
        assert runtime.call_sync("that_get", given).value == DENIED
