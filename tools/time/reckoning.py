"""Sums and differences of moments, and the calendar."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta, tzinfo

from problem import Problem
from reading import settle

ELAPSED = {"seconds": 1, "minutes": 60, "hours": 3600}
MOST = 10**12


def add(moment: datetime, amount: int, unit: str, place: tzinfo) -> datetime:
    """A moment plus units; days and longer ones move the date and keep the time on the clock."""
    if abs(amount) > MOST:
        raise Problem(f"the amount {amount} leads beyond the years 1 to 9999")
    try:
        if unit in ELAPSED:
            return (moment.astimezone(UTC) + timedelta(seconds=amount * ELAPSED[unit])).astimezone(place)
        local = moment.astimezone(place)
        day = move_date(local.date(), amount, unit)
    except (OverflowError, ValueError):
        raise Problem("the result is beyond the years 1 to 9999") from None
    wall = datetime.combine(day, local.timetz().replace(tzinfo=None))
    if wall.replace(tzinfo=None) == local.replace(tzinfo=None, fold=0):
        return local
    return settle(wall.replace(fold=0), place, strict=False)


def move_date(day: date, amount: int, unit: str) -> date:
    """A date plus days, business days, weeks, months or years."""
    if unit == "days":
        return day + timedelta(days=amount)
    if unit == "weeks":
        return day + timedelta(weeks=amount)
    if unit == "business-days":
        return _add_business_days(day, amount)
    months = amount * (12 if unit == "years" else 1)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _add_business_days(day: date, amount: int) -> date:
    """Monday to Friday. From a weekend, the first step forward is to Monday, the first back to Friday."""
    if amount > 0 and day.weekday() > 4:
        day -= timedelta(days=day.weekday() - 4)
    elif amount < 0 and day.weekday() > 4:
        day += timedelta(days=7 - day.weekday())
    weeks, rest = divmod(abs(amount), 5)
    step = 1 if amount > 0 else -1
    day += timedelta(weeks=weeks * step)
    for _ in range(rest):
        day += timedelta(days=step)
        while day.weekday() > 4:
            day += timedelta(days=step)
    return day


def business_days(start: date, end: date) -> int:
    """Monday to Friday from the first date (included) to the second (not included)."""
    if end < start:
        return -business_days(end, start)
    weeks, rest = divmod((end - start).days, 7)
    return weeks * 5 + sum((start.weekday() + n) % 7 < 5 for n in range(rest))


def in_words(start: datetime, end: datetime) -> str:
    """The difference by calendar and clock, both in one time zone: the largest units first."""
    sign = ""
    if end < start:
        start, end, sign = end, start, "minus "
    months = (end.year - start.year) * 12 + end.month - start.month
    place = start.tzinfo
    assert place is not None
    while months and add(start, months, "months", place) > end:
        months -= 1
    at = add(start, months, "months", place) if months else start
    days = (end.date() - at.date()).days
    while days and add(at, days, "days", place) > end:
        days -= 1
    at = add(at, days, "days", place) if days else at
    left = end.astimezone(UTC) - at.astimezone(UTC)
    hours, seconds = divmod(left.seconds + left.days * 86_400, 3600)
    minutes, whole = divmod(seconds, 60)
    parts = [(months // 12, "year"), (months % 12, "month"), (days, "day"), (hours, "hour"), (minutes, "minute")]
    words = [f"{n} {name}{'s' * (n != 1)}" for n, name in parts if n]
    if whole or left.microseconds or not words:
        amount = f"{whole}.{left.microseconds:06}".rstrip("0") if left.microseconds else str(whole)
        words.append(f"{amount} second{'s' * (amount != '1')}")
    return sign + ", ".join(words)


def elapsed_text(seconds: timedelta) -> str:
    """As ``424 days, 4:00:00``, with a minus in front of negative ones."""
    return str(seconds) if seconds >= timedelta(0) else f"-({-seconds})"


def changes(place: tzinfo, year: int) -> list[tuple[datetime, datetime, datetime]]:
    """Each change of the clock in a year: the moment, and the same in the time before and after."""
    at, end = datetime(year, 1, 1, tzinfo=UTC), _end_of(year)
    found = []
    step = timedelta(days=1)
    while at < end:
        following = min(at + step, end)
        if _clock(at, place) != _clock(following, place):
            low, high = at, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                if middle in (low, high):
                    break
                low, high = (middle, high) if _clock(middle, place) == _clock(at, place) else (low, middle)
            found.append((high, low.astimezone(place), high.astimezone(place)))
        at = following
    return found


def _end_of(year: int) -> datetime:
    return datetime(year + 1, 1, 1, tzinfo=UTC) if year < 9999 else datetime(9999, 12, 31, 12, tzinfo=UTC)


def _clock(moment: datetime, place: tzinfo) -> tuple[timedelta | None, str | None]:
    local = moment.astimezone(place)
    return local.utcoffset(), local.tzname()
