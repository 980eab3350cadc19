"""The memory of agents over a state store: one bucket an agent, JSON or any text under keys.

A store blocks, so it is used beside the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mcp_wasm.memory.protocol import Store

PREFIX = "agent."
"""What the bucket of an agent begins with; no grant of ``keyvalue`` to a guest needs to reach it."""


def bucket(agent: str) -> str:
    """The bucket of the agent with that path."""
    return PREFIX + agent.replace("/", ".")


class StoredState:
    """Implements ``ports.State`` over ``store``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, agent: str, keys: Sequence[str]) -> Sequence[tuple[str, str]]:
        """The keys that hold something, with their values; ``prefix*`` stands for several.

        Raises:
            StateUnavailable: the store fails.
        """
        return await asyncio.to_thread(self._load, bucket(agent), keys)

    async def store(self, agent: str, entries: Sequence[tuple[str, str | None]]) -> None:
        """Keep ``entries``, the last of a key; those with a value as one change.

        Raises:
            StateRefused: a key or a value is too long, or the bucket is full.
            StateUnavailable: the store fails.
        """
        await asyncio.to_thread(self._keep, bucket(agent), dict(entries))

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
