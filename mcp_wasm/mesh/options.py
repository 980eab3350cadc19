"""How a node reaches NATS: what a person sets, checked, as frozen values.

Nothing here connects or reads a file. Secrets are kept out of what is printed.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from mcp_wasm.agents.address import check_part
from mcp_wasm.errors import CallerError

MIB = 1024 * 1024

PLAIN, SECURE = ("nats", "ws"), ("tls", "wss")

Sync = Literal["normal", "full"]


@dataclass(frozen=True, slots=True)
class Auth:
    """Who we are for NATS: one of user with password, a token, an nkey's seed, or a credentials file.

    ``nkey`` is the seed as text (``SU…``); ``creds`` a file with a JWT and its seed.
    """

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    nkey: str | None = field(default=None, repr=False)
    creds: Path | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("user", "token", "nkey", "creds") if getattr(self, name) is not None]
        if len(given) > 1:
            raise CallerError(f"NATS: expected one way to sign in, got {' and '.join(given)}")
        if (self.user is None) != (self.password is None):
            raise CallerError("NATS: expected both a user and a password, got one of them")


@dataclass(frozen=True, slots=True)
class Tls:
    """``ca`` signs the server's certificate (None: the system's own list); ``cert`` and ``key`` are ours.

    ``hostname`` is the name in the server's certificate, where it is not that of the URL.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    hostname: str | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise CallerError("TLS of NATS: expected both a certificate and its key, got one of them")


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """The NATS server that we start ourselves.

    ``port`` and ``websocket`` are on loopback, 0 for any that is free; ``websocket`` None for no
    WebSocket. ``origins`` are those of the web pages that may connect by WebSocket
    (``http://127.0.0.1:8000``), and there must be one: a page of any other is refused.
    ``store`` and ``memory`` bound what JetStream keeps, in bytes on disk and in memory;
    ``payload`` bounds one message, in bytes. ``start`` is how many seconds it may take to begin.
    ``sync`` is what JetStream has on disk: ``full`` all that it has said it has, ``normal`` all but the last
    second, which a loss of power takes (the end of the server does not).
    """

    port: int = 0
    websocket: int | None = None
    origins: tuple[str, ...] = ()
    store: int = 1024 * MIB
    memory: int = 64 * MIB
    payload: int = 4 * MIB
    connections: int = 1024
    start: float = 15.0
    sync: Sync = "normal"

    def __post_init__(self) -> None:
        if self.websocket is not None and not self.origins:
            raise CallerError(
                "The WebSocket of NATS: expected the origin of a page that may connect "
                "(http://127.0.0.1:8000), got none"
            )


@dataclass(frozen=True, slots=True)
class WebUser:
    """A user of the embedded server that is no node: a web page, a program.

    ``agents`` are those that it may ask, where they are exposed; it may ``publish`` and ``subscribe`` to
    these patterns of subjects (``subjects.user``).
    """

    name: str
    password: str = field(repr=False)
    agents: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeshOptions:
    """One node's way to the mesh ``mesh``.

    ``urls`` are NATS servers of one cluster; with none the embedded one is started, its
    data in ``folder`` (None: below the home). ``plaintext`` lets secrets and messages go
    unencrypted to a host that is not this machine. ``buffer`` bytes of messages wait while NATS
    is away. Times are seconds: ``connect`` for one attempt, ``ping`` between questions whether
    the server is still there, ``retry_first`` to ``retry_most`` between attempts. ``users`` are those of the
    embedded server that are no nodes; with them, or with ``doors``, exposed agents have a door.
    """

    mesh: str = "main"
    urls: tuple[str, ...] = ()
    folder: Path | None = None
    auth: Auth = field(default_factory=Auth)
    tls: Tls | None = None
    plaintext: bool = False
    inbox: str = "_INBOX"
    embedded: EmbeddedOptions = field(default_factory=EmbeddedOptions)
    buffer: int = 8 * MIB
    connect: float = 5.0
    ping: float = 5.0
    retry_first: float = 0.05
    retry_most: float = 5.0
    users: tuple[WebUser, ...] = ()
    doors: bool = False

    def __post_init__(self) -> None:
        check_part(self.mesh, "mesh")
        if self.urls and self.users:
            raise CallerError(
                "NATS: expected users only of the server that we start; those of another are made there "
                "(docs/mesh.md says what each may do)"
            )
        for url in self.urls:
            check_url(url)
        if len({urlsplit(url).scheme in ("ws", "wss") for url in self.urls}) > 1:
            raise CallerError("NATS: expected URLs that are all of WebSocket or none, got both")


@dataclass(frozen=True, slots=True)
class Access:
    """A server to connect to and who we are for it; ``secure``: only with TLS.

    ``inbox`` is what the subjects begin with to which answers come: a user with few permissions
    has one of its own, so that it cannot read the answers of others.
    """

    url: str
    auth: Auth = field(default_factory=Auth)
    tls: Tls | None = None
    secure: bool = False
    inbox: str = "_INBOX"


def check_url(url: str) -> None:
    """Whether ``url`` names a NATS server, and holds no secret.

    Raises:
        CallerError: if not.
    """
    try:
        found = urlsplit(url)
        usable = found.scheme in (*PLAIN, *SECURE) and bool(found.hostname) and found.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise CallerError(
            f"The URL of NATS: expected nats://HOST:PORT, tls://…, ws://… or wss://…, got {url[:80]!r}"
        )
    if found.username is not None or found.password is not None:
        raise CallerError(
            f"The URL of NATS for {found.hostname}: expected one without a user or a password (they would be "
            "printed with it); set user and password, or token"
        )


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine whatever a resolver says."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def access(options: MeshOptions) -> tuple[Access, ...]:
    """The servers that ``options.urls`` name."""
    found = []
    for url in options.urls:
        parts = urlsplit(url)
        secure = parts.scheme in SECURE or options.tls is not None
        if not secure and not options.plaintext:
            secure = not is_loopback(parts.hostname or "")
        if secure and parts.scheme == "ws":
            raise CallerError(
                f"NATS at {url}: ws:// is not encrypted; expected wss://, or plaintext = true to go without"
            )
        found.append(Access(url, options.auth, options.tls, secure, options.inbox))
    return tuple(found)
