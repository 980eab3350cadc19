"""``wasi:http`` as a guest has it: requests, bodies, waits, and what it says when it is misused."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Clock, Storage
from mcp_wasm.errors import ComponentRefused
from mcp_wasm.runtime import Runtime
from tests.sandbox.host.http_guests import CODES, PROGRAM, grant, guest
from tests.sandbox.network.server import Seen, ok, serving


def test_an_answer_comes_whole_and_the_request_is_what_the_guest_wrote(tmp_path: Path) -> None:
    with serving(lambda seen, _: ok(b"hi " + seen.body, "X-Answer: a", "X-Answer: b")) as server:
        with guest(tmp_path, grant(server.port, "GET", "POST")) as it:
            got = it.fetch(server.authority, "/a/b?q=1", "POST", (("X-Asked", b"\xc3\xa4"),), b"body")
        assert (got.status, got.body) == (200, b"hi body")
        assert got.header("x-answer") == [b"a", b"b"]
        assert server.seen[0].line == "POST /a/b?q=1 HTTP/1.1"
        assert server.seen[0].head.split(b"\r\n")[1:] == [
            f"Host: {server.authority}".encode(),
            b"X-Asked: \xc3\xa4",
            b"Content-Length: 4",
        ]
        assert server.seen[0].body == b"body"


def test_a_request_without_a_body_has_no_length(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port)) as it:
        assert it.fetch(server.authority).status == 200
        assert server.seen[0].header("content-length") == []


def test_an_empty_body_is_a_body_of_no_bytes(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port, "POST")) as it:
        assert it.fetch(server.authority, method="POST", body=b"").status == 200
        assert server.seen[0].header("content-length") == ["0"]


def test_the_interface_keeps_its_rules(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port)) as it:
        value, _ = it.call("odd", authority=server.authority, path="/")
    # In the order of `odd`: immutable, none, refused twice, not yet, refused, immutable, refused twice, none.
    assert list(base64.b64decode(value)) == [2, 0, 1, 1, 0, 1, 2, 1, 1, 0]


def test_several_requests_of_one_call_overlap(tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=15)

    def reply(_seen: Seen, _connection: object) -> bytes:
        together.wait()
        return ok(b"")

    with serving(reply) as server, guest(tmp_path, grant(server.port)) as it:
        assert it.call("many", authority=server.authority, path="/", count=4, how=2)[0] == [4, 4]


def test_an_answer_wakes_whoever_waits_for_it_and_a_timer_too(tmp_path: Path) -> None:
    held = threading.Event()

    def reply(seen: Seen, _connection: object) -> bytes:
        if "/held" in seen.line:
            held.wait(15)
        return ok(b"")

    with serving(reply) as server, guest(tmp_path, grant(server.port)) as it:
        assert it.call("race", authority=server.authority, path="/", ns=10**11)[0] == 0
        assert it.call("race", authority=server.authority, path="/held", ns=10**6)[0] == 1
        held.set()


def test_a_clock_that_stands_has_timers_all_the_same(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port), Clock("fixed")) as it:
        assert it.call("race", authority=server.authority, path="/", ns=10**11)[0] == 0


def test_what_is_not_granted_is_denied_and_told(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port)) as it:
        got = it.fetch(server.authority, "/path?token=hidden", "DELETE")
        (denial,) = got.report.denials
        assert (got.stage, got.code) == ("handle", "HTTP-request-denied")
        assert denial.capability == "network"
        assert denial.asked == f"DELETE http://{server.authority}/path"
        assert denial.grant == grant(server.port, "DELETE")
        assert "allows GET to 127.0.0.1" in denial.rule
        assert "hidden" not in str(denial)
        assert server.connections == 0
        it.grants = (denial.grant,)
        assert it.fetch(server.authority, "/path", "DELETE").status == 200


def test_without_a_grant_everything_but_a_request_works(tmp_path: Path) -> None:
    with guest(tmp_path) as it:
        got = it.fetch("example.com", method="POST", body=b"body", scheme="https")
        assert (got.stage, got.code) == ("handle", "HTTP-request-denied")
        assert [d.asked for d in got.report.denials] == ["POST https://example.com/"]
        assert it.call("pour", count=16)[0] == 0  # 64 KiB
        assert CODES[it.call("pour", count=17)[0] - 1] == "HTTP-request-body-size"


@pytest.mark.parametrize("granted", [True, False])
def test_no_guest_is_told_of_the_spool(tmp_path: Path, granted: bool) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    grants = [grant(80)] if granted else []
    with guest(tmp_path / "home", Storage(folder, "/data"), *grants) as it:
        assert sorted(it.call("folders")[0]) == ["/", "/data"]


def test_a_body_that_is_dropped_is_not_sent(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port)) as it:
        value, _ = it.call("unfinished", authority=server.authority, drop=True)
        assert CODES[value] == "HTTP-protocol-error"
        assert server.connections == 0


def test_a_body_that_is_never_finished_fails_at_the_end_of_the_requests_time(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port, seconds=0.05)) as it:
        value, _ = it.call("unfinished", authority=server.authority, drop=False)
        assert CODES[value] == "connection-write-timeout"
        assert server.connections == 0


@pytest.mark.parametrize("version", ["0.2.1", "0.2.10", "0.2.12", "0.2.99"])
def test_any_released_version_of_the_interface_is_the_same(tmp_path: Path, version: str) -> None:
    text = PROGRAM.read_text(encoding="utf-8").replace("wasi:http/types@0.2.0", f"wasi:http/types@{version}")
    path = tmp_path / "other.wat"
    path.write_text(text.replace("wasi:http/outgoing-handler@0.2.0", f"wasi:http/outgoing-handler@{version}"))
    with serving(lambda *_: ok(b"")) as server, Runtime(home=tmp_path / "home") as runtime:
        runtime.add(path)
        done = runtime.call_sync(
            "other_many",
            {"authority": server.authority, "path": "/", "count": 1, "how": 2},
            approved=[grant(server.port)],
        )
        assert done.value == [1, 1]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            '[method]input-stream.subscribe" (func (param "self" (borrow $in)) (result (own $p)))',
            '[method]input-stream.subscribe" (func (param "self" (borrow $in)) (result u64))',
        ),
        (
            '(param "authority" (option string)) (result (result))',
            '(param "authority" string) (result (result))',
        ),
        ('[method]incoming-response.status" (func (param "self" (borrow $response)) (result u16))', ""),
    ],
)
def test_another_signature_than_the_hosts_is_refused(tmp_path: Path, ours: str, theirs: str) -> None:
    text = PROGRAM.read_text(encoding="utf-8")
    assert ours in text
    if not theirs:
        theirs = ours.replace("u16", "u32")
    # Only the imports matter here, so that the rest of the guest is left out.
    head = text.partition("  (core module $libc")[0].replace(ours, theirs)
    path = tmp_path / "odd.wat"
    path.write_text(f"{head})")
    with (
        Runtime(home=tmp_path / "home") as runtime,
        pytest.raises(ComponentRefused, match="another signature"),
    ):
        runtime.add(path)
