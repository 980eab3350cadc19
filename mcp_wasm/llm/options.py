"""Which providers there are and how they are used: what a person sets, as frozen values that were checked.

Pure. A key stands here as the reference that leads to it, never as itself.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from mcp_wasm.capability import hosts
from mcp_wasm.errors import InvalidSettings

ProviderKind = Literal["openai", "anthropic", "compatible", "fallback"]

FALLBACK = "fallback"
"""The name of what answers without a model; no other provider can have it."""

BASE_URLS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
"""Where the providers are that have a place of their own."""

_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_.-]{0,127}|file:.{1,1024}|keyring:.{1,500}/.{1,500})")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens that are sent, and that come back."""

    tokens_in: float
    tokens_out: float

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """US dollars."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1_000_000


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """One provider.

    ``key`` is a reference (``env:NAME``, ``file:PATH``, ``keyring:SERVICE/USER``)
    or empty. ``timeout`` is how many seconds a whole answer may take with all that
    is tried again, or a streamed one be silent. ``retries`` is how often a request
    is sent again, ``breaker`` after how many failures in a row the provider is left
    alone for ``alone`` seconds (0: never), ``max_tokens`` the tokens of an answer
    where the request names none. ``ca`` is a file of certificates that are believed
    in place of the usual ones.
    """

    name: str
    kind: ProviderKind
    model: str = ""
    base_url: str = ""
    key: str = ""
    timeout: float = 30.0
    retries: int = 2
    breaker: int = 5
    alone: float = 30.0
    max_tokens: int = 1024
    price: Price | None = None
    ca: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what does not fit together.

        Raises:
            InvalidSettings: naming the key.
        """
        where = f"llm.{self.name}"
        if (self.name == FALLBACK) != (self.kind == "fallback"):
            raise InvalidSettings(
                where, f'the kind "fallback" under the name {FALLBACK}, and only there', self.kind
            )
        if self.kind == "fallback":
            return
        if not self.model:
            raise InvalidSettings(where, "the key model", "none")
        if not self.url:
            raise InvalidSettings(where, "the key base_url", "none")
        check_url(self.url, f"{where}.base_url")
        if self.kind != "compatible" and not self.key:
            raise InvalidSettings(where, "the key key, such as env:OPENAI_API_KEY", "none")
        if self.key and not _REFERENCE.fullmatch(self.key):
            # Maybe the key itself, so it is not shown.
            raise InvalidSettings(f"{where}.key", "env:NAME, file:PATH or keyring:SERVICE/USER", "***")

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return (self.base_url or BASE_URLS.get(self.kind, "")).rstrip("/")


@dataclass(frozen=True, slots=True)
class LlmOptions:
    """All providers, in the order in which they are tried.

    ``concurrent`` requests may run at once, half of them for one asker.
    """

    providers: tuple[ProviderOptions, ...] = ()
    concurrent: int = 16


def check_url(url: str, where: str) -> None:
    """Refuse an address to which a key could go unprotected, or where it could not be said where it goes.

    Raises:
        InvalidSettings: unless it is https, or http to this machine, and a plain address.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidSettings(where, "an address", "one that cannot be read") from None
    if parts.username is not None or parts.password is not None:
        raise InvalidSettings(where, "an address without a user or a password", "***")
    plain = url.isascii() and url.isprintable() and not set(url) & set(" ?#\\") and port != 0
    # What has no one form (127.1, 0x7f000001) would be another host to whoever connects.
    if not plain or hosts.canonical(host) is None:
        raise InvalidSettings(
            where, "an address without a query, such as https://llm.example.com/v1", url[:200]
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and _local(host)):
        raise InvalidSettings(where, "an https:// address, or http:// to this machine", url[:200])


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
