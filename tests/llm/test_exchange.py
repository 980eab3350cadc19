"""Faults of a provider over a real socket: each is told as what it is, bounded, and never with the key."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import traceback
from typing import Any

import pytest

from mcp_wasm.errors import (
    LlmCutOff,
    LlmFailed,
    LlmFaulty,
    LlmKeyMissing,
    LlmKeyRefused,
    LlmMalformed,
    LlmRateLimited,
    LlmRefused,
    LlmTimedOut,
    LlmUnreachable,
)
from mcp_wasm.llm import exchange as limits
from mcp_wasm.llm.protocol import Request
from mcp_wasm.llm.providers import provider as make
from tests.llm import wire
from tests.llm.wire import KEY, asking, json_reply, pieces, status_reply, streamed
from tests.sandbox.network.server import ok, serving

pytestmark = pytest.mark.anyio

ASK = Request(text="Hi.", model="m", max_tokens=5)
ECHO = {"error": {"message": f"You sent {KEY}\r\n\x1b[2J.", "type": "server_error", "code": None}}
QUOTA = {"error": {"message": "You exceeded your current quota", "type": "insufficient_quota"}}

OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}
FAULTS: list[tuple[bytes, type[Exception], str]] = [
    (status_reply("401 Unauthorized", ECHO), LlmKeyRefused, "it does not accept the key (status 401)"),
    (status_reply("403 Forbidden", ECHO), LlmKeyRefused, "it does not accept the key (status 403)"),
    (status_reply("402 Payment Required", ECHO), LlmKeyRefused, "nothing left to pay with (402)"),
    (status_reply("429 Too Many", QUOTA), LlmKeyRefused, "nothing left to pay with (429)"),
    (status_reply("429 Too Many", ECHO), LlmRateLimited, "too many requests (429): You sent [key]   [2J."),
    (status_reply("500 Oops", ECHO), LlmFaulty, "it failed with status 500: You sent [key]"),
    (status_reply("503 Busy"), LlmFaulty, "status 503: nothing was said about it"),
    (status_reply("529 Overloaded", OVERLOADED), LlmFaulty, "status 529: Busy"),
    (status_reply("408 Slow"), LlmFaulty, "status 408"),
    (status_reply("400 Bad", ECHO), LlmRefused, "status 400: You sent [key]"),
    (status_reply("404 Gone", {"error": "no such model"}), LlmRefused, "status 404: no such model"),
    (status_reply("201 Made"), LlmMalformed, "status 201 is none"),
    (ok(b"<html>", status="502 Bad Gateway"), LlmFaulty, "nothing was said about it"),
    (ok(b"[" * 60_000, status="502 Bad Gateway"), LlmFaulty, "nothing was said about it"),
    (status_reply("500 Oops", {"error": {"message": "x" * 5000}}), LlmFaulty, "x" * 300 + "…"),
    (ok(b"{" * 100_000, status="500 Oops"), LlmFaulty, "nothing was said about it"),
]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
async def test_each_fault_is_told_as_what_it_is(stream: bool) -> None:
    async with asking(wire.in_turn(*(reply for reply, _, _ in FAULTS))) as (provider, _):
        for _reply, class_, told in FAULTS:
            with pytest.raises(class_) as error:
                await (pieces(provider, ASK) if stream else provider.ask(ASK))
            assert told in str(error.value)
            assert str(error.value).isprintable()
            assert not isinstance(error.value, LlmFailed) or error.value.used == (0, 0)


WAITS: list[tuple[str, float | None]] = [
    ("Retry-After: 7", 7.0),
    ("Retry-After: 0", 0.0),
    ("Retry-After: -1", None),
    ("Retry-After: soon", None),
    ("Retry-After: 9999999999999999999999", None),
    ("Retry-After: Thu, 01 Jan 1970 00:00:30 GMT", 0.0),
    ("Retry-After: " + "Thu, " * 50, None),
    ("retry-after-ms: 1500", 1.5),
    ("X-Other: 1", None),
]


async def test_what_a_provider_asks_to_wait_is_told() -> None:
    replies = [status_reply("429 Too Many", None, header) for header, _ in WAITS]
    async with asking(wire.in_turn(*replies)) as (provider, _):
        for _header, again in WAITS:
            with pytest.raises(LlmRateLimited) as error:
                await provider.ask(ASK)
            assert error.value.again == again


async def test_a_redirect_is_refused_before_anything_is_connected_to() -> None:
    with serving(lambda *_: json_reply(wire.openai_answer())) as elsewhere:
        location = f"Location: http://127.0.0.1:{elsewhere.port}/v1/chat/completions"
        for status in ("301 Moved", "302 Found", "303 Other", "307 Temporary", "308 Permanent"):
            async with asking(lambda *_, s=status: status_reply(s, None, location)) as (provider, server):
                with pytest.raises(
                    LlmMalformed, match=f"redirects to 127.0.0.1:{elsewhere.port}, which is not"
                ):
                    await provider.ask(ASK)
                assert server.connections == 1
        assert elsewhere.connections == 0


async def test_an_answer_is_as_large_as_it_may_be_and_no_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = json.dumps(wire.openai_answer("x" * 5000)).encode()
    stream = streamed(wire.openai_chunks("x" * 5000))
    events = b"".join(wire.openai_chunks("x" * 5000))
    async with asking(wire.in_turn(ok(whole), ok(whole), stream, stream)) as (provider, _):
        monkeypatch.setattr(limits, "LARGEST", len(whole))
        assert len((await provider.ask(ASK)).text) == 5000
        monkeypatch.setattr(limits, "LARGEST", len(whole) - 1)
        with pytest.raises(LlmMalformed, match="is larger than"):
            await provider.ask(ASK)
        monkeypatch.setattr(limits, "LARGEST_STREAM", len(events))
        assert "".join((await pieces(provider, ASK))[0]) == "x" * 5000
        monkeypatch.setattr(limits, "LARGEST_STREAM", 5000)
        with pytest.raises(LlmMalformed, match="is larger than"):
            await pieces(provider, ASK)


async def test_an_answer_without_an_end_is_left() -> None:
    def endless(_seen: Any, connection: socket.socket) -> None:
        connection.sendall(wire.STREAM_HEAD)
        while True:
            connection.sendall(wire.chunked(b"x" * 65_536))

    async with asking(endless) as (provider, server):
        with pytest.raises(LlmMalformed):
            await pieces(provider, ASK)
        server.settled()


async def test_what_is_compressed_is_not_unpacked() -> None:
    packed = gzip.compress(json.dumps(wire.openai_answer()).encode())
    async with asking(lambda *_: ok(packed, "Content-Encoding: gzip")) as (provider, server):
        with pytest.raises(LlmMalformed, match="compressed"):
            await provider.ask(ASK)
    assert server.seen[0].header("accept-encoding") == ["identity"]


async def test_a_connection_that_breaks_is_told_by_when_it_broke() -> None:
    half = json_reply(wire.openai_answer())[:-10]
    async with asking(wire.in_turn(wire.cut(b""), wire.cut(b"HTTP/1.1 200"), wire.cut(half))) as (
        provider,
        _,
    ):
        for class_ in (LlmUnreachable, LlmUnreachable, LlmCutOff):
            with pytest.raises(class_) as error:
                await provider.ask(ASK)
            assert error.value.used is None


async def test_a_status_is_told_also_where_its_body_breaks_off() -> None:
    async with asking(wire.cut(b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n{")) as (provider, _):
        with pytest.raises(LlmFaulty, match="status 500: nothing was said"):
            await provider.ask(ASK)


async def test_where_nobody_listens_is_told() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        options = wire.options(None, base_url=f"http://127.0.0.1:{bound.getsockname()[1]}/v1")
        provider = make(options, lambda: KEY)
        with pytest.raises(LlmUnreachable, match="no connection to it could be made") as error:
            await provider.ask(ASK)
        assert error.value.used == (0, 0)
        await provider.aclose()


async def test_a_provider_that_stalls_is_timed_out() -> None:
    for reply in (wire.stalled(), wire.stalled(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{")):
        async with asking(reply, timeout=0.05) as (provider, _):
            with pytest.raises(LlmTimedOut, match=r"nothing came within 0\.05 s") as error:
                await provider.ask(ASK)
            assert error.value.used is None


BAD_KEYS = ["", "a b", "a\r\nX-Evil: 1", "a\nb", "schlüssel", "x" * 8193]


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_what_is_no_key_is_not_sent(key: str) -> None:
    with serving(lambda *_: json_reply(wire.openai_answer())) as server:
        provider = make(wire.options(server), lambda: key)
        with pytest.raises(LlmKeyMissing) as error:
            await provider.ask(ASK)
        await provider.aclose()
    assert server.connections == 0
    assert not key or key not in str(error.value)


async def test_a_key_is_asked_for_at_each_request() -> None:
    keys = iter(["first-key", "second-key"])
    with serving(lambda *_: json_reply(wire.openai_answer())) as server:
        provider = make(wire.options(server), lambda: next(keys))
        await provider.ask(ASK)
        await provider.ask(ASK)
        await provider.aclose()
    assert [each.header("authorization") for each in server.seen] == [
        ["Bearer first-key"],
        ["Bearer second-key"],
    ]


async def test_no_setting_of_the_environment_leads_the_key_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda *_: ok(b"")) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with asking(lambda *_: json_reply(wire.openai_answer())) as (provider, _):
            assert (await provider.ask(ASK)).text == "Hello."
        assert proxy.connections == 0


async def test_a_key_that_is_echoed_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    """An attack: whatever comes back, the key is in no answer, no error, no traceback and no log."""
    caplog.set_level(logging.DEBUG)
    spread = [*KEY]
    answers = [
        json_reply(wire.openai_answer(f"It is {KEY}.", model=KEY)),
        streamed(wire.openai_chunks("It is ", *spread, ".")),
    ]
    faults = [reply for reply, _, _ in FAULTS]
    shown: list[str] = []
    async with asking(wire.in_turn(*answers, *faults)) as (provider, _):
        shown.append(repr(await provider.ask(ASK)))
        texts, answer = await pieces(provider, ASK)
        shown += [repr(texts), repr(answer), repr(provider)]
        for _reply in faults:
            try:
                await provider.ask(ASK)
            except (LlmFailed, LlmRefused) as error:
                shown += traceback.format_exception(error)
    assert "It is [key]." in shown[0]
    assert "".join(texts) == "It is [key]."
    assert [each for each in [*shown, caplog.text] if KEY in each] == []
    server_saw = "You sent [key]"
    assert any(server_saw in each for each in shown)
