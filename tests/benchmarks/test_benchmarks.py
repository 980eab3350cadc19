from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import measure, table
from benchmarks.__main__ import PARTS

ROOT = Path(__file__).parents[2]


def run(*arguments: str, seconds: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_part_runs_and_prints_its_table() -> None:
    done = run("--quick", *(part for part in PARTS if part != "code"), seconds=280)
    assert done.returncode == 0, done.stdout + done.stderr
    for title in (
        "A call of add",
        "Lists of bytes",
        "over stdio",
        "over HTTP",
        "endless loops",
        "Start-up",
        "Memory",
        "State",
        "HTTP requests",
    ):
        assert title in done.stdout


@pytest.mark.toolchain
@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_part_about_code_builds_its_runners_and_prints_its_table() -> None:
    done = run("--quick", "code", seconds=580)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Code: source to result" in done.stdout


def test_a_part_that_does_not_exist_is_refused_with_those_that_do() -> None:
    done = run("nothing", seconds=18)
    assert done.returncode == 2
    assert "calls, serving, startup, memory, python, state, http, code" in done.stderr


def test_a_ratio_is_of_neighbouring_batches_so_that_a_slow_spell_cancels_out() -> None:
    spell = [1.0, 1.0, 10.0, 10.0, 1.0, 1.0]
    pair = measure.in_turns(iter([2 * s for s in spell]).__next__, iter(spell).__next__, 5)
    assert pair.ratio == 2.0


@pytest.mark.parametrize(
    ("value", "shown"), [(2.0, "2.00 s"), (0.0123, "12.3 ms"), (0.000456, "456 µs"), (1e-7, "0.10 µs")]
)
def test_a_duration_is_shown_with_three_digits(value: float, shown: str) -> None:
    assert table.seconds(value) == shown
