"""Questions over HTTP: only to whom a token says that they may answer, each for themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.types import CallToolResult, ElicitResult, InputRequiredResult

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.access import Access, Token, hashed
from mcp_wasm.server.approvals import KEY
from mcp_wasm.server.http import serve_http
from mcp_wasm.server.options import ServerOptions
from tests.server import doors as hung
from tests.server.clients import text_of
from tests.server.doors import Doors
from tests.server.http_clients import client
from tests.server.people import ONCE, SESSION, Person, value

pytestmark = pytest.mark.anyio

OWNER, FRIEND, GUEST = "owner" * 8, "friend" * 8, "guest" * 8
ACCESS = Access(
    tokens=(
        Token("owner", hashed(OWNER), approves=True),
        Token("friend", hashed(FRIEND), approves=True),
        Token("guest", hashed(GUEST)),
    )
)
NOTES = {"name": "notes"}
MODERN = "2026-07-28"


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    return hung.hang(monkeypatch)


@pytest.fixture
def runtime(doors: Doors, home: Path, program: Callable[[str], Path]) -> Iterator[Runtime]:
    with Runtime(home=home, workers=2) as running:
        running.add(program("doors/server_doors"), name="doors")
        yield running


@asynccontextmanager
async def serving(runtime: Runtime, access: Access | None) -> AsyncIterator[str]:
    send, receive = anyio.create_memory_object_stream[str](1)

    async def serve() -> None:
        await serve_http(runtime, ServerOptions(), access=access, started=send.send_nowait)

    async with send, receive, anyio.create_task_group() as group:
        group.start_soon(serve)
        with anyio.fail_after(10):
            url = await receive.receive()
        with anyio.fail_after(15):
            yield url
        group.cancel_scope.cancel()


async def test_who_may_answer_is_asked(runtime: Runtime, era: str) -> None:
    person = Person(ONCE)
    async with (
        serving(runtime, ACCESS) as url,
        client(url, era, OWNER, elicitation_callback=person) as asking,
    ):
        assert value(await asking.call_tool("doors_try", NOTES)) is True
    assert len(person.asked) == 1


@pytest.mark.parametrize(("access", "token"), [(ACCESS, GUEST), (None, None), (None, "whatever you like")])
async def test_whoever_merely_reaches_the_server_is_not_asked(
    runtime: Runtime, era: str, doors: Doors, access: Access | None, token: str | None
) -> None:
    person = Person(ONCE)
    async with (
        serving(runtime, access) as url,
        client(url, era, token, elicitation_callback=person) as asking,
    ):
        result = await asking.call_tool("doors_try", NOTES)
    assert person.asked == []
    assert "mcp-wasm grants add doors keyvalue bucket=notes" in text_of(result)
    assert doors.tried == [("notes", False)]


async def test_what_one_allows_for_a_session_holds_for_nobody_else(runtime: Runtime, era: str) -> None:
    async with (
        serving(runtime, ACCESS) as url,
        client(url, era, OWNER, elicitation_callback=Person(SESSION)) as owner,
    ):
        assert value(await owner.call_tool("doors_try", NOTES)) is True
        assert value(await owner.call_tool("doors_try", NOTES)) is True
        for token in (FRIEND, GUEST):
            async with client(url, era, token) as other:
                assert value(await other.call_tool("doors_try", NOTES)) is False


async def test_a_handshake_session_ends_with_what_was_allowed_for_it(runtime: Runtime) -> None:
    async with serving(runtime, ACCESS) as url:
        async with client(url, "legacy", OWNER, elicitation_callback=Person(SESSION)) as first:
            assert value(await first.call_tool("doors_try", NOTES)) is True
        async with client(url, "legacy", OWNER) as second:
            assert value(await second.call_tool("doors_try", NOTES)) is False


async def test_a_state_is_good_only_for_who_was_asked(runtime: Runtime, doors: Doors) -> None:
    reply: Any = {KEY: ElicitResult(action="accept", content={"answer": ONCE})}
    async with (
        serving(runtime, ACCESS) as url,
        client(url, MODERN, OWNER, elicitation_callback=Person()) as owner,
    ):
        for token in (FRIEND, GUEST, OWNER):
            asked = await owner.session.call_tool("doors_try", NOTES, allow_input_required=True)
            assert isinstance(asked, InputRequiredResult)
            state = asked.request_state
            async with client(url, MODERN, token, elicitation_callback=Person()) as other:
                result = await other.session.call_tool(
                    "doors_try", NOTES, input_responses=reply, request_state=state, allow_input_required=True
                )
            assert isinstance(result, CallToolResult)
            assert bool(result.is_error) is (token != OWNER)
    assert [opened for _, opened in doors.tried] == [False, False, False, True]
