"""The memory of agents over a state store: one bucket an agent, JSON or any text under keys.

It is a store apart from that of ``wasi:keyvalue`` in every backend (``memory.options.store`` gives it another
file, prefix or stream), so that no grant of a bucket can name it. Where several trees or nodes keep theirs in
one store, each has its own part. A store blocks, so it is used beside the event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path

from mcp_wasm.agents.address import check_part
from mcp_wasm.memory.options import StateOptions
from mcp_wasm.memory.protocol import LONGEST_BUCKET, Store

UNNAMED = "local"
"""What a node is called that is in no mesh and that nobody gave a name."""

_PREFIX, _LONG = "agent.", "agent~"
_NAME = "memory.name"


def bucket(agent: str, part: str = "") -> str:
    """The bucket of the agent with that path, in one ``part`` of a store.

    No two have the same: names have no dots and no ``~``, and a part is always of two names.
    """
    name = ".".join((*([part] if part else ()), *agent.split("/")))
    if len(_PREFIX + name) > LONGEST_BUCKET:
        return _LONG + hashlib.blake2b(name.encode(), digest_size=32).hexdigest()
    return _PREFIX + name


def part_of(options: StateOptions, folder: Path, tree: str, node: str) -> str:
    """The part of a store that is for ``tree`` on ``node``; ``""`` in one that nobody else uses.

    On one machine that store is a file in the tree's ``folder``. One that others use too has as many parts as
    there are trees on nodes; a node without a name gets one that the folder keeps.

    Raises:
        CallerError: ``tree`` or ``node`` is no name.
    """
    if options.open is None:
        return ""
    own = _kept_name(folder / _NAME) if node == UNNAMED else node
    return f"{check_part(tree, 'the tree')}.{check_part(own, 'the node')}"


def _kept_name(path: Path) -> str:
    # Whoever runs the tree has claimed its folder, so nobody else makes it now.
    if not path.exists():
        path.write_text(f"{UNNAMED}-{secrets.token_hex(8)}", encoding="ascii")
    return path.read_text(encoding="ascii").strip()


class StoredState:
    """Implements ``ports.State`` over the part ``part`` of ``store``, see ``part_of``."""

    def __init__(self, store: Store, part: str = "") -> None:
        self._store, self._part = store, part

    async def load(self, agent: str, keys: Sequence[str]) -> Sequence[tuple[str, str]]:
        """The keys that hold something, with their values; ``prefix*`` stands for several.

        Raises:
            StateUnavailable: the store fails.
        """
        return await asyncio.to_thread(self._load, bucket(agent, self._part), keys)

    async def store(self, agent: str, entries: Sequence[tuple[str, str | None]]) -> None:
        """Keep ``entries``, the last of a key; those with a value as one change.

        Raises:
            StateRefused: a key or a value is too long, or the bucket is full.
            StateUnavailable: the store fails.
        """
        await asyncio.to_thread(self._keep, bucket(agent, self._part), dict(entries))

    def _load(self, name: str, wanted: Sequence[str]) -> list[tuple[str, str]]:
        keys = [key for key in wanted if not key.endswith("*")]
        for prefix in (key[:-1] for key in wanted if key.endswith("*")):
            page = self._store.list_keys(name, prefix)
            keys += page.keys
            while page.more:
                page = self._store.list_keys(name, prefix, after=page.keys[-1])
                keys += page.keys
        keys = list(dict.fromkeys(keys))
        values = self._store.get_many(name, keys) if keys else []
        return [(k, v.decode("utf-8", "replace")) for k, v in zip(keys, values, strict=True) if v is not None]

    def _keep(self, name: str, entries: dict[str, str | None]) -> None:
        kept = [(key, value.encode()) for key, value in entries.items() if value is not None]
        gone = [key for key, value in entries.items() if value is None]
        if kept:
            self._store.set_many(name, kept)
        if gone:
            self._store.delete_many(name, gone)
