"""Which backend keeps state, and how much it takes: what a person sets, and the store made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mcp_wasm.errors import StateUnavailable
from mcp_wasm.memory.in_memory import InMemory
from mcp_wasm.memory.protocol import Bounds, Store

Backend = Literal["sqlite", "memory", "redis", "nats"]
Sync = Literal["normal", "full"]
Open = Callable[[Bounds, str], Store]


@dataclass(frozen=True, slots=True)
class StateOptions:
    """``backend`` keeps the state, in a file or in this process; ``sync`` is the file's (see ``Sqlite``).

    ``url`` is where Redis is, or a reference to that. ``open`` makes a store on another machine,
    given its bounds and a name under which it is apart from others: who reads the settings gives it,
    since it takes secrets and what this layer does not know of.
    """

    backend: Backend = "sqlite"
    sync: Sync = "normal"
    bounds: Bounds = field(default_factory=Bounds)
    url: str = field(default="", repr=False)
    open: Open | None = field(default=None, compare=False, repr=False)


def store(options: StateOptions, path: Path, name: str = "") -> Store:
    """A store as ``options`` want it; the file ``path`` is made when it is first used.

    Where it is kept on another machine it has ``name`` there, by which it is apart from others.

    Raises:
        StateUnavailable: the backend is on another machine, and nobody has said how to open it.
    """
    if options.open is not None:
        return options.open(options.bounds, name or path.stem)
    if options.backend in {"redis", "nats"}:
        raise StateUnavailable(options.backend, "this state is reached through the settings file only")
    if options.backend == "memory":
        return InMemory(options.bounds)
    # SQLite costs start-up time, and a store in memory does without.
    from mcp_wasm.memory.sqlite import Sqlite

    return Sqlite(path, options.bounds, sync=options.sync)
