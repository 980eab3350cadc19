"""Real NATS servers for tests, and event loops to use them on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from mcp_wasm.mesh.server import Embedded
from tests.mesh.servers import Connect, connections


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Embedded]:
    """An embedded server of this test's own."""
    found = Embedded(tmp_path / "nats")
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens connections that are closed at the end of the test."""
    async with connections() as made:
        yield made


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Waits until something is so; the test's own time limit is the guard."""
    from tests.mesh.servers import until as waits

    return waits
