from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.server.stdio_server import (
    Start,
    call,
    request,
)

UNSERVABLE: list[tuple[bytes, int, int | None]] = [
    (b"garbage\n", -32700, None),
    (b"{" * 100_000 + b"\n", -32700, None),
    (b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":' + b"[" * 100_000 + b"\n", -32700, 5),
    (b'{"jsonrpc":"2.0","id":5,"method":"ping","params":{"a":"\\ud800"}}\n', -32700, 5),
    (b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}\n', -32700, None),
    (b"\xff\xfe\xfd\n", -32700, None),
    (b"\x00\n", -32700, None),
    (b"[]\n", -32600, None),
    (b'"ping"\n', -32600, None),
    (b'{"jsonrpc":"1.0","id":5,"method":"ping"}\n', -32600, 5),
    (b'{"jsonrpc":"2.0","id":{},"method":"ping"}\n', -32600, None),
    (b'{"jsonrpc":"2.0","id":5,"method":"ping","params":[1]}\n', -32600, 5),
    (request(5, "no/such/method"), -32601, 5),
    (request(5, "tools/call"), -32602, 5),
    (request(5, "tools/call", name=7), -32602, 5),
    (request(5, "tools/call", name="demo_add", arguments=[1]), -32602, 5),
    (request(5, "tools/call", name="x" * 100_000), -32602, 5),
    (request(5, "tools/list", cursor="nonsense"), -32602, 5),
    (b'{"jsonrpc":"2.0","id":5,"method":"ping","params":{"a":"' + b"x" * 3_000_000 + b'"}}\n', -32600, 5),
]


def test_what_cannot_be_served_is_answered_and_the_next_call_works(start: Start) -> None:
    server = start("line_limit=2000000")
    server.greet()
    for line, code, id_ in UNSERVABLE:
        server.send(line)
        answer = server.receive()
        assert (answer["error"]["code"], answer["id"]) == (code, id_), line[:100]
        assert len(json.dumps(answer)) < 2000
        server.add()


HOSTILE_ARGUMENTS = [
    b'{"a":NaN,"b":1}',
    b'{"a":1e999,"b":1}',
    b'{"a":-Infinity,"b":1}',
    b'{"a":1.5,"b":1}',
    b'{"a":' + b"9" * 3000 + b',"b":1}',
    b'{"a":' + b"[" * 150 + b"]" * 150 + b',"b":1}',
    b'{"a":' + b'{"a":' * 150 + b"1" + b"}" * 150 + b',"b":1}',
    b'{"a":"' + b"x" * 1_000_000 + b'","b":1}',
    b"{" + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}",
    b'{"\\u0000":1,"b":1}',
]


def test_hostile_arguments_cost_one_call_and_a_short_answer(start: Start) -> None:
    server = start()
    server.greet()
    for arguments in HOSTILE_ARGUMENTS:
        head = b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"demo_add","arguments":'
        server.send(head + arguments + b"}}\n")
        answer = server.receive()
        assert answer["id"] == 5
        assert "Internal error" not in json.dumps(answer), arguments[:100]
        assert "error" in answer or answer["result"]["isError"], arguments[:100]
        assert len(json.dumps(answer)) < 20_000
        server.add()


@pytest.mark.parametrize("meta", [5, None, "x", [], {}, {"progressToken": []}])
def test_a_strange_first_request_does_not_end_the_server(start: Start, meta: object) -> None:
    server = start()
    server.send(request(1, "tools/list", _meta=meta))
    assert server.receive()["error"]["code"] == -32602
    server.greet()
    server.send(request(2, "tools/call", name="demo_add", arguments={"a": 1, "b": 2}, _meta=meta))
    assert server.receive()["id"] == 2
    server.add()


def test_a_shortened_call_is_as_strict_as_any_other(start: Start) -> None:
    server = start()
    server.greet()
    strange: list[dict[str, Any]] = [
        {"name": None},
        {"name": "demo_add", "arguments": {"a": 1, "b": 2}, "_meta": "x"},
        {"name": "demo_add", "arguments": []},
        {"name": "demo_add", "arguments": {}, "task": 5},
        {"name": ["demo_add"], "arguments": {"a": 1, "b": 2}},
        {"name": "demo_add", "arguments": {"a": 1, "b": 2}, "_meta": {"progressToken": {}}},
    ]
    for number, params in enumerate(strange):
        server.send(request(number, "tools/call", **params))
        answer = server.receive()
        assert answer["id"] == number
        assert answer["error"]["code"] == -32602, params
    server.send(request(99, "tools/call", name="demo_add", arguments={"a": 1, "b": 2}, other=1, _meta={}))
    assert server.receive()["result"]["structuredContent"] == {"result": 3}


def test_what_is_printed_in_the_process_never_reaches_the_protocol(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    server = start("noisy=1", stderr=subprocess.DEVNULL)
    server.greet()
    for number in range(50):
        server.add(number)


def test_a_client_that_reads_late_gets_every_answer(start: Start) -> None:
    server = start()
    server.greet()
    lines = [call(number, "demo_repeat", text="x" * 1000, times=900) for number in range(40)]
    server.send(b"".join(lines))
    assert {server.receive()["id"] for _ in lines} == set(range(40))
