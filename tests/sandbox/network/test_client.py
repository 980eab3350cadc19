"""The client by itself: addresses one after the other, IPv6, its own thread, and its end."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import httpcore2
import pytest

from mcp_wasm.capability.grant import Network
from mcp_wasm.sandbox.network.client import Client
from mcp_wasm.sandbox.network.failure import Failure
from mcp_wasm.sandbox.network.message import Request
from mcp_wasm.sandbox.network.pinned import dial
from tests.sandbox.network.server import ok, serving, stalling


def request(folder: Path, host: str, port: int, **more: object) -> Request:
    fields: dict[str, object] = {
        "component": "it",
        "method": "GET",
        "scheme": "http",
        "host": host,
        "port": port,
        "target": "/",
        "headers": (),
        "body": None,
        "size": 0,
        "into": folder / "answer",
        "grant": Network((host,), ("http",), (port,), private=True),
        "deadline": time.monotonic() + 10,
    }
    return Request(**{**fields, **more})  # type: ignore[arg-type]


def test_the_next_address_is_tried_where_one_does_not_answer(tmp_path: Path) -> None:
    dialled: list[str] = []

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async def refuse_the_first(ip: str, port: int, seconds: float | None) -> httpcore2.AsyncNetworkStream:
        dialled.append(ip)
        if ip == "127.0.0.2":
            raise httpcore2.ConnectError("nothing is there")
        return await dial(ip, port, seconds)

    client = Client(resolve, refuse_the_first)
    with serving(lambda *_: ok(b"")) as server:
        session = client.session()
        assert session.start(request(tmp_path, "name.example", server.port)).result(15).status == 200
        session.close()
    client.close()
    assert dialled == ["127.0.0.2", "127.0.0.1"]


def test_names_come_from_the_systems_resolver(tmp_path: Path) -> None:
    client = Client()
    with serving(lambda *_: ok(b"")) as server:
        session = client.session()
        assert session.start(request(tmp_path, "localhost", server.port)).result(15).status == 200
        session.close()
    client.close()


def test_a_name_that_nobody_knows_is_an_error_of_names(tmp_path: Path) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "nobody knows it")

    client = Client(resolve)
    failed = client.session().start(request(tmp_path, "name.example", 80)).exception(15)
    client.close()
    assert isinstance(failed, Failure)
    assert failed.value() == {"tag": "DNS-error", "val": {"rcode": None, "info-code": None}}


def test_a_resolver_that_hangs_ends_with_the_time_to_connect(tmp_path: Path) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        raise TimeoutError

    client = Client(resolve)
    failed = client.session().start(request(tmp_path, "name.example", 80, connect=0.01)).exception(15)
    client.close()
    assert isinstance(failed, Failure)
    assert failed.code == "DNS-timeout"


def test_the_slow_names_of_one_component_leave_room_for_those_of_others(tmp_path: Path) -> None:
    begun, answer = threading.Semaphore(0), threading.Event()

    async def resolve(host: str, _port: int) -> list[str]:
        if host == "slow.example":
            begun.release()
            await asyncio.to_thread(answer.wait, 15)
        return ["127.0.0.1"]

    client = Client(resolve)
    with serving(lambda *_: ok(b"")) as server:
        first, second = client.session(), client.session()
        slow = [first.start(request(tmp_path, "slow.example", server.port)) for _ in range(6)]
        assert all(begun.acquire(timeout=15) for _ in range(4))
        for future in slow[:4]:
            future.cancel()  # nobody waits any more, and the lookup still counts
        other = request(tmp_path, "other.example", server.port, component="other")
        assert second.start(other).result(15).status == 200
        assert not begun.acquire(blocking=False)
        answer.set()
        assert [future.result(15).status for future in slow[4:]] == [200, 200]
        first.close()
        second.close()
    client.close()


def test_a_connection_that_is_never_made_ends_with_the_request(tmp_path: Path) -> None:
    async def never(_ip: str, _port: int, _seconds: float | None) -> httpcore2.AsyncNetworkStream:
        await asyncio.Event().wait()
        raise AssertionError

    client = Client(dial=never)
    made = request(tmp_path, "127.0.0.1", 80, deadline=time.monotonic() + 0.05)
    failed = client.session().start(made).exception(15)
    client.close()
    assert isinstance(failed, Failure)
    assert failed.code == "connection-timeout"


def test_the_guests_own_time_between_bytes_holds(tmp_path: Path) -> None:
    client = Client()
    with serving(stalling) as server:
        made = request(tmp_path, "127.0.0.1", server.port, target="/head", between_bytes=0.05)
        failed = client.session().start(made).exception(15)
        client.close()
    assert isinstance(failed, Failure)
    assert failed.code == "connection-read-timeout"


def test_ipv6_is_connected_to_by_its_address(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    client = Client()
    with serving(lambda *_: ok(b""), host="::1") as server:
        session = client.session()
        assert session.start(request(tmp_path, "::1", server.port)).result(15).status == 200
        assert server.seen[0].header("host") == [f"[::1]:{server.port}"]
        session.close()
    client.close()


def test_a_cancelled_request_closes_its_connection(tmp_path: Path) -> None:
    client = Client()
    with serving(stalling) as server:
        session = client.session()
        future = session.start(request(tmp_path, "127.0.0.1", server.port, target="/head"))
        with server.changed:
            assert server.changed.wait_for(lambda: server.seen, 15)
        future.cancel()
        server.settled()
        with pytest.raises(CancelledError):
            future.result()
        session.close()
    client.close()


def test_a_client_ends_with_requests_under_way(tmp_path: Path) -> None:
    client = Client()
    with serving(stalling) as server:
        future = client.session().start(request(tmp_path, "127.0.0.1", server.port))
        with server.changed:
            assert server.changed.wait_for(lambda: server.seen, 15)
        client.close()
        assert future.done()
    assert not [t for t in threading.enumerate() if t.name == "mcp-wasm network"]
    with pytest.raises(RuntimeError, match="closed"):
        client.session().start(request(tmp_path, "127.0.0.1", 1))


def test_a_client_that_was_never_used_has_no_thread() -> None:
    client = Client()
    client.session().close()
    assert not [t for t in threading.enumerate() if t.name == "mcp-wasm network"]
    client.close()


def test_what_belongs_to_the_connection_is_ours_whatever_a_request_has(tmp_path: Path) -> None:
    client = Client()
    headers = (
        ("Host", b"other.example"),
        ("transfer-encoding", b"chunked"),
        ("Connection", b"upgrade"),
        ("content-length", b"7"),
        ("X-Kept", b" kept\t"),
    )
    with serving(lambda *_: ok(b"")) as server:
        session = client.session()
        assert (
            session.start(request(tmp_path, "127.0.0.1", server.port, headers=headers)).result(15).status
            == 200
        )
        session.close()
        assert server.seen[0].head.split(b"\r\n")[1:] == [
            f"Host: {server.authority}".encode(),
            b"X-Kept: kept",
        ]
    client.close()


def test_what_is_said_of_a_request_has_no_secrets(tmp_path: Path) -> None:
    made = request(tmp_path, "name.example", 80, headers=(("A", b"hidden"),), target="/a?b=hidden")
    assert "hidden" not in made.asked()
    assert "headers" not in repr(made)
