"""Every function of every host interface: called with nonsense, and raising what nobody expects."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks import everything
from tests.attacks.guests import ROOT

MODULE = Path(everything.__file__)
ENDS = {
    "returned",
    "Trap",
    "DeadlineExceeded",
    "HandlesExhausted",
    "OutputLimitExceeded",
    "MemoryLimitExceeded",
}
ANSWERED = [
    "wasi:http/types@0.2.12",
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:logging/logging@0.1.0-draft",
    "wasi:random/random@0.2.12",
    "wasi:sockets/tcp-create-socket@0.2.12",
    "mcp-wasm:tools/call@0.1.0",
]
"""Interfaces with functions that need no handle, so that nonsense reaches the host."""


def ended(home: Path, raised: str, *names: str) -> dict[str, dict[str, int]]:
    """How the calls of each interface ended, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(MODULE), str(home), raised, *names],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
    return {name: ast.literal_eval(ends) for name, ends in lines}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("names", [ANSWERED, pytest.param(None, marks=pytest.mark.slow)], ids=["some", "all"])
def test_no_function_of_the_host_is_upset_by_nonsense(home: Path, names: list[str] | None) -> None:
    names = names or [*everything.registered()]
    found = ended(home, "-", *names)
    assert list(found) == names
    for name, ends in found.items():
        assert ends.keys() <= ENDS, (name, ends)
    for name in ANSWERED:
        assert found[name].get("returned"), (name, found[name])


@pytest.mark.timeout(120)
@pytest.mark.parametrize("raised", ["KeyboardInterrupt"])
def test_whatever_a_function_of_the_host_raises_costs_one_call(home: Path, raised: str) -> None:
    for name, ends in ended(home, raised, *ANSWERED).items():
        assert ends.keys() <= {"returned", "Trap", f"HostFault {raised}"}, (name, ends)
        assert ends.get(f"HostFault {raised}"), (name, ends)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "raised",
    [
        "MemoryError",
        "SystemExit",
        "GeneratorExit",
        "CancelledError",
        "RecursionError",
        "StopIteration",
        "OSError",
    ],
)
def test_whatever_any_function_of_the_host_raises_costs_one_call(home: Path, raised: str) -> None:
    found = ended(home, raised, *everything.registered())
    assert found.keys() == everything.registered().keys()
    for name, ends in found.items():
        assert ends.keys() <= {"returned", "Trap", f"HostFault {raised}"}, (name, ends)
