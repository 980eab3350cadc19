"""The soak, shortly: two minutes, or as long as MCP_WASM_SOAK_SECONDS says."""

from __future__ import annotations

import os
import random

import pytest

from tests.attacks.attacked import LINUX
from tests.attacks.soak import soak

SECONDS = float(os.environ.get("MCP_WASM_SOAK_SECONDS", "120"))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 2 + 120)
@pytest.mark.skipif(not LINUX, reason="what is held is read from /proc")
def test_servers_survive_honest_and_hostile_calls_in_any_order() -> None:
    seed = int(os.environ.get("MCP_WASM_FUZZ_SEED", random.SystemRandom().randrange(2**31)))
    assert soak(SECONDS, seed) == []
