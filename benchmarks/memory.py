"""What stays in memory: per call over ten thousand of them, and an idle server."""

from __future__ import annotations

from pathlib import Path

from benchmarks.clients import Pipe
from benchmarks.table import Row


def run(folder: Path, *, quick: bool) -> dict[str, list[Row]]:
    """The one table."""
    calls = 1_000 if quick else 10_000
    with Pipe("ours", folder) as ours, Pipe("sdk", folder) as sdk:
        idle, nothing = ours.memory(), sdk.memory()
        ours.call(1_000, 8)
        before = ours.memory()
        ours.call(calls, 8)
        after = ours.memory()
    per_call = (after - before) / calls
    return {
        "Memory": [
            Row(
                "resident, idle server, against the SDK's",
                _mib(idle),
                _mib(nothing),
                f"{idle / nothing:.2f}×",
            ),
            Row(f"resident after {calls:,} more calls, against before", _mib(after), _mib(before)),
            Row("growth a call", f"{per_call:.0f} B", "", "", "≤ 32 B", per_call <= 32),
        ]
    }


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
