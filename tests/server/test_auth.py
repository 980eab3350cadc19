from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from mcp_wasm.errors import InvalidSettings
from mcp_wasm.server.access import Access, Budget, OAuth, Token, hashed
from mcp_wasm.server.auth import Caller, Tokens, authenticator
from mcp_wasm.server.jwks import Keys, check_url, keys_of
from mcp_wasm.server.jwt_tokens import JwtVerifier
from tests.server.tokens import (
    ISSUER,
    RESOURCE,
    confused,
    ec_key,
    forged,
    jwk,
    jwks,
    oauth,
    part,
    rsa_key,
    signed,
)


def tokens(settings: OAuth, now: Callable[[], float] = time.time, **rest: Any) -> Tokens:
    access = Access(oauth=settings, **rest)
    return Tokens(access, JwtVerifier(settings, Keys(settings), now), now)


async def identified(settings: OAuth, token: str) -> Caller | None:
    return await tokens(settings).identify(token)


@pytest.mark.anyio
async def test_a_token_of_the_issuer_says_who_and_what(tmp_path: Path) -> None:
    caller = await identified(oauth(tmp_path), signed())
    assert caller is not None
    assert caller.visitor.name == "oauth alice"
    assert caller.visitor.may("demo_add")
    assert not caller.visitor.may("other_add")
    assert caller.access_token.token == ""


GOOD: list[tuple[str, dict[str, Any]]] = [
    ("another algorithm and key", {"key": ec_key(), "kid": "e1", "algorithm": "ES256"}),
    ("typ JWT", {"header": {"typ": "JWT"}}),
    ("an audience among several", {"aud": ["https://else.example", RESOURCE]}),
    ("expired within the leeway", {"exp": int(time.time()) - 5}),
    ("from a clock a little ahead", {"iat": int(time.time()) + 10, "nbf": int(time.time()) + 10}),
    ("scopes as a list", {"scope": None, "scp": ["tools:demo_*"]}),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("what", "given"), GOOD, ids=[what for what, _ in GOOD])
async def test_what_is_right_is_accepted(tmp_path: Path, what: str, given: dict[str, Any]) -> None:
    settings = oauth(tmp_path, jwk(rsa_key(), "k1"), jwk(ec_key(), "e1", use="sig"))
    assert await identified(settings, signed(**given)) is not None, what


NOW = int(time.time())
WRONG: list[tuple[str, Callable[[], str]]] = [
    ("expired", lambda: signed(exp=NOW - 60)),
    ("no expiry", lambda: signed(exp=None)),
    ("an expiry that is no number", lambda: signed(exp="tomorrow")),
    ("an infinite expiry", lambda: forged_payload(b'{"exp":Infinity}')),
    ("not yet valid", lambda: signed(nbf=NOW + 3600)),
    ("issued in the future", lambda: signed(iat=NOW + 3600)),
    ("another audience", lambda: signed(aud="https://else.example/mcp")),
    ("an audience that only begins alike", lambda: signed(aud=RESOURCE + "x")),
    ("no audience", lambda: signed(aud=None)),
    ("an audience that is no text", lambda: forged_payload(b'{"aud":5}')),
    ("another issuer", lambda: signed(iss="https://evil.example")),
    ("an issuer with a slash more", lambda: signed(iss=ISSUER + "/")),
    ("no issuer", lambda: signed(iss=None)),
    ("no subject", lambda: signed(sub=None)),
    ("another key under a known name", lambda: signed(rsa_key("evil"))),
    ("a key name that is not known", lambda: signed(kid="k2")),
    ("no signature", lambda: signed().rsplit(".", 1)[0] + "."),
    ("a cut signature", lambda: signed()[:-8]),
    ("another payload", lambda: swapped(signed(), part({"sub": "root"}))),
    ("alg none", lambda: forged({"alg": "none", "typ": "JWT"})),
    ("alg NONE", lambda: forged({"alg": "NONE", "kid": "k1"})),
    ("alg nOnE with a signature", lambda: forged({"alg": "nOnE", "kid": "k1"}, None, b"x")),
    ("HMAC with the public key", confused),
    ("an algorithm that was not allowed", lambda: signed(algorithm="RS512")),
    ("PSS where the key is for PKCS1", lambda: signed(algorithm="PS256")),
    ("an algorithm that is no text", lambda: forged({"alg": ["RS256"], "kid": "k1"})),
    ("an algorithm that is an object", lambda: forged({"alg": {"a": 1}, "kid": "k1"})),
    ("a key name that is a path", lambda: signed(kid="../../../../etc/passwd")),
    ("a key name that is a query", lambda: signed(kid="k1' OR '1'='1")),
    ("a key name without end", lambda: signed(kid="k" * 5000)),
    ("a key name that is no text", lambda: forged({"alg": "RS256", "kid": 5})),
    (
        "a key in the token",
        lambda: signed(rsa_key("evil"), kid=None, header={"jwk": jwk(rsa_key("evil"), "k1")}),
    ),
    (
        "an address of keys in the token",
        lambda: signed(rsa_key("evil"), header={"jku": "http://127.0.0.1:9/"}),
    ),
    ("a critical extension", lambda: signed(header={"crit": ["exp"]})),
    ("an unencoded payload", lambda: signed(header={"b64": False, "crit": ["b64"]})),
    ("an identity token", lambda: signed(header={"typ": "id_token+jwt"})),
    ("a logout token", lambda: signed(header={"typ": "logout+jwt"})),
    ("scopes that are no texts", lambda: signed(scope=[5])),
    ("scopes that are an object", lambda: signed(scope={"tools:*": True})),
    ("a subject that is no text", lambda: forged_payload(b'{"sub":["alice"]}')),
    ("nested without end", lambda: forged(b"[" * 5000, b"[" * 5000)),
    ("five parts, encrypted", lambda: "a.b.c.d.e"),
    ("no base64", lambda: "%.%.%"),
    ("nothing between dots", lambda: ".."),
    ("surrogates", lambda: "\ud800.\ud800.\ud800"),
    ("not a token", lambda: "secret"),
]


