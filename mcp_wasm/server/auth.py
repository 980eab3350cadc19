"""Who sends a request: the bearer token in it, against the static tokens and the authorization server's.

Of static tokens only hashes are kept, and every one is compared, in constant
time. A token never becomes part of a message, a log or a result.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken, TokenVerifier

from mcp_wasm.server.access import Access, Budget, Identity, OAuth, Token, hashed, over

LONGEST_TOKEN = 8192
"""Characters of a token; what a proxy or a server takes as one header ends about there."""

_REMEMBERED = 1024


class Caller(AuthenticatedUser):
    """The SDK's user of a request, by whom it binds sessions; ``visitor`` is what our settings say of it."""

    def __init__(self, access: AccessToken, identity: Identity) -> None:
        super().__init__(access)
        self.visitor = identity


class Authenticator(Protocol):
    """Finds out who sent a token."""

    def known(self, token: str) -> Caller | None:
        """Who sent it, where that takes no work; None also where only ``identify`` knows."""

    async def identify(self, token: str) -> Caller | None:
        """Who sent it, or None for a token that is not valid here."""


class Tokens:
    """The static tokens and, with ``verifier``, those of the authorization server in ``access``."""

    def __init__(
        self, access: Access, verifier: TokenVerifier | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._tokens = [(token.digest, _caller(token, access.budget)) for token in access.tokens]
        self._oauth, self._base, self._verifier, self._now = access.oauth, access.budget, verifier, now
        self._verified: OrderedDict[bytes, Caller] = OrderedDict()

    def known(self, token: str) -> Caller | None:
        """A static token, or one that was verified before and has not expired."""
        given, found = hashed(token), None
        for digest, caller in self._tokens:
            if hmac.compare_digest(digest, given):
                found = caller
        return found or self._remembered(given)

    async def identify(self, token: str) -> Caller | None:
        """The same, and otherwise whatever the verifier says."""
        found = self.known(token)
        if found is not None or self._verifier is None or self._oauth is None or token.count(".") != 2:
            return found
        access = await self._verifier.verify_token(token)
        caller = _verified(access, self._oauth, self._base) if access is not None else None
        if caller is not None:
            self._verified[hashed(token)] = caller
            if len(self._verified) > _REMEMBERED:
                self._verified.popitem(last=False)
        return caller

    def _remembered(self, digest: bytes) -> Caller | None:
        caller = self._verified.get(digest)
        if caller is None:
            return None
        expires = caller.access_token.expires_at
        if expires is None or expires <= self._now():
            del self._verified[digest]
            return None
        self._verified.move_to_end(digest)
        return caller


def _caller(token: Token, base: Budget) -> Caller:
    name = f"token {token.name}"
    identity = Identity(name, name, (token.tools,), over(token.budget, base), approves=token.approves)
    return Caller(AccessToken(token="", client_id=name, scopes=[]), identity)


def _verified(access: AccessToken, oauth: OAuth, base: Budget) -> Caller | None:
    from mcp_wasm.server.jwt_tokens import (
        identity_of,
    )  # cryptography is slow to load, and only OAuth needs it

    try:
        return Caller(access, identity_of(access, oauth, base))
    except ValueError:
        return None


def authenticator(access: Access) -> Tokens | None:
    """What checks the tokens of ``access``; None where nobody needs one.

    Raises:
        InvalidSettings: for an address of keys that is not safe to ask.
    """
    if not access.guarded:
        return None
    if access.oauth is None:
        return Tokens(access)
    from mcp_wasm.server.jwks import Keys, check_url  # see above
    from mcp_wasm.server.jwt_tokens import JwtVerifier

    if access.oauth.jwks_url is not None:
        check_url(access.oauth.jwks_url)
    return Tokens(access, JwtVerifier(access.oauth, Keys(access.oauth)))
