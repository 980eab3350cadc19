"""One store of each backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from mcp_wasm.memory.protocol import Bounds, Store
from tests.memory.stores import BACKENDS, Make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a state file may lie."""
    return tmp_path / "state" / "store.sqlite"


@pytest.fixture(params=BACKENDS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(bounds: Bounds | None = None) -> Store:
            return stack.enter_context(closing(BACKENDS[request.param](tmp_path, bounds)))

        yield made


@pytest.fixture
def store(make: Make) -> Store:
    return make(None)
