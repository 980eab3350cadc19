"""What a guest may try against other hosts: where it goes, and what it writes into a request."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Network, Secret
from tests.sandbox.host.http_guests import example, grant, guest
from tests.sandbox.network.connections import PUBLIC, Recorder
from tests.sandbox.network.server import ok, serving


def test_a_private_address_is_reached_with_the_grant_and_not_without(tmp_path: Path) -> None:
    """The proof that the guard is what stands between: the same request, once let through."""
    with serving(lambda *_: ok(b"internal")) as server, guest(tmp_path) as it:
        it.grants = (grant(server.port, private=True),)
        assert it.fetch(server.authority).body == b"internal"
        it.grants = (grant(server.port, private=False),)
        got = it.fetch(server.authority)
        assert (got.stage, got.code) == ("handle", "HTTP-request-denied")
        assert "loopback" in got.report.denials[0].rule
        assert server.connections == 1


ADDRESSES = (
    "127.0.0.1",
    "10.1.2.3",
    "169.254.169.254",
    "0.0.0.0",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::127.0.0.1",
    "fe80::1",
    "fd00:ec2::254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "not an address",
)


def test_a_public_name_with_an_address_that_is_not_is_not_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Recorder({"example.com": [[address] for address in ADDRESSES]})
    with guest(tmp_path, example(), client=network.client(), monkeypatch=monkeypatch) as it:
        for address in ADDRESSES:
            got = it.fetch("example.com")
            assert (got.stage, got.code) == ("answer", "destination-IP-prohibited"), address
            (denial,) = got.report.denials
            assert denial.asked == "GET http://example.com/"
        assert network.dialled == []


def test_one_private_address_beside_a_public_one_refuses_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Recorder({"example.com": [[PUBLIC, "10.0.0.1"]]})
    with guest(tmp_path, example(), client=network.client(), monkeypatch=monkeypatch) as it:
        assert it.fetch("example.com").code == "destination-IP-prohibited"
        assert network.dialled == []


def test_a_name_that_is_bound_anew_is_checked_anew_and_connected_to_as_it_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(lambda *_: ok(b"first", "Connection: close")) as server:
        network = Recorder({"example.com": [[PUBLIC], ["127.0.0.1"]]}, to=server.port)
        with guest(tmp_path, example(), client=network.client(), monkeypatch=monkeypatch) as it:
            assert it.fetch("example.com").body == b"first"
            assert network.dialled == [(PUBLIC, 80)]
            assert network.asked == ["example.com"]  # once: what was checked is what was connected to
            got = it.fetch("example.com")
            assert got.code == "destination-IP-prohibited"
            assert network.dialled == [(PUBLIC, 80)]
            (denial,) = got.report.denials
            assert denial.grant == Network(("example.com",), ("http",), (), ("GET",), private=True)
            # The proof that the check is what stands between: once let through, it is connected to.
            it.grants = (denial.grant,)
            assert it.fetch("example.com").body == b"first"
            assert network.dialled[-1] == ("127.0.0.1", 80)


@pytest.mark.parametrize("location", ["http://169.254.169.254/latest/", "http://127.0.0.1/", "//10.0.0.1/"])
def test_a_redirect_is_the_guests_business_and_checked_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    with serving(lambda *_: ok(b"", f"Location: {location}", status="302 Found")) as server:
        network = Recorder({"example.com": [[PUBLIC]]}, to=server.port)
        with guest(tmp_path, example(), client=network.client(), monkeypatch=monkeypatch) as it:
            got = it.fetch("example.com")
            assert (got.status, got.header("location")) == (302, [location.encode()])
            assert network.dialled == [(PUBLIC, 80)]
            next_ = it.fetch(location.split("//")[1].partition("/")[0])
            assert next_.code == "HTTP-request-denied"
            assert network.dialled == [(PUBLIC, 80)]


AUTHORITIES = (
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "127.1",
    "0177.0.0.1",
    "127.0.0.1.",
    "user@example.com",
    "user:password@example.com",
    "example.com@127.0.0.1",
    "[::1%25eth0]",
    "[fe80::1%eth0]",
    "[::1",
    "::1",
    "example.com:0",
    "example.com:65536",
    "example.com:",
    "example.com:80:80",
    "example.com/",
    "example.com#x",
    "example.com\\@127.0.0.1",
    "exa mple.com",
    "example.com\r\nHost: other",
    "example.com\0",
    "%6cocalhost",
    "ex\u0430mple.com",
    "\uff11\uff12\uff17.0.0.1",
    "..",
    "example..com",
    "",
)


def test_an_authority_has_one_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Recorder({})
    with guest(tmp_path, example("*"), client=network.client(), monkeypatch=monkeypatch) as it:
        for authority in AUTHORITIES:
            assert it.fetch(authority).stage == "authority", authority
        assert (network.asked, network.dialled) == ([], [])


@pytest.mark.parametrize("authority", ["LOCALHOST", "localhost.", "LocalHost.:80"])
def test_a_name_is_the_same_in_any_case_and_with_its_dot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: str
) -> None:
    network = Recorder({"localhost": [["127.0.0.1"]]})
    with guest(tmp_path, example("localhost"), client=network.client(), monkeypatch=monkeypatch) as it:
        assert it.fetch(authority).code == "destination-IP-prohibited"
        assert network.asked == ["localhost"]
        it.grants = (example("other.example"),)
        assert it.fetch(authority).code == "HTTP-request-denied"


def test_a_name_that_only_looks_like_the_granted_one_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Recorder({})
    with guest(tmp_path, example(), client=network.client(), monkeypatch=monkeypatch) as it:
        for authority in ("xn--exmple-4nf.com", "example.com.evil.example", "notexample.com"):
            assert it.fetch(authority).code == "HTTP-request-denied"
        assert network.asked == []


LINES = ("a\r\nX-Injected: 1", "a\nX-Injected: 1", "a\rX-Injected: 1", "a\0b", "a\x7fb")


def test_nothing_that_a_guest_writes_ends_a_line(tmp_path: Path) -> None:
    with guest(tmp_path, example("*")) as it:
        for text in LINES:
            assert it.fetch("example.com", headers=(("X-A", text.encode()),)).code == "invalid-syntax"
            assert it.fetch("example.com", headers=((text, b"a"),)).code == "invalid-syntax"
            assert it.fetch("example.com", method=text).stage == "method"
            assert it.fetch("example.com", path=f"/{text}").stage == "path"
            assert it.fetch("example.com", scheme=text).stage == "scheme"


CONNECTION = (
    "Host",
    "connection",
    "Keep-Alive",
    "Transfer-Encoding",
    "te",
    "Trailer",
    "Upgrade",
    "Proxy-Authorization",
)


def test_what_belongs_to_a_connection_is_not_the_guests(tmp_path: Path) -> None:
    with guest(tmp_path, example("*")) as it:
        for name in CONNECTION:
            got = it.fetch("example.com", headers=((name, b"chunked"),))
            assert (got.stage, got.code) == ("headers", "forbidden"), name


LENGTHS: tuple[tuple[tuple[tuple[str, bytes], ...], bytes | None, str, str], ...] = (
    ((("Content-Length", b"3"),), b"body", "finish", "HTTP-request-body-size"),
    ((("Content-Length", b"5"),), b"body", "finish", "HTTP-request-body-size"),
    ((("Content-Length", b"4"), ("content-length", b"0")), b"body", "finish", "HTTP-protocol-error"),
    ((("Content-Length", b"+4"),), b"body", "finish", "HTTP-protocol-error"),
    ((("Content-Length", b"4, 4"),), b"body", "finish", "HTTP-protocol-error"),
    ((("Content-Length", b"4"),), None, "handle", "HTTP-request-body-size"),
    ((("Content-Length", b"x"),), None, "handle", "HTTP-protocol-error"),
)


def test_a_length_that_is_not_the_bodys_sends_nothing(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port, "POST")) as it:
        for headers, body, stage, code in LENGTHS:
            got = it.fetch(server.authority, method="POST", headers=headers, body=body)
            assert (got.stage, got.code) == (stage, code), headers
        assert server.connections == 0


def test_a_length_that_is_the_bodys_is_sent_once(tmp_path: Path) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port, "POST")) as it:
        headers = (("content-length", b"4"), ("Content-Length", b" 4 "))
        assert it.fetch(server.authority, method="POST", headers=headers, body=b"body").status == 200
        assert server.seen[0].header("content-length") == ["4"]


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_no_tunnel_is_made(tmp_path: Path, method: str) -> None:
    with serving(lambda *_: ok(b"")) as server, guest(tmp_path, grant(server.port, "*")) as it:
        assert it.fetch(server.authority, method=method).code == "HTTP-request-method-invalid"
        assert server.connections == 0


def test_a_secret_goes_to_the_hosts_that_its_grant_names_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    key.write_text("s3cret-value")
    key.chmod(0o600)
    named = Secret("api", f"file:{key}", hosts=("example.com",))
    headers = (("Authorization", b"Bearer {{secret:api}}"),)
    with serving(lambda *_: ok(b"")) as server:
        network = Recorder({"example.com": [[PUBLIC]], "other.example": [[PUBLIC]]}, to=server.port)
        hosts = Network(("example.com", "other.example"), ("http",), (), ("GET",))
        with guest(tmp_path / "home", hosts, named, client=network.client(), monkeypatch=monkeypatch) as it:
            refused = it.fetch("other.example", headers=headers)
            assert (refused.code, network.asked) == ("HTTP-request-denied", [])
            assert "s3cret" not in str(refused.report)
            got = it.fetch("example.com", headers=headers)
            assert got.status == 200
            assert server.seen[0].header("authorization") == ["Bearer s3cret-value"]
            assert "s3cret" not in str(got.report)


def test_a_refusal_is_told_also_to_a_person_whose_guest_does_not_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Recorder({"example.com": [["127.0.0.1"]]})
    with guest(tmp_path, example(), client=network.client(), monkeypatch=monkeypatch) as it:
        # It waits for the second answer, and by then the first one has come to its end as well.
        assert it.call("race", authority="example.com", path="/", ns=10**11)[0] == 0
        _, report = it.call("race", authority="example.com", path="/", ns=10**11)
        assert [denial.asked for denial in report.denials] == ["GET http://example.com/"]
