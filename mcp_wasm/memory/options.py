"""Which backend keeps state, and how much it takes: what a person sets, and the store made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mcp_wasm.memory.in_memory import InMemory
from mcp_wasm.memory.protocol import Bounds, Store

Backend = Literal["sqlite", "memory"]
Sync = Literal["normal", "full"]


@dataclass(frozen=True, slots=True)
class StateOptions:
    """``backend`` keeps the state, in a file or in this process; ``sync`` is the file's (see ``Sqlite``)."""

    backend: Backend = "sqlite"
    sync: Sync = "normal"
    bounds: Bounds = field(default_factory=Bounds)


def store(options: StateOptions, path: Path) -> Store:
    """A store as ``options`` want it; the file ``path`` is made when it is first used."""
    if options.backend == "memory":
        return InMemory(options.bounds)
    # SQLite costs start-up time, and a store in memory does without.
    from mcp_wasm.memory.sqlite import Sqlite

    return Sqlite(path, options.bounds, sync=options.sync)
