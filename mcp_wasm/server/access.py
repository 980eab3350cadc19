"""Who may reach a server over HTTP, which tools, and how much of it: frozen values, made by the settings.

It checks nothing and holds no secret, only hashes of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a public key. ``none`` and the ``HS`` family (a shared secret) can never be allowed."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one client may use; None means no bound.

    ``calls_per_minute`` and ``fuel_per_minute`` hold on average, and as much as
    that may be used at once after a quiet minute; ``concurrent`` is how many
    calls run at once. ``limits`` narrows ``CALL_LIMITS`` of every call.
    """

    calls_per_minute: int | None = None
    concurrent: int | None = None
    fuel_per_minute: int | None = None
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """A static bearer token: the SHA-256 of its secret, and the ``tools`` (exact, or ``prefix*``) it opens.

    What its ``budget`` leaves open is taken from the server's. ``approves`` says
    that who has it may answer for whoever runs the server what tools are granted.
    """

    name: str
    digest: bytes = field(repr=False)
    tools: tuple[str, ...] = ("*",)
    budget: Budget = field(default_factory=Budget)
    approves: bool = False


def hashed(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class OAuth:
    """Which JSON Web Tokens of an authorization server are accepted (RFC 7519, 8707, 9068, 9728).

    ``issuer`` and ``audience`` must be those in the token; ``resource`` is the URL
    of this server as its clients know it. The keys come from ``jwks_file`` or
    ``jwks_url``, which is asked at most every ``jwks_seconds`` and when a token
    names a key that is not known. ``leeway`` is seconds by which clocks may differ.
    ``scopes`` are required of every token; scopes that begin with ``tools_scope``
    name the tools it opens (``tools:calc_*``), and ``tools`` those that every
    token opens. The claim ``claim``, an object with ``tools``, ``limits``,
    ``calls_per_minute``, ``concurrent`` and ``fuel_per_minute``, can only narrow that.
    """

    issuer: str
    resource: str
    audience: tuple[str, ...] = ()
    jwks_file: Path | None = None
    jwks_url: str | None = None
    jwks_seconds: float = 600.0
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    leeway: float = 30.0
    scopes: tuple[str, ...] = ()
    tools_scope: str = "tools:"
    tools: tuple[str, ...] = ()
    claim: str = "mcp_wasm"
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True)
class Access:
    """All that is set about access over HTTP.

    ``budget`` is every client's: that of a token, or of an address where there are
    no tokens. ``requests_per_minute`` bounds the requests of one address and
    ``failures_per_minute`` its wrong tokens; ``connections`` is how many are open
    at once, ``client_connections`` how many of one address. A connection has
    ``header_seconds`` to say what it wants and ``body_seconds`` to send it.
    ``proxies`` are addresses whose ``X-Forwarded-For`` is believed.
    """

    tokens: tuple[Token, ...] = ()
    oauth: OAuth | None = None
    budget: Budget = field(default_factory=lambda: Budget(calls_per_minute=6000, concurrent=64))
    requests_per_minute: int = 30_000
    failures_per_minute: int = 60
    connections: int = 2000
    client_connections: int = 500
    header_seconds: float = 10.0
    body_seconds: float = 60.0
    proxies: tuple[str, ...] = ()

    @property
    def guarded(self) -> bool:
        """Whether anybody has to say who they are."""
        return bool(self.tokens) or self.oauth is not None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request comes from: ``name`` for people, ``key`` for what is kept for it.

    ``tools`` are groups of patterns; a tool must fit one of each group. ``known``
    says whether a token told it, or only an address; ``approves`` is the token's.
    """

    name: str
    key: str
    tools: tuple[tuple[str, ...], ...] = ()
    budget: Budget = field(default_factory=Budget)
    known: bool = True
    approves: bool = False

    def may(self, tool: str) -> bool:
        """Whether the tool of that name exists for this client."""
        return all(any(fits(pattern, tool) for pattern in group) for group in self.tools)

    @property
    def sees_all(self) -> bool:
        """Whether every tool exists for it."""
        return all("*" in group for group in self.tools)


def fits(pattern: str, name: str) -> bool:
    """Whether ``pattern`` (exact, or ``prefix*``) names ``name``."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


_RATES = ("calls_per_minute", "concurrent", "fuel_per_minute")


def over(budget: Budget, base: Budget) -> Budget:
    """``budget`` with what it leaves open taken from ``base``; of two limits the lower holds."""
    rates: dict[str, Any] = {name: getattr(budget, name) for name in _RATES}
    rates |= {name: getattr(base, name) for name, value in rates.items() if value is None}
    return Budget(limits=_lowest(budget.limits, base.limits), **rates)


def narrowed(budget: Budget, by: Budget) -> Budget:
    """``budget`` with each bound lowered to that of ``by`` where that is lower."""
    rates: dict[str, Any] = {}
    for name in _RATES:
        bounds = (getattr(each, name) for each in (budget, by))
        rates[name] = min((bound for bound in bounds if bound is not None), default=None)
    return Budget(limits=_lowest(budget.limits, by.limits), **rates)


def _lowest(some: Mapping[str, float], others: Mapping[str, float]) -> dict[str, float]:
    return {name: min(each[name] for each in (some, others) if name in each) for name in {**some, **others}}
