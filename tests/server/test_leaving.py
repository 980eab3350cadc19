"""What a client made and nobody kept goes with it: with its last connection, or when it is quiet for long."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from mcp_wasm.runtime import Runtime
from mcp_wasm.server import app
from mcp_wasm.server.access import Access, Token, hashed
from mcp_wasm.server.leaving import Leaving
from mcp_wasm.server.options import ServerOptions
from tests.server.http_clients import client as http_client
from tests.server.http_tokens import guarded
from tests.server.test_making import clean, create, names, value

pytestmark = pytest.mark.anyio

__all__ = ["clean"]


async def test_what_nobody_kept_goes_when_its_client_does(coder: Runtime) -> None:
    tokens = (Token("maker", hashed("a" * 20), ("*",)),)
    async with guarded(coder, Access(tokens=tokens)) as url:
        async with http_client(url, "legacy", "a" * 20) as one:
            async with http_client(url, "legacy", "a" * 20) as two:
                value(await create(one))
                assert "words_word_count" in await names(two)
            assert "words_word_count" in await names(one)
            loop, gone = asyncio.get_running_loop(), asyncio.Event()

            def tell() -> None:
                loop.call_soon_threadsafe(gone.set)

            end = coder.subscribe(tell)
        try:
            with anyio.fail_after(10):
                await gone.wait()
        finally:
            end()
        assert coder.made.list() == ()


async def test_what_a_client_without_a_connection_made_goes_when_it_was_quiet_for_long(
    coder: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(app, "Leaving", lambda gone, seconds: Leaving(gone, seconds, lambda: clock[0]))
    tokens = tuple(Token(name, hashed(name * 20), ("*",)) for name in "abc")
    quiet = ServerOptions().session_seconds
    async with (
        guarded(coder, Access(tokens=tokens)) as url,
        http_client(url, "2026-07-28", "a" * 20) as one,
        http_client(url, "2026-07-28", "b" * 20) as two,
        http_client(url, "legacy", "c" * 20) as three,
    ):
        value(await create(one, "ones"))
        value(await create(three, "threes"))
        clock[0] = quiet - 1
        assert "ones_word_count" in await names(two)
        value(await create(two, "twos"))
        clock[0] = quiet
        # Who asks for anything is heard of; of the first one nothing was since.
        assert {"ones_word_count", "twos_word_count"} & await names(two) == {"twos_word_count"}
        assert [made.name for made in coder.made.list()] == ["threes", "twos"]
        clock[0] = 2 * quiet - 1
        value(await two.call_tool("twos_word_count", {"text": "a"}))
        clock[0] = 3 * quiet - 2
        assert {"twos_word_count", "threes_word_count"} <= await names(two)
