"""The keys of an authorization server: fetched, kept, rotated, and never from where others could answer."""

from __future__ import annotations

import pytest

from mcp_wasm.errors import InvalidSettings
from mcp_wasm.server.access import Access, OAuth
from mcp_wasm.server.auth import authenticator
from mcp_wasm.server.jwks import Keys, check_url, keys_of
from tests.server.tokens import (
    ISSUER,
    RESOURCE,
    ec_key,
    jwk,
    jwks,
    rsa_key,
)


class Server:
    """An authorization server's keys, counted, and a clock."""

    def __init__(self) -> None:
        self.keys, self.asked, self.at, self.broken = jwks(jwk(rsa_key(), "k1")), 0, 0.0, False

    async def fetch(self, _url: str) -> bytes:
        self.asked += 1
        if self.broken:
            raise OSError("down")
        return self.keys

    def __call__(self) -> float:
        return self.at


def anything(_key: object) -> bool:
    return True


@pytest.mark.anyio
async def test_keys_are_fetched_when_needed_kept_and_fetched_again() -> None:
    server = Server()
    keys = Keys(OAuth(ISSUER, RESOURCE, jwks_url="https://keys.example"), fetch=server.fetch, now=server)
    assert server.asked == 0
    for _ in range(10):
        assert await keys.find("k1", anything)
    assert server.asked == 1
    server.at += 601
    assert await keys.find("k1", anything)
    assert server.asked == 2


@pytest.mark.anyio
async def test_a_rotation_is_followed_and_invented_names_cost_nothing() -> None:
    server = Server()
    keys = Keys(OAuth(ISSUER, RESOURCE, jwks_url="https://keys.example"), fetch=server.fetch, now=server)
    assert await keys.find("k1", anything)
    for number in range(100):
        assert await keys.find(f"invented{number}", anything) is None
    assert server.asked == 1
    server.keys = jwks(jwk(ec_key(), "k2"))
    server.at += 31
    assert await keys.find("k2", anything)
    assert await keys.find("k1", anything) is None
    assert server.asked == 2


@pytest.mark.anyio
async def test_keys_that_cannot_be_fetched_stay_for_a_day() -> None:
    server = Server()
    keys = Keys(OAuth(ISSUER, RESOURCE, jwks_url="https://keys.example"), fetch=server.fetch, now=server)
    server.broken = True
    assert await keys.find("k1", anything) is None
    server.broken, server.at = False, 31.0
    assert await keys.find("k1", anything)
    server.broken = True
    server.at += 80_000
    assert await keys.find("k1", anything)
    for document in (
        b"{}",
        b"[",
        b'{"keys":{}}',
        b"[" * 100_000,
        b'{"keys":' + str([{}] * 500).encode() + b"}",
    ):
        server.broken, server.keys = False, document
        server.at += 601
        assert await keys.find("k1", anything)
    server.at += 86_401
    assert await keys.find("k1", anything) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.example/jwks",
        "http://192.0.2.1/jwks",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "keys.example",
        "https://",
        "http://localhost.evil.example/",
    ],
)
def test_keys_come_only_over_tls_or_from_this_machine(url: str) -> None:
    with pytest.raises(InvalidSettings, match="jwks_url"):
        check_url(url)
    with pytest.raises(InvalidSettings, match="jwks_url"):
        authenticator(Access(oauth=OAuth(ISSUER, RESOURCE, jwks_url=url)))


@pytest.mark.parametrize(
    "url", ["https://keys.example/jwks", "http://127.0.0.1:80/k", "http://[::1]/k", "http://localhost/k"]
)
def test_addresses_of_keys_that_are_safe(url: str) -> None:
    check_url(url)


def test_what_is_no_key_in_a_set_is_passed_over() -> None:
    assert keys_of(b'{"keys":[5,null,{"kid":"a"},"x"]}') == ({"kid": "a"},)
