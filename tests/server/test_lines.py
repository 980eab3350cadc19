from __future__ import annotations

import pytest
from mcp.types import INVALID_REQUEST, PARSE_ERROR, JSONRPCNotification, JSONRPCRequest

from mcp_wasm.server.lines import LineSplitter, Overlong, Refusal, read


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b"a\nb\n"], [b"a", b"b"]),
        ([b"a", b"b\n", b"c\nd"], [b"ab", b"c"]),
        ([b"", b"\n"], [b""]),
        ([b"ab\ncd", b"\n", b"ef\n"], [b"ab", b"cd", b"ef"]),
    ],
)
def test_lines_come_whole_however_the_bytes_arrive(chunks: list[bytes], lines: list[bytes]) -> None:
    splitter = LineSplitter(100)
    assert [line for chunk in chunks for line in splitter.feed(chunk)] == lines


def test_the_last_line_needs_no_newline() -> None:
    splitter = LineSplitter(100)
    assert list(splitter.feed(b"a\nlast")) == [b"a"]
    assert list(splitter.end()) == [b"last"]
    assert list(splitter.end()) == []


@pytest.mark.parametrize("size", [11, 1000, 100_000])
@pytest.mark.parametrize("chunk", [1, 7, 100_001])
def test_a_line_past_the_limit_is_reported_with_its_ends_and_the_next_line_is_read(
    size: int, chunk: int
) -> None:
    data = b"<" + b"x" * (size - 2) + b">\nnext\n"
    splitter = LineSplitter(10)
    found = [line for at in range(0, len(data), chunk) for line in splitter.feed(data[at : at + chunk])]
    assert len(found) == 2
    overlong, following = found
    assert isinstance(overlong, Overlong)
    assert overlong.size == size
    assert overlong.head.startswith(b"<")
    assert overlong.tail.endswith(b">")
    assert following == b"next"


def test_what_is_skipped_is_not_kept() -> None:
    splitter = LineSplitter(10)
    for _ in range(1000):
        assert list(splitter.feed(b"x" * 1000)) == []
        assert len(splitter._buffer) <= 1010


@pytest.mark.parametrize(
    ("line", "code", "request_id"),
    [
        (b"garbage", PARSE_ERROR, None),
        (b"\xff\xfe\x00", PARSE_ERROR, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"x"', PARSE_ERROR, 7),
        (b'{"jsonrpc":"2.0","id":"a-1","method":"x","params":{"a":"\\ud800"}}', PARSE_ERROR, "a-1"),
        (b'{"method":"x","params":{"a":"\\udc00"},"jsonrpc":"2.0","id":9}', PARSE_ERROR, 9),
        (b'{"jsonrpc":"2.0","id":3,"method":"x","params":' + b"[" * 5000, PARSE_ERROR, 3),
        (b'{"jsonrpc":"2.0","id":4,"method":"x","params":{"a":' + b"9" * 5000 + b"}}", PARSE_ERROR, 4),
        (b"[]", INVALID_REQUEST, None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', INVALID_REQUEST, None),
        (b"5", INVALID_REQUEST, None),
        (b"null", INVALID_REQUEST, None),
        (b'{"id":5}', INVALID_REQUEST, 5),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', INVALID_REQUEST, None),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', INVALID_REQUEST, None),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', INVALID_REQUEST, None),
    ],
)
def test_what_is_no_message_is_answered(line: bytes, code: int, request_id: int | str | None) -> None:
    answer = read(line, 1000)
    assert isinstance(answer, Refusal)
    assert (answer.error.code, answer.id) == (code, request_id)


@pytest.mark.parametrize("line", [b"", b"  ", b"\r", b"\t "])
def test_a_blank_line_is_passed_over(line: bytes) -> None:
    assert read(line, 1000) is None


def test_messages_are_read() -> None:
    assert isinstance(read(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\r', 100), JSONRPCRequest)
    notification = read(b'{"jsonrpc":"2.0","method":"n","params":{"id":1}}', 100)
    assert isinstance(notification, JSONRPCNotification)


@pytest.mark.parametrize(
    ("head", "tail", "request_id"),
    [
        (b'{"jsonrpc": "2.0", "id": 12, "method": "tools/call", "params": {"a": "xxx', b'xxx"}}', 12),
        (b'{"method":"tools/call","params":{"id":5,"a":"xx', b'xx"},"jsonrpc":"2.0","id":"z"}', "z"),
        (b'{"method":"tools/call","params":{"id":5,"a":"xx', b'xx"}}', None),
        (b'{"params":{"arguments":{"id":5,', b"}}}", None),
        (b"xxx", b"xxx", None),
    ],
)
def test_an_overlong_request_is_answered_under_its_own_id_and_never_under_an_argument(
    head: bytes, tail: bytes, request_id: int | str | None
) -> None:
    answer = read(Overlong(head, tail, 5_000_000), 1_000_000)
    assert isinstance(answer, Refusal)
    assert answer.id == request_id
    assert "5,000,000 bytes" in answer.error.message
