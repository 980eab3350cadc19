"""A server that gives back what it was sent: a secret that the guest never had does not come out that way."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Secret
from tests.sandbox.host.http_guests import grant, guest
from tests.sandbox.network.server import ok, serving

VALUE = "correct horse battery"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text(VALUE)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("before", ["", "x", "xy", "you sent "])
def test_what_a_server_echoes_of_a_secret_is_not_in_the_result(
    tmp_path: Path, key: Path, before: str
) -> None:
    secret = Secret("api", f"file:{key}", hosts=("127.0.0.1",))
    with serving(lambda seen, _: ok(before.encode() + seen.header("x-key")[0].encode())) as server:
        with guest(tmp_path / "home", grant(server.port), secret) as it:
            value, report = it.call(
                "fetch",
                method="GET",
                scheme="http",
                authority=server.authority,
                path="/",
                headers=[["X-Key", base64.b64encode(b"{{secret:api}}").decode()]],
                body=None,
                **{"first-byte": 0},
            )
        assert server.seen[0].header("x-key") == [VALUE]
    status, _, body = value
    assert status == 200
    assert base64.b64decode(body, validate=True).decode() == f"{before}[secret api]"
    assert VALUE not in repr((value, report))


def test_a_placeholder_in_a_path_or_a_body_is_only_text(tmp_path: Path, key: Path) -> None:
    secret = Secret("api", f"file:{key}", hosts=("127.0.0.1",))
    with serving(lambda *_: ok(b"")) as server:
        with guest(tmp_path / "home", grant(server.port, "POST"), secret) as it:
            it.fetch(server.authority, "/?key=%7B%7Bsecret:api%7D%7D", "POST", body=b"{{secret:api}}")
        (seen,) = server.seen
    assert VALUE not in seen.line
    assert seen.body == b"{{secret:api}}"


def test_a_placeholder_in_two_headers_is_none(tmp_path: Path, key: Path) -> None:
    secret = Secret("api", f"file:{key}", hosts=("127.0.0.1",))
    with serving(lambda *_: ok(b"")) as server:
        with guest(tmp_path / "home", grant(server.port), secret) as it:
            it.fetch(server.authority, headers=(("X-One", b"{{secret:"), ("X-Two", b"api}}")))
        (seen,) = server.seen
    assert (seen.header("x-one"), seen.header("x-two")) == (["{{secret:"], ["api}}"])
