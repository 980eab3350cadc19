"""The settings of key-value state: which keys there are, and the value made of a table that was checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from mcp_wasm.config.key import Key
from mcp_wasm.memory.options import Backend, StateOptions, Sync
from mcp_wasm.memory.protocol import Bounds

STATE_KEYS = (
    Key("backend", "text", "where key-value state is kept", choices=get_args(Backend), trusted=True),
    Key("sync", "text", "full: each write waits for the disk", choices=get_args(Sync), trusted=True),
    Key("url", "secret", "where Redis is, or a reference to that (env:NAME, file:PATH, …)", trusted=True),
    Key("value", "size", "bytes of a value at most", 1, trusted=True),
    Key("keys", "integer", "keys of a bucket at most", 1, trusted=True),
    Key("bucket", "size", "bytes of a bucket at most", 1, trusted=True),
    Key("total", "size", "bytes of all buckets together at most", 1, trusted=True),
)


def state(table: Mapping[str, Any]) -> StateOptions:
    """What ``[state]`` sets: how state is kept, and the bounds of it."""
    how = {name: value for name, value in table.items() if name in {"backend", "sync", "url"}}
    return StateOptions(**how, bounds=Bounds(**{n: v for n, v in table.items() if n not in how}))
