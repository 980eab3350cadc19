"""A real runtime with one component, and clients of both protocol eras."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_wasm.runtime import Runtime

LEGACY, MODERN = "legacy", "2026-07-28"
ERAS = (LEGACY, MODERN)
"""What the SDK's client calls the handshake and the stateless protocol."""


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    """Both protocol eras, one after the other."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def runtime(home: Path, program: Callable[[str], Path]) -> Iterator[Runtime]:
    """A runtime with the component ``server_tools`` under the name ``demo``."""
    with Runtime(home=home, workers=2) as running:
        running.add(program("server_tools"), name="demo")
        yield running
