"""What this host must have back after a call, and what a guest can make it hold at most."""

from __future__ import annotations

import time
from pathlib import Path

import anyio
import pytest

from mcp_wasm.capability.grant import Network, gather
from mcp_wasm.errors import Cancelled, DeadlineExceeded, HandlesExhausted
from mcp_wasm.sandbox.call import About, Call, Permit
from mcp_wasm.sandbox.host import http_outgoing, http_state
from mcp_wasm.sandbox.host.http_bodies import OutgoingBody
from mcp_wasm.sandbox.host.http_fields import Fields
from mcp_wasm.sandbox.host.http_poll import waker
from mcp_wasm.sandbox.host.http_requests import OutgoingRequest
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.network.failure import error
from mcp_wasm.sandbox.services import Services
from mcp_wasm.sandbox.stop import Stop
from tests.sandbox.host.http_guests import CODES, example, gives_back, grant, guest, held
from tests.sandbox.network.server import ok, serving, stalling


def test_a_call_past_its_deadline_gives_everything_back(tmp_path: Path) -> None:
    with serving(stalling) as server, guest(tmp_path, grant(server.port)) as it:
        it.fetch(server.authority, first_byte=10**6)
        assert server.gone.acquire(timeout=15)
        server.settled()
        before = held()
        with pytest.raises(DeadlineExceeded):
            it.fetch(server.authority, "/head", deadline=0.1)
        assert server.gone.acquire(timeout=15)
        gives_back(before)


@pytest.mark.anyio
@pytest.mark.parametrize(("function", "more"), [("race", {"ns": 10**11}), ("size", {})])
async def test_a_cancelled_call_gives_everything_back(
    tmp_path: Path, function: str, more: dict[str, int]
) -> None:
    with serving(stalling) as server, guest(tmp_path, grant(server.port)) as it:
        it.fetch(server.authority, first_byte=10**6)
        assert server.gone.acquire(timeout=15)
        server.settled()
        before = held()
        arguments: dict[str, object] = {"authority": server.authority, "path": "/", **more}
        async with anyio.create_task_group() as group:

            async def call() -> None:
                with pytest.raises((Cancelled, anyio.get_cancelled_exc_class())):
                    await it.runtime.call(f"fetch_{function}", arguments, approved=it.grants)

            group.start_soon(call)
            with anyio.fail_after(15):
                while len(server.seen) < 2:  # noqa: ASYNC110 - a thread of the server sees it
                    await anyio.sleep(0.001)
            group.cancel_scope.cancel()
        await anyio.to_thread.run_sync(server.settled)
        with anyio.fail_after(15):
            # The test's own helper threads come and go, so that only what calls leave is compared.
            while held().spools != before.spools:  # noqa: ASYNC110 - a worker ends the call
                await anyio.sleep(0.001)


def test_what_a_guest_leaves_open_is_gone_with_its_call(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"x" * 1000)) as server, guest(tmp_path, grant(server.port)) as it:
        it.fetch(server.authority)
        server.settled()
        before = held()
        for how in (0, 1, 2):
            assert it.call("many", authority=server.authority, path="/", count=50, how=how)[0][0] == 50
        it.call("streams", count=50)
        gives_back(before)


def test_ten_thousand_requests_are_as_many_as_the_grant_says(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port, requests=20)) as it:
        value, report = it.call("many", authority=server.authority, path="/", count=10_000, how=1)
        assert value[0] == 20
        (denial,) = report.denials
        assert "20 requests in a call" in denial.rule
        assert denial.count == 9_980
        assert it.fetch(server.authority).status == 200  # the next call counts anew


def test_bodies_are_bounded_in_size_and_number(tmp_path: Path) -> None:
    with guest(tmp_path, grant(80, request_bytes=4096 * 4, requests=10)) as it:
        assert it.call("pour", count=4)[0] == 0
        assert CODES[it.call("pour", count=5)[0] - 1] == "HTTP-request-body-size"
        assert it.call("streams", count=1000)[0] == 74


