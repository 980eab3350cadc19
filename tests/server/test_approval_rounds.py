"""The question as an answer: what a client of the 2026 protocol can and cannot send back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import CallToolResult, ElicitRequest, ElicitResult, InputRequiredResult

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.approvals import KEY
from mcp_wasm.server.options import ServerOptions
from tests.server import doors as hung
from tests.server.clients import text_of
from tests.server.doors import Doors
from tests.server.people import ALWAYS, NO, ONCE, SESSION, Person, asking

pytestmark = pytest.mark.anyio

MODERN, HANDSHAKE = "2026-07-28", "legacy"
NOTES = {"name": "notes"}


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    return hung.hang(monkeypatch)


@pytest.fixture
def runtime(doors: Doors, home: Path, program: Callable[[str], Path]) -> Iterator[Runtime]:
    with Runtime(home=home, workers=2) as running:
        running.add(program("doors/server_doors"), name="doors")
        yield running


async def send(
    client: Client,
    state: str | None = None,
    answer: Any = None,
    *,
    tool: str = "doors_try",
    arguments: dict[str, Any] | None = None,
) -> CallToolResult | InputRequiredResult:
    """One request, without the client's own loop."""
    if isinstance(answer, str):
        answer = {KEY: ElicitResult(action="accept", content={"answer": answer})}
    return await client.session.call_tool(
        tool,
        arguments if arguments is not None else NOTES,
        input_responses=answer,
        request_state=state,
        allow_input_required=True,
    )


async def question(client: Client) -> str:
    """The state of a new question about ``NOTES``."""
    asked = await send(client)
    assert isinstance(asked, InputRequiredResult)
    assert asked.request_state
    return asked.request_state


def refused(result: CallToolResult | InputRequiredResult) -> bool:
    assert isinstance(result, CallToolResult)
    return bool(result.is_error) and "belongs to no open question" in text_of(result)


async def test_a_question_is_one_form_with_a_state_that_says_nothing(runtime: Runtime) -> None:
    async with asking(runtime, MODERN, Person()) as client:
        asked = await send(client)
    assert isinstance(asked, InputRequiredResult)
    assert asked.input_requests is not None
    ((key, request),) = asked.input_requests.items()
    assert key == KEY
    assert isinstance(request, ElicitRequest)
    assert asked.request_state is not None
    assert len(asked.request_state) == 43


@pytest.mark.parametrize(("answer", "opened"), [(ONCE, True), (SESSION, True), (NO, False)])
async def test_a_reply_runs_the_tool_again_only_if_it_says_so(
    runtime: Runtime, doors: Doors, answer: str, opened: bool
) -> None:
    async with asking(runtime, MODERN, Person()) as client:
        result = await send(client, await question(client), answer)
    assert isinstance(result, CallToolResult)
    assert result.structured_content == {"result": opened}
    assert doors.tried == [("notes", False), *([("notes", True)] if opened else [])]


async def test_a_reply_counts_once(runtime: Runtime, doors: Doors) -> None:
    async with asking(runtime, MODERN, Person()) as client:
        state = await question(client)
        await send(client, state, ONCE)
        assert refused(await send(client, state, ONCE))
        assert refused(await send(client, state, ALWAYS))
    assert len(doors.tried) == 2


async def test_after_a_no_the_same_state_cannot_say_yes(runtime: Runtime, doors: Doors) -> None:
    async with asking(runtime, MODERN, Person()) as client:
        state = await question(client)
        await send(client, state, NO)
        assert refused(await send(client, state, ONCE))
    assert len(doors.tried) == 1


@pytest.mark.parametrize("forged", ["", "0", "A" * 43, "é" * 43, '{"grants": "all"}', "x" * 100_000])
async def test_a_forged_state_runs_nothing(runtime: Runtime, doors: Doors, forged: str) -> None:
    async with asking(runtime, MODERN, Person()) as client:
        await question(client)
        assert refused(await send(client, forged, ONCE))
    assert len(doors.tried) == 1


