"""How a number is taken on a machine that does other things too: in turns, many times, by medians.

Ours and its baseline take turns in short batches, and a ratio is the median of
the ratios of neighbouring batches, so that whatever slows the machine for a
while slows both. It knows nothing of what is measured.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Batch = Callable[[], float]
"""Does something some times and returns the seconds that one time took."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What two things took, in seconds, and how many times the second the first is; all medians."""

    ours: float
    baseline: float
    ratio: float


def in_turns(ours: Batch, baseline: Batch, rounds: int) -> Pair:
    """Measure both ``rounds`` times, each first in every other; a round before is not counted."""
    taken: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        if number % 2:
            first = ours()
            pair = (first, baseline())
        else:
            second = baseline()
            pair = (ours(), second)
        if number:
            taken.append(pair)
    return Pair(
        statistics.median(a for a, _ in taken),
        statistics.median(b for _, b in taken),
        statistics.median(a / b for a, b in taken),
    )


def repeat(work: Callable[[], object], times: int) -> Batch:
    """A batch that does ``work`` so many times, without the garbage collector's pauses."""

    def batch() -> float:
        gc.collect()
        gc.disable()
        try:
            begun = time.perf_counter()
            for _ in range(times):
                work()
            return (time.perf_counter() - begun) / times
        finally:
            gc.enable()

    return batch


def percentile(values: list[float], percent: float) -> float:
    """The smallest of ``values`` that ``percent`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
