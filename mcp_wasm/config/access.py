"""The settings of access over HTTP and of the audit log.

Which keys there are, and the values made of tables that were checked by them.
A secret is hashed here, before anything else sees it; one that is named by
reference is fetched by the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from mcp_wasm.audit.sink import AuditOptions
from mcp_wasm.config.key import Key
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.server.access import ALGORITHMS, Access, Budget, OAuth, Token, hashed

LEAST_SECRET = 16
"""Characters of the secret of a token, which is all that stands between a stranger and the tools."""

_RATES = (
    Key("calls_per_minute", "integer", "calls that a client may make in a minute", 1, trusted=True),
    Key("concurrent", "integer", "calls of a client that may run at once", 1, trusted=True),
    Key("fuel_per_minute", "integer", "fuel that the calls of a client may use in a minute", 1, trusted=True),
)

ACCESS_TABLES: Mapping[str, tuple[Key, ...]] = {
    "http": (
        Key("host", "text", "address to listen on", trusted=True),
        Key("port", "integer", "port to listen on; without it stdio is served", 0, 65_535, trusted=True),
        Key("token", "secret", "bearer token that clients must send; better in MCP_WASM_TOKEN", trusted=True),
        *_RATES,
        Key("requests_per_minute", "integer", "requests of one address in a minute", 1, trusted=True),
        Key("failures_per_minute", "integer", "wrong tokens of one address in a minute", 1, trusted=True),
        Key("connections", "integer", "connections open at once", 1, 100_000, trusted=True),
        Key("client_connections", "integer", "connections of one address", 1, 100_000, trusted=True),
        Key("header_seconds", "number", "seconds in which a request must begin", 0.1, 3600, trusted=True),
        Key("body_seconds", "number", "seconds in which a request must be sent", 0.1, 3600, trusted=True),
        Key("proxies", "texts", "addresses of proxies whose X-Forwarded-For is believed", trusted=True),
    ),
    "tokens.NAME": (
        Key("secret", "secret", "what the client sends; better by reference", trusted=True),
        Key("secret_env", "text", "environment variable that has the secret", trusted=True),
        Key("secret_file", "file", "file that has the secret", trusted=True),
        Key("tools", "texts", "tools that the token opens: names, or beginnings that end in *", trusted=True),
        Key("approves", "flag", "whether its holder may allow what tools were denied", trusted=True),
        *_RATES,
    ),
    "oauth": (
        Key("issuer", "text", "the authorization server, as its tokens name it", trusted=True),
        Key("resource", "text", "the address of this server, as its clients know it", trusted=True),
        Key("audience", "texts", "audiences that tokens may be for (default: the resource)", trusted=True),
        Key("jwks_url", "text", "https address of the authorization server's keys", trusted=True),
        Key("jwks_file", "file", "file of the authorization server's keys", trusted=True),
        Key("jwks_seconds", "number", "seconds after which keys are fetched again", 30, 86_400, trusted=True),
        Key("algorithms", "texts", f"signatures that are accepted, of {', '.join(ALGORITHMS)}", trusted=True),
        Key("leeway", "number", "seconds by which clocks may differ", 0, 600, trusted=True),
        Key("scopes", "texts", "scopes that every token must have", trusted=True),
        Key("tools_scope", "text", "beginning of the scopes that name tools (default: tools:)", trusted=True),
        Key("tools", "texts", "tools that every token opens", trusted=True),
        Key("claim", "text", "claim that narrows tools and budget (default: mcp_wasm)", trusted=True),
        *_RATES,
    ),
    "audit": (
        Key("enabled", "flag", "whether a server writes down every call", trusted=True),
        Key("max_bytes", "size", "bytes of one file of the log", 4096, trusted=True),
        Key("keep", "integer", "full files that are kept", 0, 10_000, trusted=True),
        Key("sync", "flag", "whether each batch is forced to the disk", trusted=True),
        Key(
            "arguments", "size", "characters of each call's arguments that are kept", 0, 65_536, trusted=True
        ),
        Key("queue", "integer", "records that may wait to be written", 1, 10**6, trusted=True),
    ),
}


@dataclass(frozen=True, slots=True)
class TokenSetting:
    """A token as it is set: its secret is hashed in ``token``, or named by ``env`` or ``file``."""

    token: Token
    env: str | None = None
    file: Path | None = None


Values = Mapping[str, Any]


def access(http: Values, oauth: Values | None, oauth_limits: Values, where: str) -> Access:
    """What ``[http]`` and ``[oauth]`` say; ``where`` is the file, for errors.

    Raises:
        InvalidSettings: for what does not fit together.
    """
    known = {field.name for field in fields(Access)}
    own = {key: value for key, value in http.items() if key in known}
    budget = {key: value for key, value in http.items() if key in _names(_RATES)}
    if budget:
        own["budget"] = Budget(**({"calls_per_minute": 6000, "concurrent": 64} | budget))
    return Access(oauth=None if oauth is None else _oauth(oauth, oauth_limits, where), **own)


def token(name: str, values: Values, limits: Values, where: str) -> TokenSetting:
    """The token ``[tokens.name]``.

    Raises:
        InvalidSettings: unless it has one secret, in one of the ways.
    """
    given = [key for key in ("secret", "secret_env", "secret_file") if key in values]
    if len(given) != 1:
        expected = "one of secret, secret_env and secret_file"
        raise InvalidSettings(f"{where}: tokens.{name}", expected, ", ".join(given) or "none")
    digest = b""
    if "secret" in values:
        digest = hashed(checked(values["secret"], f"{where}: tokens.{name}.secret"))
    budget = Budget(**_only(values, _RATES), limits=dict(limits))
    return TokenSetting(
        Token(name, digest, values.get("tools", ("*",)), budget, values.get("approves", False)),
        values.get("secret_env"),
        values.get("secret_file"),
    )


def checked(secret: str, where: str) -> str:
    """``secret``, if it can be one.

    Raises:
        InvalidSettings: if it is too short, or a header could not carry it.
    """
    if len(secret) < LEAST_SECRET or not secret.isascii() or not secret.isprintable() or " " in secret:
        expected = f"at least {LEAST_SECRET} letters, digits and signs (such as openssl rand -hex 32 prints)"
        raise InvalidSettings(where, expected, "***")
    return secret


def fetched(
    settings: tuple[TokenSetting, ...], environ: Mapping[str, str], read: Callable[[Path], str]
) -> tuple[Token, ...]:
    """The tokens, with every secret that was named by reference fetched and hashed.

    Raises:
        InvalidSettings: for a reference that leads to no secret, and for two tokens with one secret.
    """
    found: dict[bytes, Token] = {}
    for setting in settings:
        name, digest = setting.token.name, setting.token.digest
        if setting.env is not None:
            where = f"tokens.{name}.secret_env: the environment variable {setting.env}"
            digest = hashed(checked(environ.get(setting.env, ""), where))
        elif setting.file is not None:
            digest = hashed(checked(read(setting.file), f"tokens.{name}.secret_file: {setting.file}"))
        if digest in found:
            raise InvalidSettings(
                f"tokens.{name}", f"another secret than that of {found[digest].name}", "***"
            )
        found[digest] = replace(setting.token, digest=digest)
    return tuple(found.values())


def audit(values: Values) -> AuditOptions:
    """What ``[audit]`` says."""
    return AuditOptions(**values)


def _oauth(values: Values, limits: Values, where: str) -> OAuth:
    for key in ("issuer", "resource"):
        if key not in values:
            raise InvalidSettings(f"{where}: oauth", f"the key {key}", "none")
    if ("jwks_url" in values) == ("jwks_file" in values):
        raise InvalidSettings(f"{where}: oauth", "one of jwks_url and jwks_file", "both or none")
    for algorithm in values.get("algorithms", ()):
        if algorithm not in ALGORITHMS:
            raise InvalidSettings(f"{where}: oauth.algorithms", f"some of {', '.join(ALGORITHMS)}", algorithm)
    own = {key: value for key, value in values.items() if key not in _names(_RATES)}
    return OAuth(**own, budget=Budget(**_only(values, _RATES), limits=dict(limits)))


def _names(keys: tuple[Key, ...]) -> set[str]:
    return {key.name for key in keys}


def _only(values: Values, keys: tuple[Key, ...]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in _names(keys)}
