"""The configuration of the embedded NATS server, as text. Pure.

Loopback only, no monitoring port, nobody without a password, JetStream with bounds. What a user
may do is enforced by the server itself. Source: the configuration reference on docs.nats.io.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_wasm.mesh.options import EmbeddedOptions, Sync

HOST = "127.0.0.1"

EVERYTHING = (">",)

_SYNC: Mapping[Sync, str] = {"normal": "1s", "full": "always"}
"""When what JetStream keeps is put on disk. Without a word the server waits for two minutes."""


@dataclass(frozen=True, slots=True)
class User:
    """A user of the server and what it may do: patterns of subjects to publish and to subscribe to.

    ``replies`` lets it answer what it was asked, wherever the answer has to go.
    """

    name: str
    password: str = field(repr=False)
    publish: tuple[str, ...] = EVERYTHING
    subscribe: tuple[str, ...] = EVERYTHING
    replies: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """The files of a server below its folder."""

    folder: Path

    @property
    def config(self) -> Path:
        """What this module writes."""
        return self.folder / "server.conf"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    @property
    def first_words(self) -> Path:
        """What it says before it has a log."""
        return self.folder / "start.log"

    @property
    def ports(self) -> Path:
        """Where it writes on which ports it listens."""
        return self.folder / "ports"

    @property
    def data(self) -> Path:
        """What JetStream keeps."""
        return self.folder / "data"

    @property
    def lock(self) -> Path:
        """Held by the process that runs the server."""
        return self.folder / "lock"

    @property
    def access(self) -> Path:
        """How other processes of the same person reach it."""
        return self.folder / "access.json"


def text(
    options: EmbeddedOptions, places: Places, users: Sequence[User], port: int, websocket: int | None
) -> str:
    """The configuration; 0 as a port is any that is free."""
    config: dict[str, Any] = {
        "host": HOST,
        "port": port or -1,
        "server_name": "mcp-wasm",
        "ports_file_dir": str(places.ports),
        "log_file": str(places.log),
        "logfile_size_limit": 1024 * 1024,
        "logfile_max_num": 2,
        "max_payload": options.payload,
        "max_pending": 64 * 1024 * 1024,
        "max_connections": options.connections,
        "max_control_line": 4096,
        "max_subscriptions": 100_000,
        "write_deadline": "10s",
        "lame_duck_duration": "30s",
        "lame_duck_grace_period": "1s",
        "authorization": {"timeout": 5, "users": [_user(each) for each in users]},
        "jetstream": {
            "store_dir": str(places.data),
            "max_memory_store": options.memory,
            "max_file_store": options.store,
            "sync_interval": _SYNC[options.sync],
        },
    }
    if websocket is not None:
        config["websocket"] = {
            "host": HOST,
            "port": websocket or -1,
            "no_tls": True,
            "allowed_origins": list(options.origins),
            "handshake_timeout": "5s",
        }
    return json.dumps(config, indent=1, ensure_ascii=False) + "\n"


def _user(user: User) -> dict[str, Any]:
    permissions: dict[str, Any] = {"publish": _rule(user.publish), "subscribe": _rule(user.subscribe)}
    if user.replies:
        permissions["allow_responses"] = {"max": 1, "expires": "60s"}
    return {"user": user.name, "password": user.password, "permissions": permissions}


def _rule(patterns: Sequence[str]) -> dict[str, list[str]]:
    """An empty list of what is allowed would allow everything."""
    return {"allow": list(patterns)} if patterns else {"deny": [">"]}
