"""Time zones from the IANA data that was there when the component was built: a guest has no files."""

from __future__ import annotations

import io
import re
from datetime import UTC, timedelta, timezone, tzinfo
from difflib import get_close_matches
from importlib.resources import files
from zoneinfo import ZoneInfo

from problem import Problem

OFFSET = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?")


def _names() -> list[str]:
    return files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()


def _data(name: str) -> bytes:
    return files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


# Read at build time: what a snapshot holds needs no files when it runs.
NAMES = _names()
DATA = {name: _data(name) for name in NAMES}
BY_FOLDED = {name.lower(): name for name in NAMES}
CITIES = {name.rsplit("/", 1)[-1].lower(): name for name in reversed(NAMES) if "/" in name}
_loaded: dict[str, tzinfo] = {}


def zone(text: str | None) -> tzinfo:
    """A time zone by IANA name in any case, by its city alone, or by an offset; UTC for None."""
    if text is None or text.strip().upper() in ("", "Z", "UTC", "GMT"):
        return UTC
    text = text.strip()
    offset = OFFSET.fullmatch(text.upper().replace("−", "-"))
    if offset:
        return _fixed(offset, text)
    folded = text.lower().replace(" ", "_")
    name = BY_FOLDED.get(folded) or CITIES.get(folded)
    if name is None:
        raise Problem(f"the time zone {text[:60]!r} is not known{_hint(folded)}")
    if name not in _loaded:
        _loaded[name] = ZoneInfo.from_file(io.BytesIO(DATA[name]), key=name)
    return _loaded[name]


def _fixed(offset: re.Match[str], text: str) -> tzinfo:
    hours, minutes = int(offset[2]), int(offset[3] or 0)
    if hours > 23 or minutes > 59:
        raise Problem(f"{text!r} is not an offset from UTC")
    seconds = (hours * 60 + minutes) * (-60 if offset[1] == "-" else 60)
    return timezone(timedelta(seconds=seconds)) if seconds else UTC


def _hint(folded: str) -> str:
    near = [name for name in NAMES if folded[:40] in name.lower()][:5]
    near = near or [BY_FOLDED.get(n) or CITIES[n] for n in get_close_matches(folded[:40], [*BY_FOLDED, *CITIES], 3)]
    return f"; did you mean {', '.join(near)}?" if near else "; IANA names look like Europe/Berlin"


def zone_name(place: tzinfo) -> str:
    """The name it is shown by."""
    if place is UTC:
        return "UTC"
    return place.key if isinstance(place, ZoneInfo) else str(place).removeprefix("UTC") or "UTC"


def search(text: str) -> list[str]:
    """The names that have the text in them."""
    folded = text.strip().lower().replace(" ", "_")
    return [name for name in sorted(NAMES) if folded in name.lower()]
