"""Everything that is wrong with a token, or with a key."""

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

from mcp_wasm.server.access import OAuth
from tests.server.tokens import (
    ISSUER,
    RESOURCE,
    confused,
    ec_key,
    forged,
    identified,
    jwk,
    jwks,
    oauth,
    part,
    rsa_key,
    signed,
)

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
