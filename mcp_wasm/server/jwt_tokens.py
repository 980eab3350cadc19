"""JSON Web Tokens as access tokens: the SDK's ``TokenVerifier`` for the settings of ``[oauth]``.

What a token says of how to check it is not believed: its algorithm must be one
that was allowed and fit the key, the key must be the issuer's own, and addresses
or keys inside a token are never used (RFC 8725).
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from mcp.server.auth.provider import AccessToken

from mcp_wasm.errors import InvalidSettings
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.server.access import Budget, Identity, OAuth, narrowed, over
from mcp_wasm.server.jwks import Jwk, Keys

log = logging.getLogger(__name__)

_LONGEST_KID = 256
_LEAST_RSA_BITS = 2048
_TYPES = {"jwt", "at+jwt", "application/at+jwt"}
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}


class JwtVerifier:
    """Verifies tokens of one issuer; a ``TokenVerifier`` of the SDK."""

    def __init__(self, oauth: OAuth, keys: Keys, now: Callable[[], float] = time.time) -> None:
        self._oauth, self._keys, self._now = oauth, keys, now

    async def verify_token(self, token: str) -> AccessToken | None:
        """What ``token`` grants, or None for one that is not valid here; the log says why."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(header)
            claims = self._claims(token, header["alg"], key)
            self._check_time(claims)
            return _access(claims, self._oauth)
        # The library lets what its JSON and its numbers raise pass through.
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            log.info("A token was refused: %s", ascii(f"{type(error).__name__}: {error}")[:300])
            return None

    async def _key(self, header: Mapping[str, Any]) -> Any:
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
        if algorithm not in self._oauth.algorithms:
            raise jwt.InvalidAlgorithmError("an algorithm that is not allowed")
        if kid is not None and (not isinstance(kid, str) or len(kid) > _LONGEST_KID):
            raise jwt.InvalidTokenError("a key name that is none")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise jwt.InvalidTokenError("no access token")
        if "crit" in header or header.get("b64", True) is not True:
            raise jwt.InvalidTokenError("an extension that is not understood")
        found = await self._keys.find(kid, lambda key: _fits(key, algorithm))
        if found is None:
            raise jwt.InvalidKeyError("no key of the issuer fits")
        key = jwt.PyJWK(dict(found), algorithm).key
        if _FAMILIES[algorithm[:2]] == "RSA" and key.key_size < _LEAST_RSA_BITS:
            raise jwt.InvalidKeyError("an RSA key that is too short")
        return key

    def _claims(self, token: str, algorithm: str, key: Any) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=list(self._oauth.audience or (self._oauth.resource,)),
            issuer=self._oauth.issuer,
            options={
                "require": ["exp", "iss", "aud", "sub"],
                # The clock is ours, below.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        return claims

    def _check_time(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self._now(), self._oauth.leeway
        if _number(claims, "exp") <= now - leeway:
            raise jwt.ExpiredSignatureError("it has expired")
        for name in ("nbf", "iat"):
            if name in claims and _number(claims, name) > now + leeway:
                raise jwt.ImmatureSignatureError(f"{name} is in the future")


def identity_of(access: AccessToken, oauth: OAuth, base: Budget) -> Identity:
    """Who a verified token stands for, and what it opens; ``base`` is every client's budget.

    Raises:
        ValueError: if its claim of ours is not of the known form.
    """
    # As JSON, since there is no character that cannot stand in a claim.
    principal = json.dumps([oauth.issuer, access.client_id, access.subject or ""])
    opened = [
        scope.removeprefix(oauth.tools_scope)
        for scope in access.scopes
        if scope.startswith(oauth.tools_scope)
    ]
    groups, budget = [(*oauth.tools, *opened)], over(oauth.budget, base)
    own = (access.claims or {}).get(oauth.claim)
    if own is not None:
        tools, by = _own(own)
        groups += [tools] if tools is not None else []
        budget = narrowed(budget, by)
    return Identity(
        name=f"oauth {access.subject or access.client_id}"[:128],
        key="oauth " + hashlib.sha256(principal.encode()).hexdigest()[:32],
        tools=tuple(groups),
        budget=budget,
    )


def _own(claim: object) -> tuple[tuple[str, ...] | None, Budget]:
    """What the claim of ours says. One of another form refuses the token: it was meant to narrow."""
    if not isinstance(claim, dict) or claim.keys() - {"tools", "limits", *_RATES}:
        raise ValueError("the claim for this server is not of a known form")
    tools, limits = claim.get("tools"), claim.get("limits", {})
    if tools is not None and not (isinstance(tools, list) and all(isinstance(each, str) for each in tools)):
        raise ValueError("the claim's tools are no list of names")
    if not isinstance(limits, dict):
        raise ValueError("the claim's limits are no object")
    for name in _RATES & claim.keys():
        if isinstance(claim[name], bool) or not isinstance(claim[name], int) or claim[name] < 1:
            raise ValueError(f"the claim's {name} is no positive integer")
    try:
        Limits().narrow(limits)
    except InvalidSettings as error:
        raise ValueError(f"the claim's {error.where} is wrong") from None
    rates = {name: claim[name] for name in _RATES & claim.keys()}
    return None if tools is None else tuple(tools), Budget(limits=limits, **rates)


_RATES = frozenset({"calls_per_minute", "concurrent", "fuel_per_minute"})


def _access(claims: Mapping[str, Any], oauth: OAuth) -> AccessToken:
    scopes = claims.get("scope", claims.get("scp", ""))
    scopes = scopes.split() if isinstance(scopes, str) else scopes
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise ValueError("its scopes are no texts")
    subject = claims["sub"]
    client = claims.get("client_id", claims.get("azp", subject))
    if not isinstance(subject, str) or not isinstance(client, str):
        raise TypeError("its subject or client is no text")
    return AccessToken(
        token="",  # it is not needed again, so it is not kept
        client_id=client,
        scopes=scopes,
        expires_at=int(_number(claims, "exp")),
        resource=oauth.resource,
        subject=subject,
        claims={"iss": oauth.issuer} | ({oauth.claim: claims[oauth.claim]} if oauth.claim in claims else {}),
    )


def _fits(key: Jwk, algorithm: str) -> bool:
    """Whether a key is one to verify signatures of ``algorithm`` with."""
    operations = key.get("key_ops")
    return (
        key.get("kty") == _FAMILIES[algorithm[:2]]
        and key.get("alg", algorithm) == algorithm
        and key.get("use", "sig") == "sig"
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and (algorithm not in _CURVES or key.get("crv") == _CURVES[algorithm])
    )


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e12:
        raise ValueError(f"{name} is no moment")
    return value
