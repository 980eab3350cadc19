"""What is written down of one event: a frozen record, and its form as one line of JSON.

Pure: it knows no clock, no file and no call. Texts in a record come from guests
and clients, so every one of them is cut, and a line is ASCII without control
characters whatever they hold: nobody can forge a line or reach a terminal with it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Event = Literal["call", "load", "remove", "grant", "revoke", "approval", "sign-in", "server", "lost"]

VERSION = 1
LONGEST = 500
"""Characters of one text in a line; what is longer is cut and ends in an ellipsis."""
MOST = 64
"""Grants and denials in one line; further ones are only counted."""

Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Arguments:
    """What is kept of a call's arguments: the SHA-256 (hex) and size of their canonical JSON.

    Canonical: keys sorted, no spaces, everything beyond ASCII escaped. ``text`` is
    that JSON itself where a person asked to keep it.
    """

    sha256: str
    bytes: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Denied:
    """One denied attempt: which kind of grant, what was asked, the rule, and how often."""

    capability: str
    asked: str
    rule: str
    component: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Record:
    """One event.

    ``at`` is seconds since the epoch, ``id`` unique. ``client`` is whose request
    it was (a token's name, a person's address, ``local``), ``transport`` how it
    came (``stdio``, ``http``, ``library``, ``cli``).

    Of a call: ``tool``, ``component``, the ``digest`` of the bytes that ran,
    ``arguments``, the ``grants`` in effect (each as ``kind: rule``), the
    ``denials``, and what it cost: units of ``fuel``, ``ms`` of wall clock from
    start to end, ``bytes`` of result. ``depth`` is 0 for a call from outside, 1
    for one that a guest made, and so on.

    ``outcome`` is ``ok``, ``tool error``, ``refused arguments``, ``unknown tool``,
    ``denied``, ``limit:NAME``, ``trap``, ``session over``, ``cancelled``, ``busy``,
    ``too many`` or ``fault:ID``. ``detail`` is a short text about it.
    """

    at: float
    id: str
    event: Event
    client: str = ""
    transport: str = ""
    tool: str = ""
    component: str = ""
    digest: str = ""
    outcome: str = ""
    detail: str = ""
    arguments: Arguments | None = None
    grants: tuple[str, ...] = ()
    denials: tuple[Denied, ...] = ()
    fuel: int = 0
    ms: float = 0.0
    bytes: int = 0
    depth: int = 0
    count: int = 0


def document(record: Record, redact: Redact | None = None) -> dict[str, Any]:
    """``record`` as JSON values, without what is empty; ``redact`` goes over every text."""

    def text(value: str, longest: int = LONGEST) -> str:
        clean = redact(value) if redact is not None else value
        return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"

    found: dict[str, Any] = {
        "v": VERSION,
        "time": timestamp(record.at),
        "id": record.id,
        "event": record.event,
    }
    for name in _TEXTS[2:]:
        if value := getattr(record, name):
            found[name] = value if name in _OURS and len(value) <= LONGEST else text(value)
    if (given := record.arguments) is not None:
        found["arguments"] = {"sha256": given.sha256, "bytes": given.bytes}
        if given.text:  # its bound is the settings', set where it was made
            found["arguments"]["text"] = text(given.text, len(given.text) + LONGEST)
    if record.grants:
        found["grants"] = [text(grant) for grant in record.grants[:MOST]]
    if record.denials:
        found["denials"] = [_denied(denial, text) for denial in record.denials[:MOST]]
    more = max(0, len(record.grants) - MOST) + max(0, len(record.denials) - MOST)
    costs = {"fuel": record.fuel, "ms": round(record.ms, 3), "bytes": record.bytes}
    rest = {"depth": record.depth, "count": record.count, "more": more}
    return found | {name: value for name, value in (costs | rest).items() if value}


def line(record: Record, redact: Redact | None = None) -> bytes:
    """``record`` as one line: ASCII, ended by the only newline in it."""
    return _encode(document(record, redact)).encode("ascii") + b"\n"


def timestamp(at: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC: ``2026-11-21T07:40:00.123456Z``."""
    return f"{datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def parse(text: bytes) -> Record | None:
    """The record in a line, or None for one that is torn or none of ours.

    Whoever reads a log may meet anything in it, so every field is checked.
    """
    try:
        found = json.loads(text)
        at = datetime.fromisoformat(found["time"]).timestamp()
        if not isinstance(found, dict) or not math.isfinite(at):
            return None
        fields: dict[str, Any] = {name: _text(found, name) for name in _TEXTS}
        fields |= {name: int(_number(found, name)) for name in _COUNTS}
        return Record(
            at=at,
            arguments=_arguments(found.get("arguments")),
            grants=tuple(grant for grant in _list(found, "grants") if isinstance(grant, str)),
            denials=tuple(_read_denied(each) for each in _list(found, "denials") if isinstance(each, dict)),
            ms=_number(found, "ms"),
            **fields,
        )
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None


_encode = json.JSONEncoder(separators=(",", ":")).encode

_TEXTS = ("id", "event", "client", "transport", "tool", "component", "digest", "outcome", "detail")
_OURS = frozenset({"transport", "digest"})
"""Texts that nobody else has a say in."""
_COUNTS = ("fuel", "bytes", "depth", "count")


def _denied(denial: Denied, text: Redact) -> dict[str, Any]:
    found: dict[str, Any] = {
        "capability": text(denial.capability),
        "asked": text(denial.asked),
        "rule": text(denial.rule),
    }
    if denial.component:
        found["component"] = text(denial.component)
    return found | ({"count": denial.count} if denial.count != 1 else {})


def _read_denied(found: Mapping[str, Any]) -> Denied:
    texts = {name: _text(found, name) for name in ("capability", "asked", "rule", "component")}
    return Denied(**texts, count=int(_number(found, "count")) or 1)


def _arguments(found: object) -> Arguments | None:
    if not isinstance(found, dict):
        return None
    return Arguments(_text(found, "sha256"), int(_number(found, "bytes")), _text(found, "text"))


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name, "")
    return value if isinstance(value, str) else ""


def _number(found: Mapping[str, Any], name: str) -> float:
    value = found.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return 0
    return value


def _list(found: Mapping[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    return value if isinstance(value, list) else []