def swapped(token: str, payload: str) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{payload}.{signature}"


def forged_payload(wrong: bytes) -> str:
    """A token with claims that the library would not write, rightly signed by the issuer."""
    base = json.loads(part_of(signed()))
    extra = json.loads(wrong)
    signing = f"{part({'alg': 'RS256', 'kid': 'k1', 'typ': 'JWT'})}.{part(base | extra)}"
    signature = jwt.get_algorithm_by_name("RS256").sign(signing.encode(), rsa_key())
    return f"{signing}.{part(signature)}"


def part_of(token: str) -> bytes:
    payload = token.split(".")[1]
    return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))


@pytest.mark.anyio
@pytest.mark.parametrize(("what", "make"), WRONG, ids=[what for what, _ in WRONG])
async def test_what_is_wrong_is_refused(tmp_path: Path, what: str, make: Callable[[], str]) -> None:
    assert await identified(oauth(tmp_path), make()) is None, what
    assert await identified(oauth(tmp_path), forged_payload(b"{}")) is not None


@pytest.mark.anyio
@pytest.mark.parametrize(
    "keys",
    [
        [jwk(rsa_key(), "k1", use="enc")],
        [jwk(rsa_key(), "k1", alg="RS512")],
        [jwk(rsa_key(), "k1") | {"key_ops": ["encrypt"]}],
        [{"kty": "oct", "kid": "k1", "k": "c2VjcmV0", "alg": "HS256"}],
        [{"kty": "RSA", "kid": "k1", "n": "!!!", "e": "AQAB"}],
        [{"kty": "RSA", "kid": "k1"}],
        [jwk(rsa_key("short", 1024), "k1")],
        [jwk(rsa_key(), "k1"), jwk(rsa_key("other"), "k1")],
        [],
    ],
    ids=["use", "alg", "operations", "secret", "broken", "empty", "short", "twice", "none"],
)
async def test_a_key_that_is_not_fit_verifies_nothing(tmp_path: Path, keys: list[dict[str, Any]]) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(jwks(*keys))
    settings = OAuth(ISSUER, RESOURCE, jwks_file=path)
    signing = (
        rsa_key("short", 1024)
        if keys and keys[0].get("n") == jwk(rsa_key("short", 1024), "k1")["n"]
        else None
    )
    with pytest.warns() if signing is not None else contextlib.nullcontext():
        token = signed(signing)
    assert await identified(settings, token) is None


@pytest.mark.anyio
async def test_without_a_name_the_only_key_that_fits_is_taken(tmp_path: Path) -> None:
    assert await identified(oauth(tmp_path, jwk(rsa_key(), None), jwk(ec_key(), None)), signed(kid=None))
    two = oauth(tmp_path, jwk(rsa_key(), "k1"), jwk(rsa_key("other"), "k2"))
    assert await identified(two, signed(kid=None)) is None


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("claim", "tool", "may"),
    [
        ({"tools": ["demo_add"]}, "demo_add", True),
        ({"tools": ["demo_add"]}, "demo_spin", False),
        ({"tools": ["*"]}, "other_add", False),
        ({"tools": []}, "demo_add", False),
        ({}, "demo_add", True),
    ],
)
async def test_the_claim_narrows_tools_and_cannot_widen(
    tmp_path: Path, claim: dict[str, Any], tool: str, may: bool
) -> None:
    caller = await identified(oauth(tmp_path), signed(mcp_wasm=claim))
    assert caller is not None
    assert caller.visitor.may(tool) is may


