"""A runtime with the guests that the sandbox is attacked with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from tests.sandbox.guests import ENDLESS


@pytest.fixture
def runtime(home: Path, program: Callable[[str], Path]) -> Iterator[Runtime]:
    with Runtime(home=home, limits=Limits(fuel=ENDLESS)) as made:
        for name in ("tiny", "hostile", "wasi"):
            made.add(program(name))
        yield made
