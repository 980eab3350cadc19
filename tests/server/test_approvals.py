from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import KeyValue
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.options import ServerOptions
from tests.server import doors as hung
from tests.server.clients import text_of
from tests.server.doors import Doors
from tests.server.people import ALWAYS, NO, ONCE, SESSION, Person, asking, denied, value

pytestmark = pytest.mark.anyio

HANDSHAKE = "legacy"


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    return hung.hang(monkeypatch)


@pytest.fixture
def runtime(doors: Doors, home: Path, program: Callable[[str], Path]) -> Iterator[Runtime]:
    with Runtime(home=home, workers=2) as running:
        running.add(program("doors/server_doors"), name="doors")
        running.add(program("doors/server_locked"), name="locked")
        yield running


async def test_without_forms_the_result_names_the_command(runtime: Runtime, era: str, doors: Doors) -> None:
    async with asking(runtime, era, None) as client:
        await client.list_tools()
        result = await client.call_tool("doors_try", {"name": "notes"})
    assert value(result) is False
    assert not result.is_error
    assert text_of(result).splitlines()[0] == '{"result":false}'
    assert "Denied: keyvalue, `open notes`, to the component doors" in text_of(result)
    assert "mcp-wasm grants add doors keyvalue bucket=notes" in text_of(result)
    assert denied(result) == ["open notes"]
    assert doors.tried == [("notes", False)]


async def test_what_is_allowed_once_holds_for_one_more_run(runtime: Runtime, era: str, doors: Doors) -> None:
    person = Person(ONCE, ONCE)
    async with asking(runtime, era, person) as client:
        first = await client.call_tool("doors_try", {"name": "notes"})
        assert doors.tried == [("notes", False), ("notes", True)]
        second = await client.call_tool("doors_try", {"name": "notes"})
    assert (value(first), value(second)) == (True, True)
    assert denied(first) == []
    assert len(person.asked) == 2
    assert doors.tried == [("notes", False), ("notes", True)] * 2


async def test_a_person_sees_exactly_what_is_asked(runtime: Runtime, era: str) -> None:
    person = Person()
    async with asking(runtime, era, person) as client:
        await client.call_tool("doors_try", {"name": "no`tes\nAllowed."})
    (asked,) = person.asked
    digest = runtime.component("doors").digest
    assert "doors_try, a tool of the component doors" in asked.message
    assert r"read what is kept in the bucket `no\x60tes\nAllowed.`" in asked.message
    assert digest in asked.message
    assert "run AGAIN with the same arguments" in asked.message
    assert asked.requested_schema["properties"]["answer"]["enum"] == [NO, ONCE, SESSION, ALWAYS]
    assert asked.requested_schema["properties"]["answer"]["default"] == NO


async def test_what_is_allowed_for_a_session_is_not_asked_again(
    runtime: Runtime, era: str, doors: Doors
) -> None:
    person = Person(SESSION)
    async with asking(runtime, era, person) as client:
        for _ in range(3):
            assert value(await client.call_tool("doors_try", {"name": "notes"})) is True
        assert len(person.asked) == 1
        assert value(await client.call_tool("doors_try", {"name": "other"})) is False
    assert len(person.asked) == 2
    assert doors.tried == [("notes", False), *[("notes", True)] * 3, ("other", False)]
    assert not (runtime.home / "grants.toml").exists()


async def test_another_server_knows_nothing_of_a_session(runtime: Runtime, era: str) -> None:
    async with asking(runtime, era, Person(SESSION)) as client:
        assert value(await client.call_tool("doors_try", {"name": "notes"})) is True
    async with asking(runtime, era, None) as client:
        assert value(await client.call_tool("doors_try", {"name": "notes"})) is False


@pytest.mark.parametrize("answer", [NO, "decline", "cancel", "always", "allow once"])
async def test_anything_but_a_yes_leaves_the_result_and_is_not_asked_again(
    runtime: Runtime, era: str, doors: Doors, answer: str
) -> None:
    person = Person(answer)
    async with asking(runtime, era, person) as client:
        for _ in range(2):
            result = await client.call_tool("doors_try", {"name": "notes"})
            assert value(result) is False
            assert denied(result) == ["open notes"]
    assert len(person.asked) == 1
    assert doors.tried == [("notes", False)] * 2


async def test_a_component_that_is_turned_down_often_is_not_asked_about(runtime: Runtime, era: str) -> None:
    person = Person()
    async with asking(runtime, era, person) as client:
        for number in range(5):
            await client.call_tool("doors_try", {"name": f"bucket{number}"})
        assert len(person.asked) == 3
        await client.call_tool("locked_ask", {})
    assert len(person.asked) == 4


async def test_several_denials_are_one_question(runtime: Runtime, era: str, doors: Doors) -> None:
    person = Person(ONCE)
    async with asking(runtime, era, person) as client:
        result = await client.call_tool("doors_both", {"first": "one", "second": "two"})
    assert value(result) is True
    (asked,) = person.asked
    assert "1. read what is kept in the bucket `one`" in asked.message
    assert "2. read what is kept in the bucket `two`" in asked.message
    assert doors.tried[2:] == [("one", True), ("two", True)]


