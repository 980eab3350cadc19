"""The table that is printed: what was measured, ours, the baseline, the ratio, and a target if any."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.measure import Pair

_UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


@dataclass(frozen=True, slots=True)
class Row:
    """One line. ``reached`` is None where there is no target."""

    what: str
    ours: str
    baseline: str = ""
    ratio: str = ""
    target: str = ""
    reached: bool | None = None


def seconds(value: float) -> str:
    """A duration with three digits and its unit."""
    name, unit = next(((name, unit) for name, unit in _UNITS if value >= unit), _UNITS[-1])
    number = value / unit
    return f"{number:.{max(0, 3 - len(str(int(number))))}f} {name}"


def compared(what: str, pair: Pair, most: float | None = None) -> Row:
    """A row of two durations; ``most`` is the target for their ratio."""
    target = "" if most is None else f"≤ {most:g}×"
    reached = None if most is None else pair.ratio <= most
    return Row(what, seconds(pair.ours), seconds(pair.baseline), f"{pair.ratio:.2f}×", target, reached)


def bounded(what: str, value: float, most: float, baseline: str = "") -> Row:
    """A row of one duration that has a target of its own."""
    return Row(what, seconds(value), baseline, "", f"≤ {seconds(most)}", value <= most)


def show(title: str, rows: list[Row]) -> None:
    """Print the rows of one part."""
    print(f"\n{title}")
    print(f"  {'':58} {'ours':>11} {'baseline':>11} {'ratio':>7}  target")
    for row in rows:
        mark = {None: "", True: " reached", False: " MISSED"}[row.reached]
        print(
            f"  {row.what:58} {row.ours:>11} {row.baseline:>11} {row.ratio:>7}  {row.target}{mark}",
            flush=True,
        )
