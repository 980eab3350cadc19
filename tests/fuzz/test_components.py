"""Components nobody meant: random WIT, damaged binaries, hostile memory; each batch in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.bounded import SECONDS, TIMEOUT, seeds

_ROOT = Path(__file__).resolve().parents[2]
_BATCH = 20.0
"""Seconds of cases in one process, so that its memory does not grow and faults stay apart."""

_SLOWEST_CASE = 90.0
"""Seconds that a single case may take: compiles run in children that are bounded themselves."""


def batch(kind: str, first: int, seconds: float) -> dict[str, int]:
    """How the cases of a batch ended; fails with the seed where the process did not end well."""
    command = [sys.executable, "-m", "tests.fuzz.child", kind, str(first), str(seconds)]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONFAULTHANDLER": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds + _SLOWEST_CASE,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"{kind}: a case hangs, {_last_seed((late.stdout or b'').decode())}")
    if done.returncode != 0:
        pytest.fail(f"{kind}: exit {done.returncode}, {_last_seed(done.stdout)}\n{done.stderr[-8000:]}")
    ends: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return ends


def _last_seed(printed: str) -> str:
    began = [line for line in printed.splitlines() if line.startswith("seed ")]
    return (
        f"to run this case first: MCP_WASM_FUZZ_SEED={began[-1].split()[1]}" if began else "before any case"
    )


@pytest.mark.fuzz
@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("kind", ["wit", "binary", "memory"])
def test_random_components_are_published_and_called_or_refused_with_a_reason(kind: str) -> None:
    ends: Counter[str] = Counter()
    # A batch runs many seeds, so the next one begins where they end.
    for first in seeds():
        ends.update(batch(kind, first + ends.total(), min(_BATCH, SECONDS)))
    assert ends["called"], ends
    assert kind != "binary" or ends["refused"], ends


@pytest.mark.parametrize(("kind", "seed"), [("wit", 15), ("binary", 3), ("memory", 1)])
def test_one_case_of_each_kind_is_run(kind: str, seed: int) -> None:
    assert sum(batch(kind, seed, 0).values()) == 1
