"""Random components in a process of their own, so that an abort of the engine is seen as a failure.

    child.py wit|binary|memory SEED SECONDS

Each case is made from one seed, counted up from SEED, and is announced on
standard output before it begins; the last line says how the cases ended.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from mcp_wasm.errors import ComponentRefused
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from tests.fuzz import random_binary, random_memory, random_wit
from tests.fuzz.published import assert_well_published, call, call_all

LIMITS = Limits(fuel=3_000_000, deadline=0.5, memory=64 * 1024 * 1024)


def wit_case(runtime: Runtime, seed: int, folder: Path) -> str:
    """A component of random WIT is published whole; its tools take what their types take."""
    path = random_wit.component(seed, folder)
    if path is None:
        return "nothing"
    try:
        component = runtime.add(path)
    except ComponentRefused as refusal:
        return refused(refusal)
    assert runtime.inspect(path) == component, "what the cache kept must be what was read"
    assert_well_published(component)
    for tool in component.tools:
        if tool.function.name.startswith(("take", "pair")):
            assert tool.description == random_wit.docs(tool.function.name)
    call_all(runtime, component, seed, dummy=True)
    return "called"


def binary_case(runtime: Runtime, seed: int, folder: Path) -> str:
    """A damaged or random binary is refused with a reason, or it is published and can be called."""
    path = random_binary.component(seed, folder)
    if path is None:
        return "nothing"
    try:
        runtime.inspect(path)
        component = runtime.add(path)
    except ComponentRefused as refusal:
        return refused(refusal)
    assert_well_published(component)
    call_all(runtime, component, seed, dummy=False)
    return "called"


def memory_case(runtime: Runtime, seed: int, folder: Path) -> str:
    """A guest whose memory holds anything returns a value of its type, or has trapped."""
    path = random_memory.component(seed, folder)
    component = runtime.add(path)
    ends = {call(runtime, tool, {}) for tool in component.tools}
    assert "refused" not in ends
    return "called" if "returned" in ends else "stopped"


def refused(refusal: ComponentRefused) -> str:
    assert refusal.reason
    return "refused"


CASES: dict[str, Callable[[Runtime, int, Path], str]] = {
    "wit": wit_case,
    "binary": binary_case,
    "memory": memory_case,
}


def main(kind: str, first: int, seconds: float) -> None:
    ends: Counter[str] = Counter()
    end, seed = time.monotonic() + seconds, first
    with tempfile.TemporaryDirectory() as home, Runtime(home=Path(home), limits=LIMITS) as runtime:
        while seed == first or time.monotonic() < end:
            sys.stdout.write(f"seed {seed}\n")
            sys.stdout.flush()
            with tempfile.TemporaryDirectory() as folder:
                ends[CASES[kind](runtime, seed, Path(folder))] += 1
            seed += 1
    sys.stdout.write(json.dumps(ends) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
