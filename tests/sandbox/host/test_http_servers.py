"""What a server may do to the guest that asks it."""

from __future__ import annotations

import gzip
import socket
from pathlib import Path

import pytest

from tests.sandbox.host.http_guests import grant, guest
from tests.sandbox.network.server import Reply, Seen, ok, serving, stalling


def _answering(raw: bytes) -> Reply:
    def reply(_seen: Seen, connection: socket.socket) -> None:
        connection.sendall(raw)

    return reply


CHUNK = b"1000\r\n" + b"x" * 4096 + b"\r\n"


def _endless(first: bytes, again: bytes) -> Reply:
    def reply(_seen: Seen, connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(again)

    return reply


START = b"HTTP/1.1 200 OK\r\n"


MISBEHAVING: tuple[tuple[Reply, str], ...] = (
    (_answering(START + b"X-A: " + b"a" * 200_000 + b"\r\n\r\n"), "HTTP-response-header-section-size"),
    (_answering(START + b"X-A: a\r\n" * 201 + b"\r\n"), "HTTP-response-header-section-size"),
    (_endless(START, b"X-A: a\r\n" * 100), "HTTP-response-header-section-size"),
    (_answering(START + b"Content-Length: 10001\r\n\r\n"), "HTTP-response-body-size"),
    (_answering(ok(b"x" * 10_001)), "HTTP-response-body-size"),
    (_endless(START + b"Transfer-Encoding: chunked\r\n\r\n", CHUNK), "HTTP-response-body-size"),
    (_endless(START + b"\r\n", b"x" * 4096), "HTTP-response-body-size"),
    (_answering(START + b"Content-Length: 10\r\n\r\nhalf"), "HTTP-response-incomplete"),
    (_answering(b""), "HTTP-response-incomplete"),
    (_answering(b"SSH-2.0-OpenSSH_9\r\n\r\n"), "HTTP-protocol-error"),
    (_answering(START + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), "HTTP-protocol-error"),
    (_answering(START + b"Content-Length: -1\r\n\r\n"), "HTTP-protocol-error"),
    (_answering(START + b"X-A: a\x00b\r\n\r\n"), "HTTP-protocol-error"),
    (
        _answering(b"HTTP/1.1 101 Switch\r\nConnection: upgrade\r\n\r\n"),
        "HTTP-protocol-error",
    ),
)


def test_a_server_that_misbehaves_costs_its_request(tmp_path: Path) -> None:
    with guest(tmp_path) as it:
        for index, (reply, code) in enumerate(MISBEHAVING):
            with serving(reply) as server:
                it.grants = (grant(server.port, response_bytes=10_000),)
                got = it.fetch(server.authority)
                assert (got.stage, got.code) == ("answer", code), index


def test_an_answer_of_just_the_limit_comes_whole(tmp_path: Path) -> None:
    raw = START + b"X-A: a\r\n" * 199 + b"Content-Length: 10000\r\n\r\n" + b"x" * 10_000
    with (
        serving(_answering(raw)) as server,
        guest(tmp_path, grant(server.port, response_bytes=10_000)) as it,
    ):
        got = it.fetch(server.authority)
        assert (got.status, len(got.body), len(got.headers)) == (200, 10_000, 200)


def test_a_compressed_answer_stays_as_it_was_sent(tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * 5_000_000)
    with (
        serving(lambda *_: ok(bomb, "Content-Encoding: gzip")) as server,
        guest(tmp_path, grant(server.port, response_bytes=len(bomb))) as it,
    ):
        got = it.fetch(server.authority)
        assert (got.body, got.header("content-encoding")) == (bomb, [b"gzip"])


@pytest.mark.parametrize("path", ["/", "/head", "/interim"])
def test_a_server_that_never_ends_is_waited_for_as_long_as_the_grant_says(tmp_path: Path, path: str) -> None:
    with serving(stalling) as server, guest(tmp_path, grant(server.port, seconds=0.1)) as it:
        # On a machine that is busy enough there is not even a connection in that time.
        assert it.fetch(server.authority, path).code in {"HTTP-response-timeout", "connection-timeout"}
        server.settled()


def test_a_guest_may_wait_for_less(tmp_path: Path) -> None:
    with serving(stalling) as server, guest(tmp_path, grant(server.port)) as it:
        assert it.fetch(server.authority, first_byte=10**7).code == "HTTP-response-timeout"


def test_an_answer_in_single_bytes_is_the_same_answer(tmp_path: Path) -> None:
    pieces = START + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n"
    with serving(_answering(pieces)) as server, guest(tmp_path, grant(server.port)) as it:
        got = it.fetch(server.authority)
        assert (got.status, got.body, got.header("transfer-encoding")) == (200, b"x" * 1000, [])
