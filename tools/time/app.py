"""The functions of the world ``time``: texts and records in and out, problems as errors."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, tzinfo
from functools import wraps
from itertools import islice

import wit_world
from componentize_py_types import Err
from wit_world import DateFacts, Difference, Moment, Transition, Unit, Weekday

import reckoning
from cron import Schedule
from problem import Problem
from reading import EPOCH, read_date, read_time
from zones import search, zone, zone_name

WEEKDAYS = list(Weekday)
UNIX_DAY_OF_YEAR_ONE = date(1970, 1, 1).toordinal()
JULIAN_DAY_OF_UNIX_EPOCH = 2_440_588
MOST_MOMENTS = 100
LONGEST_FORMAT = 1000
DIRECTIVES = set("aAbBcdfGHIjmMpSuUVwWxXyYzZ%eDFTRnthklsCgP")


def answering(function):
    """Turns a ``Problem`` into the error of the WIT result."""

    @wraps(function)
    def call(*arguments):
        try:
            return function(*arguments)
        except Problem as problem:
            raise Err(str(problem) if str(problem).endswith("?") else f"{problem}.") from None
        except OverflowError:
            raise Err("the result is beyond the years 1 to 9999.") from None

    return call


def shown(moment: datetime, place: tzinfo) -> Moment:
    """A moment as a record, in a time zone."""
    local = moment.astimezone(place)
    offset, saving = local.utcoffset(), local.dst()
    assert offset is not None
    return Moment(
        local.isoformat(),
        zone_name(place),
        local.tzname() or "",
        int(offset.total_seconds()),
        bool(saving),
        (moment - EPOCH).total_seconds(),
        WEEKDAYS[local.weekday()],
    )


def _clock(moment: datetime) -> str:
    return f"{moment.isoformat()} {moment.tzname()}"


class WitWorld(wit_world.WitWorld):
    """What the component exports."""

    @answering
    def now(self, zone_: str | None) -> Moment:
        place = zone(zone_)
        return shown(read_time("now", place), place)

    @answering
    def convert(self, time: str, zone_: str | None, show_in: str | None) -> Moment:
        place = zone(zone_)
        return shown(read_time(time, place), place if show_in is None else zone(show_in))

    @answering
    def add(self, time: str, amount: int, unit: Unit, zone_: str | None) -> Moment:
        place = zone(zone_)
        name = unit.name.lower().replace("_", "-")
        return shown(reckoning.add(read_time(time, place), amount, name, place), place)

    @answering
    def between(self, start: str, end: str, zone_: str | None) -> Difference:
        place = zone(zone_)
        first, second = (read_time(text, place).astimezone(place) for text in (start, end))
        apart = second.astimezone(UTC) - first.astimezone(UTC)
        return Difference(
            apart.total_seconds(),
            reckoning.in_words(first, second),
            reckoning.elapsed_text(apart),
            (second.date() - first.date()).days,
            reckoning.business_days(first.date(), second.date()),
        )

    @answering
    def facts(self, date: str) -> DateFacts:
        day = read_date(date)
        year, week, _ = day.isocalendar()
        last = calendar.monthrange(day.year, day.month)[1]
        unix_day = day.toordinal() - UNIX_DAY_OF_YEAR_ONE
        return DateFacts(
            day.isoformat(),
            WEEKDAYS[day.weekday()],
            day.timetuple().tm_yday,
            f"{year:04}-W{week:02}",
            (day.month + 2) // 3,
            calendar.isleap(day.year),
            last,
            (day.replace(day=1).isoformat(), day.replace(day=last).isoformat()),
            unix_day,
            unix_day + JULIAN_DAY_OF_UNIX_EPOCH,
        )

    @answering
    def format(self, time: str, format: str, zone_: str | None) -> str:
        if len(format) > LONGEST_FORMAT:
            raise Problem(f"the format has more than {LONGEST_FORMAT} characters")
        place = zone(zone_)
        pieces = format.replace("%%", "").split("%")[1:]
        for piece in pieces:
            name = piece.lstrip("-_0^#:E")[:1]
            if not name or name not in DIRECTIVES or "\0" in format:
                raise Problem(f"%{piece[:3]} is not a directive of strftime; write %% for a percent sign")
        return read_time(time, place).astimezone(place).strftime(format)

    @answering
    def schedule(self, schedule: str, after: str, zone_: str | None, count: int) -> list[Moment]:
        if not 1 <= count <= MOST_MOMENTS:
            raise Problem(f"count is 1 to {MOST_MOMENTS}, not {count}")
        place = zone(zone_)
        plan, begin = Schedule(schedule), read_time(after, place)
        found = [shown(moment, place) for moment in islice(plan.after(begin, place), count)]
        if not found:
            raise Problem(f"{schedule!r} does not happen within 50 years")
        return found

    @answering
    def clock_changes(self, zone_: str, year: int) -> list[Transition]:
        if not 2 <= year <= 9998:
            raise Problem(f"the year is 2 to 9998, not {year}")
        found = reckoning.changes(zone(zone_), year)
        return [Transition(at.isoformat(), _clock(before), _clock(after)) for at, before, after in found]

    def zones(self, text: str) -> list[str]:
        return search(text)
