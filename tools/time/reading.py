"""Reads dates and times in the spellings that are in use, and is strict about what does not exist."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime

from problem import Problem
from zones import zone_name

UNIX = re.compile(r"@(-?[0-9]{1,12}(?:\.[0-9]{1,9})?)")
ORDINAL = re.compile(r"([0-9]{4})-?([0-9]{3})")
FINE = re.compile(r"([.,][0-9]{6})[0-9]+")
LONGEST = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_time(text: str, place: tzinfo) -> datetime:
    """The moment, with a time zone: its own, or ``place`` where it has none."""
    plain = text.strip()
    if len(plain) > LONGEST:
        raise Problem(f"{plain[:40]!r}… is too long for a date and time")
    if plain.lower() == "now":
        return datetime.fromtimestamp(time.time(), place)
    unix = UNIX.fullmatch(plain)
    if unix:
        return _from_unix(unix[1]).astimezone(place)
    moment = _parse(plain)
    if moment.tzinfo is None:
        return settle(moment, place)
    return moment


def read_date(text: str, place: tzinfo = UTC) -> date:
    """The date of a moment, in its own time zone."""
    return read_time(text, place).date()


def _from_unix(text: str) -> datetime:
    try:
        return EPOCH + timedelta(seconds=int(text.partition(".")[0])) + _fraction(text)
    except OverflowError:
        raise Problem(f"@{text} is beyond the years 1 to 9999") from None


def _fraction(text: str) -> timedelta:
    digits = text.partition(".")[2]
    part = timedelta(microseconds=int((digits + "000000")[:6]))
    return -part if text.startswith("-") else part


def _parse(text: str) -> datetime:
    ordinal = ORDINAL.fullmatch(text)
    # An eight-digit date is no ordinal one, and seven digits are no other.
    if ordinal:
        return _ordinal(int(ordinal[1]), int(ordinal[2]))
    try:
        return datetime.fromisoformat(FINE.sub(r"\1", text))
    except ValueError as error:
        why = str(error)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        raise Problem(f"{text!r} is not a date and time{_why(why)}; write it as 2026-11-05T14:30:00+01:00") from None
    return moment


def _why(message: str) -> str:
    return f" ({message})" if "must be in" in message or "range" in message else ""


def _ordinal(year: int, day: int) -> datetime:
    try:
        moment = datetime(year, 1, 1) + timedelta(days=day - 1)
    except (ValueError, OverflowError):
        raise Problem(f"the year {year} is not 1 to 9999") from None
    if moment.year != year:
        raise Problem(f"the year {year} has no day {day}")
    return moment


def settle(wall: datetime, place: tzinfo, *, strict: bool = True) -> datetime:
    """The moment at which clocks in ``place`` show ``wall``.

    A time that is skipped or shown twice is a problem when ``strict``; else the
    first of both, and what a skipped one would have been.
    """
    first, second = wall.replace(tzinfo=place, fold=0), wall.replace(tzinfo=place, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    skipped = first.astimezone(UTC).astimezone(place).replace(tzinfo=None) != wall
    if not strict:
        return first.astimezone(UTC).astimezone(place) if skipped else first
    what = "is skipped" if skipped else "is shown twice"
    readings = " or ".join(sorted({m.astimezone(UTC).astimezone(place).isoformat() for m in (first, second)}))
    raise Problem(f"{wall.isoformat()} {what} when clocks change in {zone_name(place)}: write {readings}")
