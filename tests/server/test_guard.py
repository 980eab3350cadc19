from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from mcp_wasm.server.access import Access, OAuth, Token, hashed
from mcp_wasm.server.auth import Tokens
from mcp_wasm.server.guard import LOOPBACK, Guard, _in_time, is_loopback


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


def guard(access: Access, clock: Callable[[], float], **rest: Any) -> Guard:
    found = Tokens(access) if access.tokens else None
    return Guard(passed, hosts=None, origins=(), tokens=found, access=access, now=clock, **rest)


async def answered(
    guard: Guard, *headers: tuple[str, str], client: str = "192.0.2.1", path: str = "/mcp"
) -> tuple[int, dict[str, str]]:
    """The status and headers of the answer to a request from ``client``."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "path": path, "headers": raw, "method": "POST", "client": (client, 5)}
    await guard(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found


RIGHT = ("authorization", "Bearer s3cret")
WRONG = ("authorization", "Bearer wrong")
ONE = (Token("one", hashed("s3cret")),)


@pytest.mark.anyio
async def test_requests_of_one_address_are_bounded_whoever_they_say_they_are() -> None:
    at = [0.0]
    guarded = guard(Access(requests_per_minute=3), lambda: at[0])
    found = [
        (
            await answered(
                guarded, ("x-forwarded-for", f"198.51.100.{number}"), ("mcp-session-id", str(number))
            )
        )[0]
        for number in range(5)
    ]
    assert found == [200, 200, 200, 429, 429]
    code, headers = await answered(guarded)
    assert (code, headers["retry-after"]) == (429, "20")
    assert (await answered(guarded, client="192.0.2.2"))[0] == 200
    at[0] += 20
    assert (await answered(guarded))[0] == 200


@pytest.mark.anyio
async def test_one_ipv6_network_is_one_client() -> None:
    guarded = guard(Access(requests_per_minute=2), lambda: 0.0)
    addresses = ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1", "2001:db8:0:1::1"]
    assert [(await answered(guarded, client=each))[0] for each in addresses] == [200, 200, 429, 200]
    mapped = ["::ffff:192.0.2.9", "192.0.2.9", "192.0.2.9"]
    assert [(await answered(guarded, client=each))[0] for each in mapped] == [200, 200, 429]


@pytest.mark.anyio
async def test_wrong_tokens_are_bounded_and_right_ones_pass_all_the_same() -> None:
    told: list[str] = []
    guarded = guard(Access(tokens=ONE, failures_per_minute=2), lambda: 0.0, refused=told.append)
    found = [(await answered(guarded, WRONG))[0] for _ in range(5)]
    assert found == [401, 401, 429, 429, 429]
    assert told == ["192.0.2.1", "192.0.2.1"]
    assert (await answered(guarded, RIGHT))[0] == 200
    assert (await answered(guarded, WRONG, client="192.0.2.2"))[0] == 401


@pytest.mark.anyio
@pytest.mark.parametrize(
    "given",
    [
        [("authorization", "Bearer s3cret"), ("authorization", "Bearer s3cret")],
        [("authorization", "Bearer s3cret"), ("authorization", "Bearer other")],
        [("authorization", "Bearer " + "x" * 9000)],
        [("authorization", "Bearer " + "x.y.z" * 1000)],
        [("authorization", "Bearer  s3cret")],
        [("authorization", "Bearer s3cret, Bearer s3cret")],
        [("authorization", "Bearer\ts3cret")],
        [("proxy-authorization", "Bearer s3cret")],
        [("cookie", "authorization=Bearer s3cret; token=s3cret")],
        [("x-api-key", "s3cret")],
    ],
)
async def test_a_token_stands_in_one_header_and_nowhere_else(given: list[tuple[str, str]]) -> None:
    guarded = guard(Access(tokens=ONE), lambda: 0.0)
    code, headers = await answered(guarded, *given)
    assert code == 401
    assert headers["www-authenticate"].startswith('Bearer realm="mcp-wasm"')
    assert "s3cret" not in str(headers)


@pytest.mark.anyio
async def test_a_refusal_says_how_to_be_accepted() -> None:
    access = Access(
        tokens=ONE, oauth=OAuth("https://i.example", "https://t.example/mcp", scopes=("use", "more"))
    )
    metadata = "https://t.example/.well-known/oauth-protected-resource/mcp"
    guarded = guard(access, lambda: 0.0, metadata=metadata)
    _, none = await answered(guarded)
    assert none["www-authenticate"] == (
        f'Bearer realm="mcp-wasm", resource_metadata="{metadata}", scope="use more"'
    )
    _, wrong = await answered(guarded, WRONG)
    assert 'error="invalid_token"' in wrong["www-authenticate"]
    assert (await answered(guarded, path="/.well-known/oauth-protected-resource/mcp"))[0] == 200
    assert (await answered(guarded, path="/.well-known/oauth-protected-resource"))[0] == 401


@pytest.mark.anyio
async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    heard: list[str] = []

    async def reads(_scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            heard.append(message["type"])
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                break
        await passed({}, receive, send)

    async def drip() -> Message:
        if not heard:
            return {"type": "http.request", "body": b"{", "more_body": True}
        await anyio.sleep_forever()
        raise AssertionError

    async def send(_message: Message) -> None: ...

    slow = Guard(reads, hosts=None, origins=(), access=Access(body_seconds=0.01))
    with anyio.fail_after(5):
        await slow({"type": "http", "path": "/mcp", "headers": [], "client": ("192.0.2.1", 5)}, drip, send)
    assert heard == ["http.request", "http.disconnect"]


@pytest.mark.anyio
async def test_a_body_that_has_come_whole_leaves_time_for_the_answer() -> None:
    gone = anyio.Event()

    async def receive() -> Message:
        if gone.is_set():
            return {"type": "http.disconnect"}
        gone.set()
        return {"type": "http.request", "body": b"{}", "more_body": False}

    limited = _in_time(receive, 60)
    assert (await limited())["type"] == "http.request"
    assert (await limited())["type"] == "http.disconnect"
