"""The settings of the mesh: which keys there are, and the way to NATS made of a table that was checked.

What signs this node in is named by reference (``env:NAME``, ``file:PATH``,
``keyring:SERVICE/USER``) and read when the node joins; a secret itself in its place
is refused and not repeated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from mcp_wasm.config.key import Key
from mcp_wasm.errors import CallerError, InvalidSettings
from mcp_wasm.mesh import subjects
from mcp_wasm.mesh.options import Auth, EmbeddedOptions, MeshOptions, Sync, Tls, WebUser

MESH_KEYS = (
    Key("name", "text", "name of the mesh; nodes of one name and one key find each other", trusted=True),
    Key("node", "text", "name of this node (default: one that is kept)", trusted=True),
    Key("key", "secret", "the mesh's key, as mcp-wasm mesh up printed it: a reference", trusted=True),
    Key("urls", "texts", "NATS servers of one cluster (default: one that we start)", trusted=True),
    Key("user", "text", "user of NATS", trusted=True),
    Key("password", "secret", "password of the user: a reference", trusted=True),
    Key("token", "secret", "token of NATS: a reference", trusted=True),
    Key("nkey", "secret", "seed of an nkey: a reference", trusted=True),
    Key("creds", "file", "credentials file with a JWT and its seed", trusted=True),
    Key("ca", "file", "certificates that are believed in place of the usual ones", trusted=True),
    Key("cert", "file", "our own certificate, where NATS asks for one", trusted=True),
    Key("cert_key", "file", "the key of our own certificate", trusted=True),
    Key(
        "hostname", "text", "name in the server's certificate, where it is not that of the URL", trusted=True
    ),
    Key("plaintext", "flag", "whether secrets may go unencrypted to another machine", trusted=True),
    Key("folder", "folder", "data of the NATS server that we start", trusted=True),
    Key("port", "integer", "its port on loopback, 0 for a free one", 0, 65_535, trusted=True),
    Key(
        "websocket",
        "integer",
        "its port for web pages on loopback, 0 for a free one",
        0,
        65_535,
        trusted=True,
    ),
    Key("origins", "texts", "origins of the web pages that may connect", trusted=True),
    Key("store", "size", "bytes that it keeps on disk at most", 1024**2, trusted=True),
    Key("sync", "text", "full: what it keeps waits for the disk", choices=get_args(Sync), trusted=True),
    Key("doors", "flag", "whether users of NATS that are no nodes may ask exposed agents", trusted=True),
)
"""All of them say with whom messages are exchanged."""

USER_KEYS = (
    Key("password", "secret", "password of this user of the server that we start: a reference", trusted=True),
    Key("agents", "texts", "agents that it may ask: an address, NAME/* or *", trusted=True),
    Key("publish", "texts", "subjects that it may publish to", trusted=True),
    Key("subscribe", "texts", "subjects that it hears", trusted=True),
)
"""A page or a program that is no node, and what it may do."""

_SECRETS = ("password", "token", "nkey", "key")
_EMBEDDED = ("port", "websocket", "origins", "store", "sync")
_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_.-]{0,127}|file:.{1,1024}|keyring:.{1,500}/.{1,500}")


@dataclass(frozen=True, slots=True)
class MeshSettings:
    """``options``, with ``references`` to what signs in beside ``user`` or ``creds``.

    ``users`` are those of the embedded server, each with a reference in place of its password.
    """

    options: MeshOptions = field(default_factory=MeshOptions)
    node: str = ""
    user: str | None = None
    creds: Path | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    users: tuple[WebUser, ...] = ()

    def resolved(self, environ: Mapping[str, str]) -> tuple[MeshOptions, str | None]:
        """The options with what signs in, and the mesh's key where one is named.

        Raises:
            InvalidSettings: a reference leads to nothing.
        """
        found = {name: _resolved(name, reference, environ) for name, reference in self.references.items()}
        key = found.pop("key", None)
        auth = Auth(user=self.user, creds=self.creds, **found)
        users = tuple(
            replace(each, password=_resolved(f"users.{each.name}.password", each.password, environ))
            for each in self.users
        )
        return replace(self.options, auth=auth, users=users), key


def mesh(table: Mapping[str, Any], users: Mapping[str, Mapping[str, Any]], where: Path) -> MeshSettings:
    """What ``[mesh]`` and ``[mesh.users.NAME]`` set; ``where`` is the file, for errors and relative paths.

    Raises:
        InvalidSettings: for what does not fit together.
    """
    references = {}
    for name in _SECRETS:
        if name not in table:
            continue
        references[name] = _reference(f"mesh.{name}", table[name], where)
    tls = None
    if table.keys() & {"ca", "cert", "cert_key", "hostname"}:
        tls = (table.get("ca"), table.get("cert"), table.get("cert_key"), table.get("hostname"))
    found = tuple(_user(name, users[name], where) for name in users)
    try:
        options = MeshOptions(
            users=found,
            doors=table.get("doors", False),
            mesh=table.get("name", "main"),
            urls=table.get("urls", ()),
            folder=table.get("folder"),
            tls=Tls(*tls) if tls is not None else None,
            plaintext=table.get("plaintext", False),
            embedded=EmbeddedOptions(**{name: table[name] for name in _EMBEDDED if name in table}),
        )
        subjects.users(options)
        # Whether they go together is seen with any texts in their place.
        Auth(
            user=table.get("user"),
            creds=table.get("creds"),
            **{name: "set" for name in references if name != "key"},
        )
    except CallerError as error:
        raise InvalidSettings(f"{where}: mesh", "settings that go together", str(error)) from None
    return MeshSettings(
        options, table.get("node", ""), table.get("user"), table.get("creds"), references, found
    )


def _user(name: str, table: Mapping[str, Any], where: Path) -> WebUser:
    """A user of the embedded server; a reference stands in place of the password."""
    own = f"mesh.users.{name}"
    if "password" not in table:
        raise InvalidSettings(f"{where}: {own}", "a password: a reference to it", "none")
    reference = _reference(f"{own}.password", table["password"], where)
    return WebUser(name, **{**table, "password": reference})


def _reference(key: str, text: str, where: Path) -> str:
    if not _REFERENCE.fullmatch(text):
        expected = "a reference to it (env:NAME, file:PATH or keyring:SERVICE/USER), not itself"
        raise InvalidSettings(f"{where}: {key}", expected, "***")
    return _absolute(text, where.absolute().parent)


def _resolved(name: str, reference: str, environ: Mapping[str, str]) -> str:
    # It loads the sandbox, and a secret is read when the node joins and not before.
    from mcp_wasm.sandbox import secrets

    try:
        return secrets.resolve(reference, environ)
    except secrets.Unresolved as error:
        raise InvalidSettings(f"mesh.{name}", f"a secret at {reference}", str(error)) from None


def _absolute(reference: str, folder: Path) -> str:
    scheme, _, path = reference.partition(":")
    if scheme != "file" or not path:
        return reference
    return f"file:{(folder / Path(path).expanduser()).resolve()}"