@pytest.mark.anyio
async def test_the_claim_narrows_the_budget_and_cannot_widen(tmp_path: Path) -> None:
    settings = oauth(tmp_path, budget=Budget(calls_per_minute=10, limits={"fuel": 1000}))
    own = {"calls_per_minute": 99, "concurrent": 1, "limits": {"fuel": 10**9, "deadline": 2}}
    caller = await identified(settings, signed(mcp_wasm=own))
    assert caller is not None
    assert caller.visitor.budget == Budget(10, 1, None, {"fuel": 1000, "deadline": 2})


@pytest.mark.anyio
@pytest.mark.parametrize(
    "claim",
    [
        [],
        "x",
        {"tool": ["demo_add"]},
        {"tools": "demo_add"},
        {"tools": [5]},
        {"limits": []},
        {"limits": {"fuel": "much"}},
        {"limits": {"instances": 1}},
        {"calls_per_minute": 0},
        {"calls_per_minute": True},
        {"concurrent": "1"},
    ],
)
async def test_a_claim_that_is_not_understood_refuses_the_token(tmp_path: Path, claim: object) -> None:
    assert await identified(oauth(tmp_path), signed(mcp_wasm=claim)) is None


@pytest.mark.anyio
async def test_a_token_without_scopes_opens_only_what_every_token_does(tmp_path: Path) -> None:
    caller = await identified(oauth(tmp_path), signed(scope=None))
    assert caller is not None
    assert not caller.visitor.may("demo_add")
    caller = await identified(oauth(tmp_path, tools=("demo_add",)), signed(scope=None))
    assert caller is not None
    assert caller.visitor.may("demo_add")


@pytest.mark.anyio
async def test_principals_are_kept_apart(tmp_path: Path) -> None:
    settings = oauth(tmp_path)
    tried = [
        signed(),
        signed(sub="bob"),
        signed(client_id="phone"),
        signed(sub="alice\0laptop", client_id=""),
    ]
    callers = [await identified(settings, token) for token in tried]
    assert len({caller.visitor.key for caller in callers if caller is not None}) == 4
    again = await identified(settings, signed(scope="tools:other"))
    assert again is not None
    assert callers[0] is not None
    assert again.visitor.key == callers[0].visitor.key


@pytest.mark.anyio
async def test_a_token_that_was_accepted_is_not_verified_again_until_it_expires(tmp_path: Path) -> None:
    at = [time.time()]
    checked = tokens(oauth(tmp_path), lambda: at[0])
    token = signed()
    assert checked.known(token) is None
    caller = await checked.identify(token)
    assert checked.known(token) is caller is not None
    at[0] += 601
    assert checked.known(token) is None
    at[0] += 60
    assert await checked.identify(token) is None


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


STATIC = Tokens(
    Access(
        tokens=(
            Token("one", hashed("the secret of one"), ("demo_add",), Budget(concurrent=1)),
            Token("two", hashed("the secret of two")),
        ),
        budget=Budget(calls_per_minute=9, concurrent=9),
    )
)


@pytest.mark.parametrize(
    ("secret", "name"),
    [
        ("the secret of one", "token one"),
        ("the secret of two", "token two"),
        ("the secret of tw", None),
        ("the secret of twoo", None),
        ("THE SECRET OF ONE", None),
        ("", None),
        ("\ud800", None),
        ("x" * 100_000, None),
    ],
)
def test_a_static_token_is_known_by_its_whole_secret(secret: str, name: str | None) -> None:
    caller = STATIC.known(secret)
    assert (caller.visitor.name if caller else None) == name


def test_a_static_token_has_its_tools_and_budget() -> None:
    caller = STATIC.known("the secret of one")
    assert caller is not None
    assert (caller.visitor.may("demo_add"), caller.visitor.may("demo_spin")) == (True, False)
    assert caller.visitor.budget == Budget(calls_per_minute=9, concurrent=1)


def test_a_secret_is_nowhere_to_be_read() -> None:
    token = Token("one", hashed("the secret of one"))
    caller = STATIC.known("the secret of one")
    assert caller is not None
    for shown in (repr(token), repr(STATIC._tokens), repr(caller.visitor), repr(vars(caller))):
        assert "secret of" not in shown
        assert hashed("the secret of one").hex() not in shown


def test_nobody_needs_a_token_where_none_is_set() -> None:
    assert authenticator(Access()) is None