def test_a_body_is_bounded_by_the_grant_that_it_is_sent_under(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server:
        other = Network(("other.example",), request_bytes=1000)
        with guest(tmp_path, grant(server.port, "POST", request_bytes=10), other) as it:
            got = it.fetch(server.authority, method="POST", body=b"x" * 11)
            assert (got.stage, got.code) == ("answer", "HTTP-request-body-size")
            assert server.connections == 0
            assert it.fetch(server.authority, method="POST", body=b"x" * 10).status == 200


def test_headers_are_bounded_together(tmp_path: Path) -> None:
    with guest(tmp_path, example()) as it:
        assert it.call("hoard", copies=1, count=2000, size=1)[0] == 1000
        taken = it.call("hoard", copies=150, count=10, size=30_000)[0]
        assert 4 * 1024 * 1024 * 0.9 < taken * 30_000 < 4 * 1024 * 1024


@pytest.mark.parametrize("size", [1, 30_000])
def test_a_guest_that_copies_headers_for_ever_ends_at_a_limit(tmp_path: Path, size: int) -> None:
    with guest(tmp_path) as it, pytest.raises(HandlesExhausted):
        it.call("copies", size=size)


@pytest.mark.parametrize(("count", "size", "code"), [(201, 1, "X"), (200, 1, ""), (2, 40_000, "X")])
def test_the_headers_of_one_request_are_bounded(tmp_path: Path, count: int, size: int, code: str) -> None:
    headers = tuple((f"x-{number}", b"a" * size) for number in range(count))
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port)) as it:
        got = it.fetch(server.authority, headers=headers)
        assert got.code == ("HTTP-request-header-section-size" if code else "")


@pytest.mark.parametrize(("length", "code"), [(8192, ""), (8193, "HTTP-request-URI-too-long")])
def test_a_path_is_bounded(tmp_path: Path, length: int, code: str) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port)) as it:
        assert it.fetch(server.authority, "/" + "a" * (length - 1)).code == code


def test_proxies_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda *_: ok(b"proxy")) as proxy, serving(lambda *_: ok(b"server")) as server:
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(variable, f"http://{proxy.authority}")
        with guest(tmp_path, grant(server.port)) as it:
            assert it.fetch(server.authority).body == b"server"
        assert proxy.connections == 0


def test_cookies_are_not_kept(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"", "Set-Cookie: a=b")) as server, guest(tmp_path, grant(server.port)) as it:
        it.call("many", authority=server.authority, path="/", count=1, how=2)
        it.fetch(server.authority)
        assert [seen.header("cookie") for seen in server.seen] == [[], []]


def test_no_two_calls_share_a_connection(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port)) as it:
        it.fetch(server.authority)
        it.fetch(server.authority)
        assert server.connections == 2


def test_the_guest_is_denied_before_its_runtime_has_a_network(tmp_path: Path) -> None:
    before = held().threads
    with guest(tmp_path) as it:
        assert it.fetch("example.com").code == "HTTP-request-denied"
        assert "mcp-wasm network" not in held().threads - before


def test_the_network_ends_with_its_runtime(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port)) as it:
        it.fetch(server.authority)
        assert "mcp-wasm network" in held().threads
    assert "mcp-wasm network" not in held().threads


@pytest.mark.parametrize("still", [True, False])
def test_a_body_that_is_finished_in_a_later_call_is_sent_only_under_a_grant_of_that_call(
    tmp_path: Path, still: bool
) -> None:
    """A session's instance goes on when its grants of the network change, and so do its handles."""
    with serving(lambda *_: ok(b"")) as server:
        network = grant(server.port, "POST")
        services, about = Services(tmp_path), About("fetch_send", "fetch", "0" * 64)
        call = Call(Permit(about, Limits(), services, gather([network])), Stop())
        try:
            call.stop.deadline = time.monotonic() + 30
            http_state.prepare(call)
            http = http_state.of(call)
            request = OutgoingRequest(Fields(http))
            request.method, request.scheme = {"tag": "post"}, {"tag": "http"}
            request.authority = server.authority
            request.body = body = OutgoingBody(http, ())
            answer = http_outgoing._handle(call, request, None)["ok"]
            call.renew(Permit(about, Limits(), services, gather([network] if still else [])), Stop())
            assert body.finish() == {"ok": None}
            while not answer.ready():
                waker(call).wait(0.02)
            found = answer.get()["ok"]
            assert "ok" in found if still else found == {"err": error("HTTP-request-denied")}
            assert len(server.seen) == still
            assert len(call.denials) == (not still)
        finally:
            call.end()
            call.close()
            services.close()
