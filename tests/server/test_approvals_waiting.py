"""While a person thinks: what becomes of the call of a handshake connection that waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
from mcp import types

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.options import ServerOptions
from tests.server import doors as hung
from tests.server.doors import Doors
from tests.server.people import ONCE, Person, asking, denied, value

pytestmark = pytest.mark.anyio

HANDSHAKE = "legacy"


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    return hung.hang(monkeypatch)


@pytest.fixture
def runtime(doors: Doors, home: Path, program: Callable[[str], Path]) -> Iterator[Runtime]:
    with Runtime(home=home, workers=2) as running:
        running.add(program("doors/server_doors"), name="doors")
        yield running


async def test_a_client_that_cannot_show_the_form_after_all_is_not_asked_again(
    runtime: Runtime, doors: Doors
) -> None:
    person = Person(types.ErrorData(code=-32603, message="no person here"))
    async with asking(runtime, HANDSHAKE, person) as client:
        for _ in range(2):
            result = await client.call_tool("doors_try", {"name": "notes"})
            assert denied(result) == ["open notes"]
    assert len(person.asked) == 1
    assert doors.tried == [("notes", False)] * 2


async def test_a_person_who_does_not_answer_is_not_waited_for_for_ever(runtime: Runtime) -> None:
    person = Person(ONCE, before=anyio.sleep_forever)
    async with asking(runtime, HANDSHAKE, person, ServerOptions(approval_seconds=0.01)) as client:
        result = await client.call_tool("doors_try", {"name": "notes"})
    assert value(result) is False
    assert denied(result) == ["open notes"]


async def test_a_client_may_give_a_call_up_while_a_person_thinks(runtime: Runtime, doors: Doors) -> None:
    asked = anyio.Event()

    async def think() -> None:
        asked.set()
        await anyio.sleep_forever()

    async with asking(runtime, HANDSHAKE, Person(ONCE, before=think)) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "doors_try", {"name": "notes"})
            await asked.wait()
            group.cancel_scope.cancel()
        assert (await client.call_tool("doors_both", {"first": "quiet", "second": "quiet"})).content
    assert ("notes", True) not in doors.tried


async def test_a_person_is_asked_one_thing_at_a_time(runtime: Runtime) -> None:
    asked, answered = anyio.Event(), anyio.Event()

    async def think() -> None:
        asked.set()
        await answered.wait()

    person = Person(ONCE, before=think)
    async with asking(runtime, HANDSHAKE, person) as client, anyio.create_task_group() as group:
        group.start_soon(client.call_tool, "doors_try", {"name": "notes"})
        await asked.wait()
        meanwhile = await client.call_tool("doors_try", {"name": "other"})
        answered.set()
    assert denied(meanwhile) == ["open other"]
    assert len(person.asked) == 1


async def test_progress_tells_what_is_waited_for(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_wasm.server.approvals._BEAT_S", 0.01)
    heard = anyio.Event()

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        if message and "person" in message:
            heard.set()

    async with asking(runtime, HANDSHAKE, Person(ONCE, before=heard.wait)) as client:
        result = await client.call_tool("doors_try", {"name": "notes"}, progress_callback=hear)
    assert heard.is_set()
    assert value(result) is True
