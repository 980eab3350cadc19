"""How long random tests run, and from which seed: by the environment, since only the test run reads it.

``MCP_WASM_FUZZ_SECONDS`` bounds each of them (default 20 s). Every case is made
from one seed, which a failure names; ``MCP_WASM_FUZZ_SEED`` begins with that one.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Iterator

SECONDS = float(os.environ.get("MCP_WASM_FUZZ_SECONDS", "20"))
TIMEOUT = SECONDS * 2 + 120
"""For ``pytest.mark.timeout``: the last case may begin just before the end, and shrinking takes time."""


def seeds() -> Iterator[int]:
    """Seeds until the time is up, at least one."""
    first = int(os.environ.get("MCP_WASM_FUZZ_SEED", random.SystemRandom().randrange(2**31)))
    end = time.monotonic() + SECONDS
    yield first
    while time.monotonic() < end:
        first += 1
        yield first


@contextlib.contextmanager
def named(seed: int) -> Iterator[None]:
    """Add the seed to whatever fails inside."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"to run this case first: MCP_WASM_FUZZ_SEED={seed}")
        raise
