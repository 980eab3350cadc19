"""People who answer forms, as the callback of a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp import Client, types

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.app import build
from mcp_wasm.server.denials import DENIALS_KEY
from mcp_wasm.server.options import ServerOptions

ONCE, SESSION, ALWAYS = "Allow once", "Allow for this session", "Always allow"
NO = "Do not allow"


class Person:
    """Answers each question with the next of ``answers``: a choice, an action, an error; then declines all.

    ``before`` is run while the question is open.
    """

    def __init__(
        self, *answers: str | types.ErrorData, before: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._answers, self._before = list(answers), before
        self.asked: list[types.ElicitRequestFormParams] = []

    async def __call__(self, _context: Any, params: types.ElicitRequestParams) -> Any:
        assert isinstance(params, types.ElicitRequestFormParams)
        self.asked.append(params)
        if self._before is not None:
            await self._before()
        answer = self._answers.pop(0) if self._answers else "decline"
        if isinstance(answer, types.ErrorData):
            return answer
        if answer in {"decline", "cancel"}:
            return types.ElicitResult(action=answer)  # type: ignore[arg-type]
        return types.ElicitResult(action="accept", content={"answer": answer})


@asynccontextmanager
async def asking(
    runtime: Runtime, era: str, person: Any, options: ServerOptions | None = None
) -> AsyncIterator[Client]:
    """A client in this process that shows forms to ``person``, or cannot where that is None."""
    with anyio.fail_after(15):
        server = build(runtime, options or ServerOptions())
        async with Client(server, mode=era, elicitation_callback=person) as client:
            yield client


def value(result: types.CallToolResult) -> Any:
    """What a tool returned."""
    assert result.structured_content is not None
    return result.structured_content["result"]


def denied(result: types.CallToolResult) -> list[str]:
    """What a result says was asked for and denied."""
    return [each["asked"] for each in (result.meta or {}).get(DENIALS_KEY, [])]
