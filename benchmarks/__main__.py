"""Run the benchmarks and print the table.

    python -m benchmarks [--quick] [PART …]

Every ratio is taken against a baseline that was measured in the same run, in
turns with it. ``--quick`` takes few rounds: it shows that everything runs, and
its numbers mean little. The exit code is 0 whether targets are reached or not.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from benchmarks import (
    agents,
    code_runs,
    fetching,
    guests,
    memory,
    mesh,
    overhead,
    python_guest,
    serving_calls,
    startup,
    state,
)
from benchmarks.table import Row, show

PARTS: dict[str, Callable[..., dict[str, list[Row]]]] = {
    "calls": overhead.run,
    "serving": serving_calls.run,
    "startup": startup.run,
    "memory": memory.run,
    "python": python_guest.run,
    "state": state.run,
    "http": fetching.run,
    "code": code_runs.run,
    "agents": agents.run,
    "mesh": mesh.run,
}


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What things cost, as ratios.")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"some of: {', '.join(PARTS)} (default: all)"
    )
    parser.add_argument("--quick", action="store_true", help="few rounds, in less than a minute")
    given = parser.parse_args()
    unknown = set(given.parts) - PARTS.keys()
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    logging.disable(logging.WARNING)
    packages = ", ".join(f"{name} {version(name)}" for name in ("wasmtime", "mcp"))
    machine = f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    print(f"Python {platform.python_version()}, {packages}, {machine}")
    folder = Path(tempfile.mkdtemp(prefix="mcp-wasm-bench-"))
    guests.write(folder)
    begun = time.monotonic()
    try:
        for name in given.parts or PARTS:
            for title, rows in PARTS[name](folder, quick=given.quick).items():
                show(title, rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
