"""Sessions of code over MCP: whose they are, and what ends them."""

from __future__ import annotations

import pytest

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.access import Access, Token, hashed
from tests.server.clients import text_of
from tests.server.coding import given, run
from tests.server.http_clients import client as http_client
from tests.server.http_tokens import guarded

pytestmark = pytest.mark.anyio


async def test_a_session_keeps_variables_for_its_client_alone(coder: Runtime, era: str) -> None:
    tokens = tuple(Token(name, hashed(name * 20), ("*",)) for name in "ab")
    async with (
        guarded(coder, Access(tokens=tokens)) as url,
        http_client(url, era, "a" * 20) as mine,
        http_client(url, era, "b" * 20) as other,
    ):
        begun = given(await run(mine, "globalThis.n = 41; n", session="new"))
        session = begun["session"]
        stolen = await run(other, "n", session=session)
        assert stolen.is_error
        assert "there is no such session" in text_of(stolen)
        failed = await run(mine, "n += 1; null.x", session=session)
        assert f"The session {session} goes on" in text_of(failed)
        assert given(await run(mine, "n", session=session))["value"] == 42
