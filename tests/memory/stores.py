"""The backends that every store test runs on, and what drives them."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_wasm.memory.in_memory import InMemory
from mcp_wasm.memory.protocol import Bounds, Store
from mcp_wasm.memory.sqlite import Sqlite
from tests.memory.nats_server import nats_store
from tests.memory.redis_server import redis_store

Make = Callable[[Bounds | None], Store]

BACKENDS: dict[str, Callable[[Path, Bounds | None], Store]] = {
    "memory": lambda _, bounds: InMemory(bounds),
    "sqlite": lambda folder, bounds: Sqlite(folder / "state" / "store.sqlite", bounds),
    "sqlite-full": lambda folder, bounds: Sqlite(folder / "state" / "store.sqlite", bounds, sync="full"),
    "nats": nats_store,
    "redis": redis_store,
}


@dataclass(slots=True)
class Patience:
    """A caller that waits until told otherwise, or for so many questions whether it still does."""

    left: float = math.inf
    deadline: float = math.inf

    def due(self) -> bool:
        self.left -= 1
        return self.left < 0


OVER = Patience(left=0)


def in_background(*work: Callable[[], Any]) -> list[threading.Thread]:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    return threads
