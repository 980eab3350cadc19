from __future__ import annotations

import pytest
from starlette.types import Message, Receive, Scope, Send

from mcp_wasm.server.access import Access, Token, hashed
from mcp_wasm.server.auth import Tokens
from mcp_wasm.server.guard import LOOPBACK, Guard, is_loopback


async def passed(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def status(guard: Guard, *headers: tuple[str, str], path: str = "/mcp", kind: str = "http") -> int:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": kind, "path": path, "headers": raw, "method": "POST"}
    await guard(scope, receive, send)
    code: int = sent[0]["status"]
    return code


HOST = ("host", "127.0.0.1:8000")
TOKENS = Tokens(Access(tokens=(Token("one", hashed("s3cret")),)))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([HOST], 200),
        ([("host", "localhost")], 200),
        ([("host", "LOCALHOST:1")], 200),
        ([("host", "[::1]:8000")], 200),
        ([], 421),
        ([("host", "evil.example")], 421),
        ([("host", "127.0.0.1.evil.example")], 421),
        ([("host", "localhost:80@evil.example")], 421),
        ([("host", "evil.example:80#localhost")], 421),
        ([("host", "localhost:x")], 421),
        ([("host", "localhost/..")], 421),
        ([("host", "[::1")], 421),
        ([HOST, ("host", "evil.example")], 421),
        ([HOST, ("origin", "http://localhost:3000")], 200),
        ([HOST, ("origin", "https://evil.example")], 403),
        ([HOST, ("origin", "null")], 403),
        ([HOST, ("origin", "")], 403),
        ([HOST, ("origin", "http://localhost.evil.example")], 403),
        ([HOST, ("origin", "http://localhost"), ("origin", "http://evil.example")], 403),
    ],
)
async def test_host_and_origin_are_those_of_this_machine(
    headers: list[tuple[str, str]], expected: int
) -> None:
    guard = Guard(passed, hosts=LOOPBACK, origins=LOOPBACK, tokens=None)
    assert await status(guard, *headers) == expected
    assert await status(guard, *headers, path="/health") == expected


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["Bearer s3cret"], 200),
        ([], 401),
        (["Bearer wrong"], 401),
        (["Bearer s3cret "], 401),
        (["bearer s3cret"], 200),
        (["Basic s3cret"], 401),
        (["s3cret"], 401),
        (["Bearer "], 401),
        (["Bearer s3cr\xe9t"], 401),
        (["Bearer wrong", "Bearer s3cret"], 401),
    ],
)
async def test_a_token_is_required_whole(given: list[str], expected: int) -> None:
    guard = Guard(passed, hosts=LOOPBACK, origins=LOOPBACK, tokens=TOKENS)
    assert await status(guard, HOST, *(("authorization", value) for value in given)) == expected


@pytest.mark.anyio
async def test_health_needs_no_token_and_nothing_else_slips_past_it() -> None:
    guard = Guard(passed, hosts=LOOPBACK, origins=LOOPBACK, tokens=TOKENS)
    assert await status(guard, HOST, path="/health") == 200
    for path in ("/health/", "/health/../mcp", "//health", "/Health", "/mcp/health"):
        assert await status(guard, HOST, path=path) == 401


@pytest.mark.anyio
async def test_websockets_are_refused() -> None:
    guard = Guard(passed, hosts=None, origins=(), tokens=None)
    assert await status(guard, HOST, kind="websocket") == 400


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.0.5", False),
        ("localhost.example", False),
        ("myhost", False),
        ("::ffff:0.0.0.0", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer
