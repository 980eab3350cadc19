"""Answers that are written down, and bytes that changed since."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.audit import reading
from mcp_wasm.audit.sink import AuditOptions
from mcp_wasm.capability.grant import Environment, Grant, KeyValue
from mcp_wasm.capability.policy import Entry, Policy
from mcp_wasm.policy import edit
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.options import ServerOptions
from tests.server import doors as hung
from tests.server.clients import text_of
from tests.server.doors import Doors
from tests.server.people import ALWAYS, NO, ONCE, SESSION, Person, asking, value

pytestmark = pytest.mark.anyio

NOTES = {"name": "notes"}


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    return hung.hang(monkeypatch)


@pytest.fixture
def runtime(doors: Doors, home: Path, program: Callable[[str], Path]) -> Iterator[Runtime]:
    with Runtime(home=home, workers=2) as running:
        running.add(program("doors/server_doors"), name="doors")
        yield running


@pytest.fixture
def changed(program: Callable[[str], Path], tmp_path: Path) -> Path:
    """The same component with other bytes."""
    other = tmp_path / "changed.wat"
    other.write_text(program("doors/server_doors").read_text().replace("it is closed", "it is locked"))
    return other


def written(runtime: Runtime) -> Any:
    return tomllib.loads((runtime.home / "grants.toml").read_text())["grants"]


async def test_always_is_written_for_the_bytes_and_holds_for_everybody(
    runtime: Runtime, era: str, doors: Doors
) -> None:
    async with asking(runtime, era, Person(ALWAYS)) as client:
        assert value(await client.call_tool("doors_try", NOTES)) is True
    about = written(runtime)["doors"]
    assert about["digest"] == runtime.component("doors").digest
    assert about["wishes"] == ["wasi:keyvalue/store"]
    assert about["keyvalue"] == [{"bucket": "notes"}]
    person = Person()
    async with asking(runtime, era, person) as client:
        assert value(await client.call_tool("doors_try", NOTES)) is True
        await client.call_tool("doors_try", {"name": "other"})
    assert len(person.asked) == 1


async def test_what_is_written_is_of_the_bytes_that_a_person_was_asked_about(
    runtime: Runtime, era: str, program: Callable[[str], Path]
) -> None:
    before = runtime.component("doors")

    async def replace() -> None:
        runtime.add(program("caller"), name="doors")  # other bytes, other wishes

    async with asking(runtime, era, Person(ALWAYS, before=replace)) as client:
        result = await client.call_tool("doors_try", NOTES)
    assert result.is_error
    about = written(runtime)["doors"]
    assert (about["digest"], about["wishes"]) == (before.digest, ["wasi:keyvalue/store"])


async def test_an_answer_is_in_the_audit_log(
    doors: Doors, home: Path, program: Callable[[str], Path], era: str
) -> None:
    with Runtime(home=home, workers=2, audit=AuditOptions()) as runtime:
        runtime.add(program("doors/server_doors"), name="doors")
        digest = runtime.component("doors").digest
        async with asking(runtime, era, Person(ONCE, NO)) as client:
            for name in ("notes", "more"):
                await client.call_tool("doors_try", {"name": name})
    found = [record for record in reading.read(home / "audit") if record.event == "approval"]
    assert [(record.outcome, record.grants) for record in found] == [
        (ONCE, ("keyvalue: read what is kept in the bucket `notes`",)),
        (NO, ("keyvalue: read what is kept in the bucket `more`",)),
    ]
    assert {(record.tool, record.component, record.digest) for record in found} == {
        ("doors_try", "doors", digest)
    }


async def test_a_value_that_a_person_approves_anew_is_in_no_log(  # noqa: PLR0917 - fixtures
    doors: Doors, home: Path, program: Callable[[str], Path], era: str, changed: Path, caplog: Any
) -> None:
    """The policy file has it and the person is shown it; it may well be a password."""
    with Runtime(home=home, workers=2, audit=AuditOptions()) as runtime:
        before = runtime.add(program("doors/server_doors"), name="doors")
        granted: list[Grant] = [KeyValue("notes"), Environment("LOGIN", "correct horse")]
        edit.add(home, "doors", before.digest, before.wishes, granted)
        runtime.add(changed, name="doors")
        person = Person(ALWAYS)
        async with asking(runtime, era, person) as client:
            assert value(await client.call_tool("doors_try", NOTES)) is True
    assert "correct horse" in person.asked[0].message
    (found,) = (record for record in reading.read(home / "audit") if record.event == "approval")
    assert found.grants == ("environment: `LOGIN`", "keyvalue: read what is kept in the bucket `notes`")
    assert "`LOGIN`" in caplog.text
    assert "correct horse" not in caplog.text


async def test_changed_bytes_are_shown_and_get_nothing_unless_a_person_says_so(
    runtime: Runtime, era: str, changed: Path, doors: Doors
) -> None:
    before = runtime.component("doors")
    edit.add(runtime.home, "doors", before.digest, before.wishes, [KeyValue("notes"), KeyValue("more")])
    after = runtime.add(changed, name="doors")
    person = Person(NO)
    async with asking(runtime, era, person) as client:
        assert value(await client.call_tool("doors_try", NOTES)) is False
        assert value(await client.call_tool("doors_try", NOTES)) is False
    (asked,) = person.asked
    assert "HAS CHANGED" in asked.message
    assert before.digest in asked.message
    assert after.digest in asked.message
    assert "1. read what is kept in the bucket `notes`" in asked.message
    assert "2. read what is kept in the bucket `more`" in asked.message
    assert written(runtime)["doors"]["digest"] == before.digest
    assert all(not opened for _, opened in doors.tried)


@pytest.mark.parametrize("answer", [ONCE, SESSION])
async def test_changed_bytes_may_be_approved_for_a_while(
    runtime: Runtime, era: str, changed: Path, answer: str
) -> None:
    before = runtime.component("doors")
    edit.add(runtime.home, "doors", before.digest, before.wishes, [KeyValue("notes")])
    runtime.add(changed, name="doors")
    person = Person(answer)
    async with asking(runtime, era, person) as client:
        assert value(await client.call_tool("doors_try", NOTES)) is True
        assert value(await client.call_tool("doors_try", NOTES)) is (answer == SESSION)
    assert written(runtime)["doors"]["digest"] == before.digest


async def test_changed_bytes_may_be_approved_for_good(runtime: Runtime, era: str, changed: Path) -> None:
    before = runtime.component("doors")
    edit.add(runtime.home, "doors", before.digest, before.wishes, [KeyValue("notes")])
    after = runtime.add(changed, name="doors")
    person = Person(ALWAYS)
    async with asking(runtime, era, person) as client:
        assert value(await client.call_tool("doors_try", NOTES)) is True
        assert value(await client.call_tool("doors_try", NOTES)) is True
    assert len(person.asked) == 1
    assert written(runtime)["doors"]["digest"] == after.digest
    assert written(runtime)["doors"]["keyvalue"] == [{"bucket": "notes"}]


async def test_what_was_added_while_a_person_thought_is_not_approved_with_the_rest(
    runtime: Runtime, era: str, changed: Path
) -> None:
    before = runtime.component("doors")
    edit.add(runtime.home, "doors", before.digest, before.wishes, [KeyValue("notes")])
    runtime.add(changed, name="doors")

    async def add() -> None:
        edit.add(runtime.home, "doors", before.digest, before.wishes, [KeyValue("*")])

    async with asking(runtime, era, Person(ALWAYS, before=add)) as client:
        result = await client.call_tool("doors_try", NOTES)
    assert value(result) is True
    assert "could not be written" in text_of(result)
    assert written(runtime)["doors"]["digest"] == before.digest


async def test_while_grants_wait_others_are_not_written(runtime: Runtime, era: str, changed: Path) -> None:
    before = runtime.component("doors")
    many = [KeyValue(f"bucket{number}") for number in range(9)]  # more than a form shows
    edit.add(runtime.home, "doors", before.digest, before.wishes, many)
    runtime.add(changed, name="doors")
    person = Person(ONCE)
    async with asking(runtime, era, person) as client:
        assert value(await client.call_tool("doors_try", NOTES)) is True
    (asked,) = person.asked
    assert "HAS CHANGED" not in asked.message
    assert asked.requested_schema["properties"]["answer"]["enum"] == [NO, ONCE, SESSION]


async def test_what_the_settings_say_is_not_changed_by_an_answer(
    doors: Doors, home: Path, program: Callable[[str], Path], era: str
) -> None:
    entry = Entry("doors", trust="name", grants=(KeyValue("other"),))
    with Runtime(home=home, workers=2, policy=Policy({"doors": entry})) as runtime:
        runtime.add(program("doors/server_doors"), name="doors")
        person = Person(ALWAYS)
        async with asking(runtime, era, person) as client:
            assert value(await client.call_tool("doors_try", {"name": "other"})) is True
            assert value(await client.call_tool("doors_try", NOTES)) is False
    assert person.asked[0].requested_schema["properties"]["answer"]["enum"] == [NO, ONCE, SESSION]
    assert not (home / "grants.toml").exists()


async def test_an_answer_that_cannot_be_written_holds_once_and_says_so(
    runtime: Runtime, era: str, doors: Doors
) -> None:
    async def spoil() -> None:
        (runtime.home / "grants.toml").mkdir(exist_ok=True)

    async with asking(runtime, era, Person(ALWAYS, before=spoil)) as client:
        result = await client.call_tool("doors_try", NOTES)
        assert value(result) is True
        assert "could not be written to the policy file" in text_of(result)
        assert value(await client.call_tool("doors_try", NOTES)) is False


async def test_a_policy_that_cannot_be_read_is_not_written_over(runtime: Runtime, era: str) -> None:
    runtime.home.mkdir(exist_ok=True)
    (runtime.home / "grants.toml").write_text("this is no policy")
    person = Person(ALWAYS)
    async with asking(runtime, era, person, ServerOptions()) as client:
        await client.call_tool("doors_try", NOTES)
    assert ALWAYS not in person.asked[0].requested_schema["properties"]["answer"]["enum"]
    assert (runtime.home / "grants.toml").read_text() == "this is no policy"
