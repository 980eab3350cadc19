"""Schedules of five fields, as cron reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo

from problem import Problem
from reading import settle

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("weekday", 0, 7, DAYS),
)
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
YEARS = 50
LONGEST = 300


class Schedule:
    """Which minutes, hours and days a schedule means."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise Problem(f"the schedule has more than {LONGEST} characters")
        words = NICKNAMES.get(text.strip().lower(), text).lower().split()
        if len(words) != len(FIELDS):
            raise Problem(f"a schedule has five fields (minute hour day month weekday), not {len(words)}")
        sets = [_field(word, *field) for word, field in zip(words, FIELDS)]
        self.minutes, self.hours, self.days, self.months, weekdays = sets
        self.weekdays = {day % 7 for day in weekdays}
        # Where both days are restricted, either is enough.
        self.either = not words[2].startswith("*") and not words[4].startswith("*")

    def on(self, day: date) -> bool:
        """Whether the schedule means this date."""
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, (day.weekday() + 1) % 7 in self.weekdays
        return (by_month or by_week) if self.either else (by_month and by_week)

    def after(self, moment: datetime, place: tzinfo) -> Iterator[datetime]:
        """The moments after one, by the clock in ``place``; a time that is shown twice counts once."""
        day = moment.astimezone(place).date()
        for n in range(YEARS * 366):
            try:
                at = day + timedelta(days=n)
            except OverflowError:
                return
            if self.on(at):
                yield from (found for found in self._times(at, place) if found > moment)

    def _times(self, day: date, place: tzinfo) -> Iterator[datetime]:
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                wall = datetime(day.year, day.month, day.day, hour, minute)
                found = settle(wall, place, strict=False)
                if found.replace(tzinfo=None, fold=0) == wall:
                    yield found


def _field(text: str, name: str, least: int, most: int, words: tuple[str, ...] | list[str]) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        low, dash, high = span.partition("-")
        first = least if span == "*" else _number(low, name, least, most, words)
        last = most if span == "*" or (slash and not dash) else first
        if dash:
            last = _number(high, name, least, most, words)
        if span == "*" and name == "weekday":
            last = 6
        if last < first and name == "weekday" and last == 0:
            last = 7
        if last < first:
            raise Problem(f"{name}: {part!r} ends before it begins")
        if slash and (not step.isdecimal() or not 0 < int(step[:6]) <= most):
            raise Problem(f"{name}: {step!r} is not a step from 1 to {most}")
        found.update(range(first, last + 1, int(step) if slash else 1))
    return found


def _number(text: str, name: str, least: int, most: int, words: tuple[str, ...] | list[str]) -> int:
    if text[:3] in words and text.isalpha():
        return list(words).index(text[:3]) + (1 if name == "month" else 0)
    if not text.isdecimal() or not text.isascii() or not least <= int(text[:6]) <= most:
        named = f" or {words[0]} to {words[-1]}" if words else ""
        raise Problem(f"{name}: {text[:20]!r} is not {least} to {most}{named}")
    return int(text)
