from __future__ import annotations

import re
from typing import Any

from tests.server.stdio_server import HELLO, INITIALIZE, INITIALIZED, Server, Start, request

ENVELOPE: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": HELLO["clientInfo"],
    "io.modelcontextprotocol/clientCapabilities": {},
}
ROUNDABOUT = "a key that sends a call the SDK's way"
WRONG: list[dict[str, Any]] = [
    {"io.modelcontextprotocol/protocolVersion": "2099-01-01"},
    {"io.modelcontextprotocol/clientInfo": {"name": 7}},
    {"io.modelcontextprotocol/clientCapabilities": "all"},
    {"io.modelcontextprotocol/logLevel": "whisper"},
    {"progressToken": {"not": "a token"}},
]
NO_FUEL = {"mcp-wasm/limits": {"fuel": 1000}}

CALLS: list[tuple[Any, Any, dict[str, Any]]] = [
    ("demo_add", {"a": 1, "b": 2}, {}),
    ("demo_add", {"a": 1, "b": "two"}, {}),
    ("demo_repeat", {"text": "ab", "times": 20}, {"mcp-wasm/limits": {"text": 10}}),
    ("demo_repeat", {"text": "é\u2028", "times": 2}, {}),
    ("demo_find", {"name": "x"}, {}),
    ("demo_find", {"name": ""}, {}),
    ("demo_picture", {}, {}),
    ("demo_nothing", {}, {}),
    ("demo_trap", {}, {}),
    ("demo_spin", {}, NO_FUEL),
    ("demo_spin", {}, {"mcp-wasm/limits": {"fuel": "much"}}),
    ("demo_spin", {}, {"mcp-wasm/limits": 7}),
    ("no_such_tool", {}, {}),
    ("demo_add", None, {}),
    ("demo_add", [1, 2], {}),
    (7, {}, {}),
]


def ask(
    server: Server, number: int, name: Any, arguments: Any, meta: dict[str, Any], **more: Any
) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments, **more} | ({"_meta": meta} if meta else {})
    server.send(request(number, "tools/call", **params))
    reply = server.receive()
    assert reply.pop("id") == number
    settled: dict[str, Any] = _settled(reply)
    return settled


def _settled(value: Any) -> Any:
    """A reply without what differs from call to call: times, and addresses of kept results."""
    if isinstance(value, dict):
        return {
            key: "some time" if key.endswith("Ms") else _settled(inner)
            for key, inner in sorted(value.items())
        }
    if isinstance(value, list):
        return [_settled(inner) for inner in value]
    return re.sub(r"results/[\w-]+", "results/…", value) if isinstance(value, str) else value


def opened(start: Start, era: str) -> tuple[Server, dict[str, Any]]:
    """A server in ``era`` and what every request's ``_meta`` has; the SDK has accepted a call already."""
    server = start()
    if era == "legacy":
        server.send(INITIALIZE, INITIALIZED)
        server.receive()
        return server, {}
    assert "result" in ask(server, 1, "demo_add", {"a": 1, "b": 1}, ENVELOPE)
    return server, ENVELOPE


def test_a_plain_call_is_answered_as_the_sdk_would_answer_it(start: Start, era: str) -> None:
    server, envelope = opened(start, era)
    for number, (name, arguments, meta) in enumerate(CALLS):
        plain = ask(server, 100 + number, name, arguments, envelope | meta)
        roundabout = ask(server, 200 + number, name, arguments, envelope | meta, unknown=ROUNDABOUT)
        assert plain == roundabout


def test_an_envelope_that_the_sdk_refuses_is_refused_after_a_good_one_too(start: Start) -> None:
    server, _ = opened(start, "2026-07-28")
    for number, wrong in enumerate(WRONG):
        refused = ask(server, 100 + number, "demo_add", {"a": 1, "b": 2}, ENVELOPE | wrong)
        assert "error" in refused, wrong
        again = ask(server, 200 + number, "demo_add", {"a": 1, "b": 2}, ENVELOPE | wrong, unknown=ROUNDABOUT)
        assert refused == again
        assert "result" in ask(server, 300 + number, "demo_add", {"a": 1, "b": 2}, ENVELOPE)


def test_a_call_without_an_envelope_is_refused_on_a_connection_of_2026(start: Start) -> None:
    server, _ = opened(start, "2026-07-28")
    assert "error" in ask(server, 2, "demo_add", {"a": 1, "b": 2}, {})


def test_a_call_before_the_handshake_is_refused(start: Start) -> None:
    assert "error" in ask(start(), 1, "demo_add", {"a": 1, "b": 2}, {})