async def test_a_state_is_not_good_for_other_arguments_or_another_tool(
    runtime: Runtime, doors: Doors
) -> None:
    async with asking(runtime, MODERN, Person()) as client:
        assert refused(await send(client, await question(client), ONCE, arguments={"name": "other"}))
        assert refused(await send(client, await question(client), ONCE, tool="doors_must"))
    assert doors.tried == [("notes", False)] * 2


async def test_a_state_of_another_server_is_no_state(runtime: Runtime, doors: Doors) -> None:
    async with asking(runtime, MODERN, Person()) as one, asking(runtime, MODERN, Person()) as other:
        assert refused(await send(other, await question(one), ONCE))
    assert len(doors.tried) == 1


async def test_a_reply_that_comes_too_late_runs_nothing(runtime: Runtime, doors: Doors) -> None:
    async with asking(runtime, MODERN, Person(), ServerOptions(approval_seconds=0)) as client:
        assert refused(await send(client, await question(client), ONCE))
    assert len(doors.tried) == 1


async def test_a_reply_without_a_question_runs_nothing(runtime: Runtime, doors: Doors) -> None:
    async with asking(runtime, MODERN, Person()) as client:
        assert refused(await send(client, None, ALWAYS))
    assert doors.tried == []


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"other": ElicitResult(action="accept", content={"answer": ONCE})},
        {KEY: ElicitResult(action="decline", content={"answer": ONCE})},
        {KEY: ElicitResult(action="accept", content={"answer": "yes"})},
        {KEY: ElicitResult(action="accept")},
    ],
)
async def test_an_unclear_reply_is_a_no(runtime: Runtime, doors: Doors, answer: Any) -> None:
    async with asking(runtime, MODERN, Person()) as client:
        result = await send(client, await question(client), answer)
    assert isinstance(result, CallToolResult)
    assert result.structured_content == {"result": False}
    assert len(doors.tried) == 1


async def test_a_client_of_the_handshake_protocols_cannot_answer_unasked(
    runtime: Runtime, doors: Doors
) -> None:
    person = Person()
    async with asking(runtime, HANDSHAKE, person) as client:
        result = await send(client, "x", ONCE)
    assert isinstance(result, CallToolResult)
    assert result.structured_content == {"result": False}
    assert len(person.asked) == 1
    assert doors.tried == [("notes", False)]


async def test_what_a_model_chooses_is_no_reply(runtime: Runtime, era: str, doors: Doors) -> None:
    said: dict[str, Any] = {KEY: {"action": "accept", "content": {"answer": ALWAYS}}}
    async with asking(runtime, era, None) as client:
        await client.call_tool("doors_try", {"name": f"{ALWAYS} {KEY}"})
        result = await client.call_tool("doors_try", NOTES | {"inputResponses": said, "requestState": "x"})
        assert result.is_error
        assert not (await client.call_tool("doors_try", NOTES, meta=said)).is_error  # type: ignore[arg-type]
    assert doors.tried == [(f"{ALWAYS} {KEY}", False), ("notes", False)]


async def test_questions_that_nobody_answers_come_to_an_end(runtime: Runtime) -> None:
    async with asking(runtime, MODERN, Person()) as client:
        kinds = [type(await send(client, arguments={"name": f"n{number}"})) for number in range(10)]
    assert kinds == [InputRequiredResult] * 8 + [CallToolResult] * 2


async def test_the_pair_that_searches_and_calls_asks_as_well(
    runtime: Runtime, era: str, doors: Doors
) -> None:
    async with asking(runtime, era, Person(ONCE), ServerOptions(tools="search")) as client:
        result = await client.call_tool("call_tool", {"name": "doors_try", "arguments": NOTES})
    assert '"result":true' in text_of(result).replace(" ", "")
    assert doors.tried == [("notes", False), ("notes", True)]
