"""Reading the audit log back: records by what is asked, and sums over them.

A log may have been written by several processes, cut by a kill, or tampered with:
a line that cannot be read is counted and passed over. Nothing here prints.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mcp_wasm.audit.file import files
from mcp_wasm.audit.record import Record, parse

_LONGEST_LINE = 4 * 1024 * 1024
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are asked for; what is empty does not matter.

    ``outcome`` also matches what it begins (``limit`` matches ``limit:fuel``);
    ``since`` is seconds since the epoch; ``denied`` asks for what was denied, be
    it the whole call or an attempt within it.
    """

    tool: str = ""
    component: str = ""
    client: str = ""
    event: str = ""
    outcome: str = ""
    since: float = 0.0
    denied: bool = False

    def matches(self, record: Record) -> bool:
        """Whether ``record`` is asked for."""
        exact = all(
            not wanted or getattr(record, name) == wanted
            for name, wanted in (
                ("tool", self.tool),
                ("component", self.component),
                ("client", self.client),
                ("event", self.event),
            )
        )
        outcome = not self.outcome or record.outcome == self.outcome
        kind = outcome or record.outcome.startswith(f"{self.outcome}:")
        denied = not self.denied or bool(record.denials) or record.outcome == "denied"
        return exact and kind and denied and record.at >= self.since


@dataclass(slots=True)
class Damage:
    """What could not be read."""

    lines: int = 0


def read(folder: Path, damage: Damage | None = None) -> Iterator[Record]:
    """Every record in ``folder``, file by file; lines that are none are counted in ``damage``."""
    found = damage if damage is not None else Damage()
    for path in files(folder):
        try:
            with path.open("rb") as file:
                while text := file.readline(_LONGEST_LINE):
                    record = parse(text) if text.strip() else None
                    if record is not None:
                        yield record
                    elif text.strip():
                        found.lines += 1
        except FileNotFoundError:  # rotated away meanwhile
            continue


def last(records: Iterable[Record], wanted: Wanted, number: int) -> list[Record]:
    """The last ``number`` records that are asked for, oldest first."""
    matching = (record for record in records if wanted.matches(record))
    latest = heapq.nlargest(number, enumerate(matching), key=lambda each: (each[1].at, each[0]))
    return [record for _, record in reversed(latest)]


@dataclass(slots=True)
class Summary:
    """Sums over records.

    ``calls`` counts calls and ``failures`` those that did not end ``ok``;
    ``outcomes`` counts by outcome (ids of faults left out), ``tools`` and
    ``clients`` calls by name. ``denials`` counts attempts by component and
    capability. ``fuel`` and ``ms`` are sums; ``lost`` is how many records were
    dropped.
    """

    calls: int = 0
    failures: int = 0
    fuel: int = 0
    ms: float = 0.0
    lost: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    clients: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    denials: Counter[tuple[str, str]] = field(default_factory=Counter)


_DISTINCT = 10_000


def summary(records: Iterable[Record], wanted: Wanted) -> Summary:
    """Sums over the records that are asked for, and all that were lost meanwhile."""
    found = Summary()
    for record in records:
        if record.event == "lost" and record.at >= wanted.since:
            found.lost += record.count
        if not wanted.matches(record) or record.event == "lost":
            continue
        _count(found.events, record.event)
        for denial in record.denials:
            key = (denial.component or record.component, denial.capability)
            if key in found.denials or len(found.denials) < _DISTINCT:
                found.denials[key] += denial.count
        if record.event != "call":
            continue
        found.calls += 1
        found.failures += record.outcome != "ok"
        found.fuel += record.fuel
        found.ms += record.ms
        _count(found.outcomes, record.outcome.split(":")[0] if "fault" in record.outcome else record.outcome)
        _count(found.tools, record.tool)
        _count(found.clients, record.client)
    return found


def _count(counter: Counter[str], name: str) -> None:
    """Count ``name``; a log full of invented names does not take all memory."""
    counter[name if name in counter or len(counter) < _DISTINCT else "(others)"] += 1


def moment(text: str, now: float) -> float | None:
    """Seconds since the epoch of ``2h``, ``7d`` (before ``now``) or of an ISO date and time; None if neither.

    A time without a zone is UTC, as in the log.
    """
    number, unit = text[:-1], text[-1:]
    if unit in _SPANS and number.isascii() and number.isdigit() and len(number) < 10:
        return max(0.0, now - timedelta(seconds=int(number) * _SPANS[unit]).total_seconds())
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