async def test_a_call_asks_at_most_once(runtime: Runtime, era: str, doors: Doors) -> None:
    person = Person(ONCE, ONCE)
    async with asking(runtime, era, person) as client:
        result = await client.call_tool("doors_then", {"first": "one", "second": "two"})
    assert value(result) is False
    assert denied(result) == ["open two"]
    assert len(person.asked) == 1
    assert doors.tried == [("one", False), ("one", True), ("two", False)]


async def test_a_failed_call_is_asked_about_and_fails_as_before_if_turned_down(
    runtime: Runtime, era: str
) -> None:
    async with asking(runtime, era, Person(ONCE, "decline")) as client:
        allowed = await client.call_tool("doors_must", {"name": "notes"})
        refused = await client.call_tool("doors_must", {"name": "notes"})
    assert not allowed.is_error
    assert refused.is_error
    assert text_of(refused).startswith("it is closed\n")
    assert "mcp-wasm grants add doors keyvalue bucket=notes" in text_of(refused)


async def test_a_guest_that_could_not_start_is_an_error_of_its_own(
    runtime: Runtime, era: str, doors: Doors
) -> None:
    person = Person(NO, ONCE)
    async with asking(runtime, era, person) as client:
        refused = await client.call_tool("locked_ask", {})
    assert refused.is_error
    assert text_of(refused).startswith(
        "The tool could not start without what nobody has granted it; its function was not"
    )
    assert "mcp-wasm grants add locked keyvalue bucket=key" in text_of(refused)
    assert "AGAIN" not in person.asked[0].message
    async with asking(runtime, era, person) as client:
        assert value(await client.call_tool("locked_ask", {})) == 42


async def test_what_is_tried_in_passing_is_neither_asked_nor_told(runtime: Runtime, era: str) -> None:
    person = Person(ONCE)
    async with asking(runtime, era, person) as client:
        result = await client.call_tool("doors_try", {"name": "quiet"})
        failed = await client.call_tool("doors_must", {"name": "quiet"})
    assert person.asked == []
    assert text_of(result) == '{"result":false}'
    assert denied(result) == ["open quiet"]
    assert "Denied: keyvalue, `open quiet`" in text_of(failed)


async def test_what_a_called_tool_was_denied_is_told_and_not_asked(
    runtime: Runtime, era: str, program: Callable[[str], Path]
) -> None:
    runtime.add(program("caller"), name="caller")
    person = Person(SESSION, ONCE)
    relayed = {"name": "doors_try", "arguments": '{"name":"notes"}'}
    async with asking(runtime, era, person) as client:
        result = await client.call_tool("caller_relay", relayed)
    (asked,) = person.asked  # whether caller may call doors_try at all
    assert "call the tools `doors_try`" in asked.message
    assert "to the component doors: no grant of keyvalue to doors" in text_of(result)
    assert "mcp-wasm grants add doors keyvalue bucket=notes" in text_of(result)


@pytest.mark.parametrize(("beyond", "asked"), [("", 0), ("/cache", 0), ("/..", 0), ("/../elsewhere", 1)])
async def test_nobody_is_asked_to_open_the_folder_of_the_policy(
    runtime: Runtime, home: Path, beyond: str, asked: int
) -> None:
    person = Person(NO)
    async with asking(runtime, HANDSHAKE, person) as client:
        result = await client.call_tool("doors_try", {"name": f"{home}{beyond}"})
    assert len(person.asked) == asked
    assert len(denied(result)) == 1


async def test_approvals_can_be_switched_off(runtime: Runtime, era: str) -> None:
    person = Person(ALWAYS)
    async with asking(runtime, era, person, ServerOptions(approvals=False)) as client:
        result = await client.call_tool("doors_try", {"name": "notes"})
    assert person.asked == []
    assert value(result) is False
    assert denied(result) == ["open notes"]


async def test_a_component_that_was_replaced_meanwhile_does_not_run(
    runtime: Runtime, era: str, doors: Doors, program: Callable[[str], Path], tmp_path: Path
) -> None:
    other = tmp_path / "doors.wat"
    other.write_text(program("doors/server_doors").read_text().replace("it is closed", "it is locked"))

    async def replace() -> None:
        runtime.add(other, name="doors")

    async with asking(runtime, era, Person(SESSION, "decline", before=replace)) as client:
        result = await client.call_tool("doors_try", {"name": "notes"})
        assert result.is_error
        assert "was replaced while a person was asked" in text_of(result)
        assert doors.tried == [("notes", False)]
        # What was allowed for the session was allowed to the old bytes.
        assert value(await client.call_tool("doors_try", {"name": "notes"})) is False


async def test_what_is_approved_is_approved_for_bytes(runtime: Runtime, doors: Doors) -> None:
    digest = runtime.component("doors").digest
    for approved_for in (digest, "", "0" * 64):
        granted = {"approved": [KeyValue("notes")], "approved_for": approved_for}
        await runtime.call("doors_try", {"name": "notes"}, **granted)  # type: ignore[arg-type]
    assert [opened for _, opened in doors.tried] == [True, True, False]
