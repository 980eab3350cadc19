"""Trying again and leaving a host alone, over real connections and without pauses."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Network
from mcp_wasm.sandbox.network.again import Pauses
from mcp_wasm.sandbox.network.client import Client
from mcp_wasm.sandbox.network.failure import Failure
from mcp_wasm.sandbox.network.message import Answer, Request
from tests.sandbox.network.server import Reply, Seen, Server, ok, serving

AT_ONCE = Pauses(first=0.0, longest=0.0, jitter=0.0, alone=1000.0)

Send = Callable[..., Future[Answer]]


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client(pauses=AT_ONCE)
    yield made
    made.close()


def sender(client: Client, server: Server, folder: Path) -> Send:
    session = client.session()
    numbers = itertools.count()

    def send(method: str = "GET", *, retries: int = 0, breaker: int = 0) -> Future[Answer]:
        grant = Network(("127.0.0.1",), ("http",), (server.port,), ("*",), private=True)
        request = Request(
            component="it",
            method=method,
            scheme="http",
            host="127.0.0.1",
            port=server.port,
            target="/",
            headers=(),
            body=None,
            size=0,
            into=folder / f"answer{next(numbers)}",
            grant=replace(grant, retries=retries, breaker=breaker),
            deadline=time.monotonic() + 10,
        )
        return session.start(request)

    return send


def statuses(*lines: str) -> Reply:
    """Answers with these status lines (and headers) in turn, the last one for ever."""
    left = list(lines)

    def reply(_seen: Seen, connection: socket.socket) -> bytes | None:
        line = left.pop(0) if len(left) > 1 else left[0]
        if line == "broken":
            return None
        status, _, header = line.partition("|")
        return ok(b"", *([header] if header else []), status=status)

    return reply


@pytest.mark.parametrize("line", ["503 Busy", "429 Slow down|Retry-After: 0", "broken"])
def test_what_may_be_repeated_is_tried_again(client: Client, tmp_path: Path, line: str) -> None:
    with serving(statuses(line, line, "200 OK")) as server:
        send = sender(client, server, tmp_path)
        assert send(retries=2).result(15).status == 200
        assert len(server.seen) == 3


@pytest.mark.parametrize(("line", "method", "retries"), [("503 Busy", "GET", 1), ("503 Busy", "POST", 5)])
def test_the_last_answer_is_the_guests(
    client: Client, tmp_path: Path, line: str, method: str, retries: int
) -> None:
    with serving(statuses(line)) as server:
        assert sender(client, server, tmp_path)(method, retries=retries).result(15).status == 503
        assert len(server.seen) == (retries + 1 if method == "GET" else 1)


@pytest.mark.parametrize("line", ["404 Not found", "500 Failed", "200 OK"])
def test_other_answers_are_taken_as_they_come(client: Client, tmp_path: Path, line: str) -> None:
    with serving(statuses(line)) as server:
        assert sender(client, server, tmp_path)(retries=3).result(15).status == int(line[:3])
        assert len(server.seen) == 1


def test_what_the_server_may_have_carried_out_is_not_repeated(client: Client, tmp_path: Path) -> None:
    with serving(statuses("broken")) as server:
        with pytest.raises(Failure, match="HTTP-response-incomplete"):
            sender(client, server, tmp_path)("POST", retries=3).result(15)
        assert len(server.seen) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_refuses_was_not_told_anything(
    tmp_path: Path, method: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(statuses("200 OK")) as server:
        pass  # its port is free again
    send = sender(client, server, tmp_path)
    with pytest.raises(Failure, match="connection-refused"):
        send(method, retries=2).result(15)


@pytest.mark.parametrize(
    "after", ["1000", format_datetime(datetime.now(UTC) + timedelta(hours=1))], ids=["seconds", "a date"]
)
def test_a_pause_that_the_request_has_no_time_for_is_not_made(
    client: Client, tmp_path: Path, after: str
) -> None:
    with serving(statuses(f"503 Busy|Retry-After: {after}", "200 OK")) as server:
        assert sender(client, server, tmp_path)(retries=3).result(15).status == 503
        assert len(server.seen) == 1


@pytest.mark.parametrize("after", ["nonsense", "-1", "9" * 100, ""])
def test_a_pause_that_makes_no_sense_is_ours(client: Client, tmp_path: Path, after: str) -> None:
    with serving(statuses(f"503 Busy|Retry-After: {after}", "200 OK")) as server:
        assert sender(client, server, tmp_path)(retries=1).result(15).status == 200


@pytest.mark.parametrize("line", ["500 Failed", "503 Busy", "broken"])
def test_a_host_that_fails_is_left_alone(client: Client, tmp_path: Path, line: str) -> None:
    with serving(statuses(line)) as server:
        send = sender(client, server, tmp_path)
        for _ in range(3):
            failed = send(breaker=3)
            assert failed.exception(15) is not None or failed.result().status in {500, 503}
        with pytest.raises(Failure, match="failed 3 times in a row") as caught:
            send(breaker=3).result(15)
        assert caught.value.code == "destination-unavailable"
        assert len(server.seen) == 3


def test_a_success_between_failures_counts_from_the_beginning(client: Client, tmp_path: Path) -> None:
    with serving(statuses("500 Failed", "200 OK", "500 Failed", "200 OK")) as server:
        send = sender(client, server, tmp_path)
        assert [send(breaker=2).result(15).status for _ in range(4)] == [500, 200, 500, 200]


def test_a_host_is_tried_once_more_after_a_while(tmp_path: Path) -> None:
    client = Client(pauses=replace(AT_ONCE, alone=1e-9))
    try:
        with serving(statuses("500 Failed", "200 OK")) as server:
            send = sender(client, server, tmp_path)
            assert [send(breaker=1).result(15).status for _ in range(3)] == [500, 200, 200]
    finally:
        client.close()


def test_the_guests_own_mistakes_say_nothing_of_the_host(client: Client, tmp_path: Path) -> None:
    with serving(statuses("404 Not found")) as server:
        send = sender(client, server, tmp_path)
        assert [send(breaker=1).result(15).status for _ in range(3)] == [404, 404, 404]


def test_a_host_that_is_left_alone_is_not_tried_again(client: Client, tmp_path: Path) -> None:
    with serving(statuses("503 Busy")) as server:
        send = sender(client, server, tmp_path)
        with pytest.raises(Failure, match="in a row"):
            send(breaker=2, retries=5).result(15)
        assert len(server.seen) == 2
