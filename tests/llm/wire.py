"""What providers send, in their own formats, and what a test needs to ask one over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from mcp_wasm.capability.grant import Grants, gather
from mcp_wasm.capability.llm import Llm as LlmGrant
from mcp_wasm.llm.options import LlmOptions, Price, ProviderKind, ProviderOptions
from mcp_wasm.llm.protocol import Answer, Provider, Request
from mcp_wasm.llm.providers import provider
from mcp_wasm.llm.service import Llm
from mcp_wasm.llm.tried import Surroundings
from tests.sandbox.network.server import Reply, Seen, Server, ok, serving

KEY = "sk-secret/key+0123456789"
PRICE = Price(1.0, 10.0)
ALL = gather([LlmGrant(("*",), rule="grants.a.llm")])


def openai_answer(text: str | None = "Hello.", **changed: Any) -> dict[str, Any]:
    """A chat completion, as the API reference shows one."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1741569952,
        "model": "gpt-x-2026",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29},
        **changed,
    }


def anthropic_answer(text: str = "Hello.", **changed: Any) -> dict[str, Any]:
    """A message, as the API reference shows one."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x-2026",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 12, "output_tokens": 6},
        **changed,
    }


def openai_chunks(*texts: str, done: bool = True, usage: bool = True) -> list[bytes]:
    """The events of a streamed chat completion."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {
            "id": "c",
            "object": "chat.completion.chunk",
            "model": "gpt-x-2026",
            "choices": [choice],
            "usage": None,
        }

    found = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": text}) for text in texts)]
    events = [*found, chunk({}, "stop")]
    if usage:
        counts = {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29}
        events.append(
            {
                "id": "c",
                "object": "chat.completion.chunk",
                "model": "gpt-x-2026",
                "choices": [],
                "usage": counts,
            }
        )
    sent = [f"data: {json.dumps(each)}\n\n".encode() for each in events]
    return [*sent, b"data: [DONE]\n\n"] if done else sent


def anthropic_events(*texts: str, end: bool = True) -> list[bytes]:
    """The events of a streamed message."""
    start = anthropic_answer(content=[], stop_reason=None, usage={"input_tokens": 12, "output_tokens": 1})
    del start["stop_sequence"]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
            for text in texts
        ),
    ]
    if end:
        events += [
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": 6},
            },
            {"type": "message_stop"},
        ]
    return [event_bytes(each) for each in events]


def event_bytes(event: dict[str, Any]) -> bytes:
    """One event of Anthropic's."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def json_reply(document: Any) -> bytes:
    """A whole answer of JSON."""
    return ok(json.dumps(document).encode(), "Content-Type: application/json")


def status_reply(status: str, body: Any = None, *headers: str) -> bytes:
    """A whole answer with another status."""
    return ok(json.dumps(body or {}).encode(), "Content-Type: application/json", *headers, status=status)


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def chunked(data: bytes) -> bytes:
    """One chunk of HTTP."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def streamed(events: list[bytes], *, end: bool = True) -> bytes:
    """A whole stream, or one that is cut off."""
    return STREAM_HEAD + b"".join(map(chunked, events)) + (b"0\r\n\r\n" if end else b"")


def in_turn(*replies: bytes | Reply) -> Reply:
    """Each request gets the next reply, all later ones the last."""
    left = list(replies)

    def reply(seen: Seen, connection: Any) -> bytes | None:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, bytes):
            return found
        return found(seen, connection)

    return reply


def cut(data: bytes) -> Reply:
    """Sends ``data`` and closes the connection."""

    def reply(_seen: Seen, connection: Any) -> None:
        connection.sendall(data)

    return reply


def stalled(data: bytes = b"") -> Reply:
    """Sends ``data`` and then nothing, until the client has gone."""

    def reply(_seen: Seen, connection: Any) -> None:
        connection.sendall(data)
        connection.recv(1)

    return reply


def options(
    server: Server | None, name: str = "p", kind: ProviderKind = "compatible", **more: Any
) -> ProviderOptions:
    """A provider at ``server``, with a key but without trying again."""
    port = server.port if server is not None else 9
    path = "" if kind == "anthropic" else "/v1"
    usual: dict[str, Any] = {
        "key": "env:KEY",
        "retries": 0,
        "model": "m",
        "base_url": f"http://127.0.0.1:{port}{path}",
    }
    return ProviderOptions(name, kind, **(usual | more))


@contextlib.asynccontextmanager
async def asking(
    reply: Reply, kind: ProviderKind = "compatible", **more: Any
) -> AsyncIterator[tuple[Provider, Server]]:
    """A provider and the server that answers it."""
    with serving(reply) as server:
        found = provider(options(server, kind=kind, **more), lambda: KEY)
        try:
            yield found, server
        finally:
            await found.aclose()


@dataclass
class Time:
    """A clock that stands until somebody waits: ``pauses`` are the waits, which take no time."""

    at: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)

    def around(self, chance: Callable[[], float] = lambda: 1.0) -> Surroundings:
        return Surroundings(self.now, self.now, self.sleep, chance)


@contextlib.asynccontextmanager
async def service(
    *providers: ProviderOptions, time: Time | None = None, concurrent: int = 16
) -> AsyncIterator[Llm]:
    """The service with these providers, on a clock of its own."""
    keys = {each.name: lambda: KEY for each in providers if each.key}
    llm = Llm(LlmOptions(providers, concurrent), keys, around=(time or Time()).around())
    try:
        yield llm
    finally:
        await llm.aclose()


async def pieces(
    provider: Provider, request: Request, texts: list[str] | None = None
) -> tuple[list[str], Answer | None]:
    """What a stream gives: its pieces (also in ``texts``, should it fail), and the answer at its end."""
    texts, answer = [] if texts is None else texts, None
    async for delta in provider.stream(request):
        assert answer is None
        answer = delta.answer
        texts += [delta.text] if delta.text else []
    return texts, answer


def granted(**grant: Any) -> Grants:
    """One grant of every provider."""
    return gather([LlmGrant(("*",), rule="grants.a.llm", **grant)])


def body(seen: Seen) -> Any:
    """What was sent."""
    return json.loads(seen.body)
