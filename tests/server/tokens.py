"""An authorization server's keys and tokens, and everything that is wrong with a token."""

from __future__ import annotations

import base64
import functools
import hmac
import json
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mcp_wasm.server.access import Access, OAuth
from mcp_wasm.server.auth import Caller, Tokens
from mcp_wasm.server.jwks import Keys
from mcp_wasm.server.jwt_tokens import JwtVerifier

ISSUER = "https://issuer.example"
RESOURCE = "https://tools.example/mcp"


@functools.cache
def rsa_key(name: str = "one", bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key, made once a run: that takes a moment."""
    return rsa.generate_private_key(65537, bits)


@functools.cache
def ec_key(name: str = "one") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, kid: str | None, **rest: str) -> dict[str, Any]:
    """The public half of ``key`` as an authorization server publishes it."""
    kind = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    made = jwt.get_algorithm_by_name(kind).to_jwk(key.public_key(), as_dict=True)
    return {**made, **({"kid": kid} if kid is not None else {}), **rest}


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def claims(**rest: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "iss": ISSUER,
        "aud": RESOURCE,
        "sub": "alice",
        "client_id": "laptop",
        "scope": "use tools:demo_*",
        "iat": now,
        "exp": now + 600,
    } | rest
    return {name: value for name, value in whole.items() if value is not None}


def signed(
    key: Any = None,
    kid: str | None = "k1",
    algorithm: str = "RS256",
    header: dict[str, Any] | None = None,
    **rest: Any,
) -> str:
    """A token of the authorization server, with ``rest`` in its claims (None takes one away)."""
    given = {"typ": "at+jwt"} | ({"kid": kid} if kid is not None else {}) | (header or {})
    return jwt.encode(claims(**rest), key or rsa_key(), algorithm=algorithm, headers=given)


def part(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(header: object, payload: object | None = None, signature: bytes = b"") -> str:
    """A token put together by hand."""
    return ".".join((part(header), part(claims() if payload is None else payload), part(signature)))


def confused() -> str:
    """Signed by HMAC with the public key, which everybody has, in the place of the secret."""
    public = rsa_key().public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signing = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'k1'})}.{part(claims())}"
    return f"{signing}.{part(hmac.digest(pem, signing.encode(), sha256))}"


def oauth(folder: Path, *keys: dict[str, Any], **rest: Any) -> OAuth:
    """The settings for an authorization server whose keys are a file in ``folder``."""
    path = folder / "jwks.json"
    path.write_bytes(jwks(*(keys or (jwk(rsa_key(), "k1"),))))
    settings: dict[str, Any] = {"issuer": ISSUER, "resource": RESOURCE, "jwks_file": path} | rest
    return OAuth(**settings)


def tokens(settings: OAuth, now: Callable[[], float] = time.time, **rest: Any) -> Tokens:
    access = Access(oauth=settings, **rest)
    return Tokens(access, JwtVerifier(settings, Keys(settings), now), now)


async def identified(settings: OAuth, token: str) -> Caller | None:
    return await tokens(settings).identify(token)
