"""The JWTs of a NATS operator, an account and a user, made by hand. Source: docs.nats.io, JWT guide."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import nkeys


def creds_of(seed: Callable[[int], tuple[str, str]]) -> tuple[dict[str, Any], str]:
    """The configuration of a server, and the credentials file of a user of it."""
    operator = seed(nkeys.PREFIX_BYTE_OPERATOR)
    account = seed(nkeys.PREFIX_BYTE_ACCOUNT)
    user = seed(nkeys.PREFIX_BYTE_USER)
    limits = {"subs": -1, "data": -1, "payload": -1}
    wide = {"imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
    of_account = {"type": "account", "version": 2, "limits": {**limits, **wide}}
    config = {
        "operator": _jwt(operator, operator[1], {"type": "operator", "version": 2}),
        "resolver": "MEMORY",
        "resolver_preload": {account[1]: _jwt(operator, account[1], of_account)},
    }
    jwt = _jwt(account, user[1], {"type": "user", "version": 2, "pub": {}, "sub": {}, **limits})
    text = (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user[0]}\n------END USER NKEY SEED------\n"
    )
    return config, text


def _jwt(issuer: tuple[str, str], subject: str, nats: dict[str, Any]) -> str:
    claims = {"iat": 1_700_000_000, "iss": issuer[1], "sub": subject, "name": nats["type"], "nats": nats}
    digest = hashlib.new("sha512_256", json.dumps(claims, separators=(",", ":")).encode()).digest()
    claims["jti"] = base64.b32encode(digest).decode().rstrip("=")
    head = _part(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode())
    signed = f"{head}.{_part(json.dumps(claims).encode())}"
    return f"{signed}.{_part(nkeys.from_seed(bytearray(issuer[0].encode())).sign(signed.encode()))}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
