"""Each provider's format over a real socket: what is sent, and what is made of what comes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_wasm.errors import LlmCutOff, LlmFaulty, LlmMalformed, LlmRefused
from mcp_wasm.llm.options import ProviderKind
from mcp_wasm.llm.protocol import Answer, Message, Request
from mcp_wasm.llm.providers import provider as make
from tests.llm import wire
from tests.llm.wire import asking, body, json_reply, pieces, streamed
from tests.sandbox.network.server import ok, serving

pytestmark = pytest.mark.anyio

TALK = Request(
    messages=(Message("user", "Hi."), Message("assistant", "Yes?"), Message("user", "Say höllo.")),
    system="Be brief.",
    model="m-1",
    max_tokens=50,
    temperature=0.5,
    stop=("END",),
)
TURNS = [
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "Yes?"},
    {"role": "user", "content": "Say höllo."},
]


@pytest.mark.parametrize(
    ("kind", "most"), [("openai", "max_completion_tokens"), ("compatible", "max_tokens")]
)
async def test_a_chat_completion_is_asked_for_and_read(kind: ProviderKind, most: str) -> None:
    async with asking(lambda *_: json_reply(wire.openai_answer("Höllo.")), kind) as (provider, server):
        answer = await provider.ask(TALK)
    assert answer == Answer("Höllo.", "gpt-x-2026", "p", "stop", 19, 10)
    (seen,) = server.seen
    assert seen.line == "POST /v1/chat/completions HTTP/1.1"
    assert seen.header("authorization") == [f"Bearer {wire.KEY}"]
    assert seen.header("content-type") == ["application/json"]
    assert body(seen) == {
        "model": "m-1",
        "messages": [{"role": "system", "content": "Be brief."}, *TURNS],
        most: 50,
        "temperature": 0.5,
        "stop": ["END"],
    }


async def test_a_message_is_asked_for_and_read() -> None:
    async with asking(lambda *_: json_reply(wire.anthropic_answer("Höllo.")), "anthropic") as (
        provider,
        server,
    ):
        answer = await provider.ask(TALK)
    assert answer == Answer("Höllo.", "claude-x-2026", "p", "stop", 12, 6)
    (seen,) = server.seen
    assert seen.line == "POST /v1/messages HTTP/1.1"
    assert seen.header("x-api-key") == [wire.KEY]
    assert seen.header("anthropic-version") == ["2023-06-01"]
    assert seen.header("authorization") == []
    assert body(seen) == {
        "model": "m-1",
        "max_tokens": 50,
        "system": "Be brief.",
        "messages": TURNS,
        "temperature": 0.5,
        "stop_sequences": ["END"],
    }


async def test_without_a_key_none_is_sent() -> None:
    with serving(lambda *_: json_reply(wire.openai_answer())) as server:
        provider = make(wire.options(server, key=""), None)
        assert (await provider.ask(Request(text="Hi.", model="m", max_tokens=5))).text == "Hello."
        await provider.aclose()
    assert server.seen[0].header("authorization") == []
    assert body(server.seen[0]) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi."}],
        "max_tokens": 5,
    }


def choice(**changed: Any) -> dict[str, Any]:
    return {"choices": [wire.openai_answer()["choices"][0] | changed]}


OPENAI: list[tuple[dict[str, Any], tuple[str, str, int | None]]] = [
    ({}, ("Hello.", "stop", 19)),
    (choice(finish_reason="length"), ("Hello.", "length", 19)),
    (choice(finish_reason="content_filter"), ("Hello.", "refused", 19)),
    (choice(finish_reason="tool_calls"), ("Hello.", "other", 19)),
    (choice(finish_reason=None), ("Hello.", "other", 19)),
    (choice(message={"content": None, "refusal": "No."}), ("No.", "refused", 19)),
    (choice(message={"content": ""}), ("", "stop", 19)),
    ({"usage": None}, ("Hello.", "stop", None)),
    ({"usage": {"prompt_tokens": -1, "completion_tokens": 1}}, ("Hello.", "stop", None)),
    ({"usage": {"prompt_tokens": True, "completion_tokens": 1}}, ("Hello.", "stop", None)),
    ({"usage": {"prompt_tokens": 10**9 + 1, "completion_tokens": 1}}, ("Hello.", "stop", None)),
    ({"usage": {"prompt_tokens": 10**9, "completion_tokens": 0}}, ("Hello.", "stop", 10**9)),
]


@pytest.mark.parametrize(("changed", "expected"), OPENAI)
async def test_what_a_chat_completion_may_be(changed: dict[str, Any], expected: Any) -> None:
    async with asking(lambda *_: json_reply(wire.openai_answer(**changed))) as (provider, _):
        answer = await provider.ask(TALK)
    assert (answer.text, answer.finish, answer.tokens_in) == expected


CACHED = {
    "input_tokens": 1,
    "cache_creation_input_tokens": 20,
    "cache_read_input_tokens": 300,
    "output_tokens": 4,
}
ANTHROPIC: list[tuple[dict[str, Any], tuple[str, str, int | None]]] = [
    ({"stop_reason": "stop_sequence"}, ("Hello.", "stop", 12)),
    ({"stop_reason": "max_tokens"}, ("Hello.", "length", 12)),
    ({"stop_reason": "model_context_window_exceeded"}, ("Hello.", "length", 12)),
    ({"stop_reason": "refusal", "content": []}, ("", "refused", 12)),
    ({"stop_reason": "tool_use"}, ("Hello.", "other", 12)),
    ({"content": [{"type": "thinking"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
     ("ab", "stop", 12)),
    ({"usage": CACHED}, ("Hello.", "stop", 321)),
    ({"usage": {"input_tokens": 1}}, ("Hello.", "stop", None)),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "expected"), ANTHROPIC)
async def test_what_a_message_may_be(changed: dict[str, Any], expected: Any) -> None:
    async with asking(lambda *_: json_reply(wire.anthropic_answer(**changed)), "anthropic") as (provider, _):
        answer = await provider.ask(TALK)
    assert (answer.text, answer.finish, answer.tokens_in) == expected


HOSTILE: list[Any] = [
    [], "text", 7, None, {}, {"choices": []}, {"choices": [7]}, {"choices": [{"message": 7}]},
    {"choices": [{"message": {"content": 7}}]}, {"content": "text"}, {"choices": {"0": {}}},
]  # fmt: skip


@pytest.mark.parametrize("kind", ["compatible", "anthropic"])
async def test_what_is_no_answer_is_malformed(kind: ProviderKind) -> None:
    replies = [
        *(json_reply(each) for each in HOSTILE),
        ok(b"{"),
        ok(b"[" * 100_000),
        ok(b"\xff"),
    ]
    async with asking(wire.in_turn(*replies), kind) as (provider, _):
        for _each in replies:
            with pytest.raises(LlmMalformed):
                await provider.ask(TALK)


async def test_the_name_of_a_model_that_cannot_be_shown_is_not() -> None:
    replies = [json_reply(wire.openai_answer(model=each)) for each in ("a\x1b[2J", "x" * 201, 7, wire.KEY)]
    async with asking(wire.in_turn(*replies)) as (provider, _):
        assert [(await provider.ask(TALK)).model for _each in replies] == ["m-1", "m-1", "m-1", "[key]"]


async def test_a_temperature_that_anthropic_does_not_take_is_not_sent() -> None:
    async with asking(lambda *_: json_reply(wire.anthropic_answer()), "anthropic") as (provider, server):
        with pytest.raises(LlmRefused, match="temperature: expected a number from 0 to 1"):
            await provider.ask(Request(text="a", model="m", max_tokens=1, temperature=1.1))
        await provider.ask(Request(text="a", model="m", max_tokens=1, temperature=1))
    assert len(server.seen) == 1


@pytest.mark.parametrize("kind", ["openai", "compatible"])
async def test_a_chat_completion_is_streamed(kind: ProviderKind) -> None:
    events = wire.openai_chunks("Höl", "lo.")
    async with asking(lambda *_: streamed(events), kind) as (provider, server):
        texts, answer = await pieces(provider, TALK)
    assert texts == ["Höl", "lo."]
    assert answer == Answer("Höllo.", "gpt-x-2026", "p", "stop", 19, 10)
    assert body(server.seen[0])["stream"] is True
    assert body(server.seen[0])["stream_options"] == {"include_usage": True}


async def test_a_message_is_streamed() -> None:
    events = wire.anthropic_events("Höl", "lo.")
    async with asking(lambda *_: streamed(events), "anthropic") as (provider, server):
        texts, answer = await pieces(provider, TALK)
    assert texts == ["Höl", "lo."]
    assert answer == Answer("Höllo.", "claude-x-2026", "p", "stop", 12, 6)
    assert body(server.seen[0])["stream"] is True


async def test_a_stream_is_read_however_it_is_cut_into_pieces() -> None:
    whole = b": comment\r\n\r\n" + b"".join(wire.anthropic_events("Höl", "lo.")).replace(b"\n", b"\r\n")
    events = [whole[at : at + 3] for at in range(0, len(whole), 3)]
    async with asking(lambda *_: streamed(events), "anthropic") as (provider, _):
        assert "".join((await pieces(provider, TALK))[0]) == "Höllo."


async def test_a_stream_without_its_last_mark_is_whole_once_it_said_why_it_ended() -> None:
    async with asking(lambda *_: streamed(wire.openai_chunks("a", done=False, usage=False))) as (provider, _):
        _, answer = await pieces(provider, TALK)
    assert answer is not None
    assert (answer.text, answer.finish, answer.tokens_in) == ("a", "stop", None)


@pytest.mark.parametrize("kind", ["compatible", "anthropic"])
@pytest.mark.parametrize("end", [True, False])
async def test_a_stream_that_breaks_off_is_no_answer(kind: ProviderKind, end: bool) -> None:
    events = (
        wire.anthropic_events("a", "b", end=False)
        if kind == "anthropic"
        else wire.openai_chunks("a", "b")[:3]
    )
    reply = wire.cut(streamed(events, end=end))
    async with asking(reply, kind) as (provider, _):
        texts: list[str] = []
        with pytest.raises(LlmCutOff) as error:
            await pieces(provider, TALK, texts)
    assert texts == ["a", "b"]
    assert error.value.used is None


OVERLOADED = {"type": "overloaded_error", "message": f"Overloaded, {wire.KEY}"}


@pytest.mark.parametrize(
    ("kind", "events"),
    [
        (
            "anthropic",
            [
                *wire.anthropic_events("a", end=False),
                wire.event_bytes({"type": "error", "error": OVERLOADED}),
            ],
        ),
        (
            "compatible",
            [*wire.openai_chunks("a")[:2], f"data: {json.dumps({'error': OVERLOADED})}\n\n".encode()],
        ),
    ],
)
async def test_an_error_within_a_stream_is_told(kind: ProviderKind, events: list[bytes]) -> None:
    async with asking(lambda *_: streamed(events), kind) as (provider, _):
        with pytest.raises(LlmFaulty, match=r"overloaded_error: Overloaded, \[key\]"):
            await pieces(provider, TALK)


@pytest.mark.parametrize(
    "data", [b"data: {\n\n", b"data: []\n\n", b"data: \xff\n\n", b"data: " + b"[" * 50_000 + b"\n\n"]
)
@pytest.mark.parametrize("kind", ["compatible", "anthropic"])
async def test_an_event_that_is_none_is_malformed(kind: ProviderKind, data: bytes) -> None:
    async with asking(lambda *_: streamed([data]), kind) as (provider, _):
        with pytest.raises(LlmMalformed):
            await pieces(provider, TALK)


async def test_a_stream_that_is_none_is_malformed() -> None:
    async with asking(lambda *_: json_reply(wire.openai_answer())) as (provider, _):
        with pytest.raises(LlmMalformed, match="no stream of events"):
            await pieces(provider, TALK)


async def test_who_stops_reading_ends_the_connection() -> None:
    events = wire.openai_chunks("a", "b")[:2]
    async with asking(wire.stalled(streamed(events, end=False))) as (provider, server):
        stream = provider.stream(TALK)
        assert (await anext(stream)).text == "a"
        await stream.aclose()
        assert server.gone.acquire(timeout=10)
