"""CSV tables: read, described, and turned into JSON and back."""

from __future__ import annotations

import csv
import heapq  # noqa: F401 - Counter.most_common imports it, and nothing can be imported later
import io
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal, setcontext
from operator import mul

from jsontext import Real, kind, write
from problem import Problem

csv.field_size_limit(1 << 30)
DELIMITERS = ",;\t|"
SAMPLE_ROWS = 50
INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?")
ALL_INTEGERS = re.compile(rf"(?:{INTEGER.pattern}\n)*+")
ALL_NUMBERS = re.compile(r"(?:[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?\n)*+")
LEADING_ZERO = re.compile(r"[+-]?0[0-9]+")
MISSING = frozenset({"na", "n/a", "nan", "null", "none", "-", "?", "missing", "unknown"})
setcontext(Context(prec=60, Emax=10**8, Emin=-(10**8)))


@dataclass
class Table:
    """Names of the columns, rows, and the rows' line numbers; rows are as wide as the names."""

    delimiter: str
    names: list[str]
    rows: list[list[str]]
    ragged: list[tuple[int, int]]


def read_table(text: str, delimiter: str | None, header: bool) -> Table:
    """A table of at least one row; short rows are filled up with empty fields."""
    text = text.removeprefix("\ufeff")
    if delimiter is not None and delimiter in '"\r\n':
        raise Problem("the delimiter cannot be a quote or a line break")
    used = delimiter or find_delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=used, strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise Problem(f"line {reader.line_num}: {error}") from None
    if not rows:
        raise Problem("the table has no rows")
    width = len(rows[0])
    ragged = [(line, len(row)) for line, row in zip(lines, rows) if len(row) != width]
    width = max(map(len, rows))
    names = _names(rows[0] if header else [], width)
    body = rows[1:] if header else rows
    return Table(used, names, [row + [""] * (width - len(row)) for row in body] if ragged else body, ragged)


def _names(given: list[str], width: int) -> list[str]:
    """A name for each column, all different."""
    names: list[str] = []
    for n in range(width):
        name = given[n].strip() if n < len(given) else ""
        name = name or f"column_{n + 1}"
        while name in names:
            name += "_2"
        names.append(name)
    return names


def find_delimiter(text: str) -> str:
    """The delimiter by which the first rows agree best about their number of fields; a comma in doubt."""

    def score(delimiter: str) -> tuple[float, int]:
        counts: Counter[int] = Counter()
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            for _ in range(SAMPLE_ROWS):
                row = next(reader, None)
                if row is None:
                    break
                if row:
                    counts[len(row)] += 1
        except csv.Error:
            return (0, 0)
        if not counts:
            return (0, 0)
        width, rows = max(counts.items(), key=lambda item: (item[0] > 1, item[1], item[0]))
        return (rows / sum(counts.values()) if width > 1 else 0, width)

    return max(DELIMITERS, key=lambda d: (*score(d), -DELIMITERS.index(d)))


def kind_of(value: str) -> str:
    """The narrowest kind of one field that is not empty."""
    if value.lower() in ("true", "false"):
        return "boolean"
    if INTEGER.fullmatch(value):
        return "integer"
    if NUMBER.fullmatch(value) and not LEADING_ZERO.fullmatch(value):
        return "number"
    if value[:4].isdigit() and 8 <= len(value) <= 35:
        try:
            date.fromisoformat(value)
        except ValueError:
            pass
        else:
            return "date"
        try:
            datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            return "datetime"
    return "text"


def common_kind(kinds: Counter[str]) -> str:
    """The kind that all fields of a column have; text where they have none in common."""
    if not kinds:
        return "empty"
    if len(kinds) == 1:
        return next(iter(kinds))
    return "number" if set(kinds) == {"integer", "number"} else "text"


@dataclass
class Column:
    """What was found in a column."""

    kind: str
    filled: int
    distinct: int
    minimum: str | None
    maximum: str | None
    mean: float | None
    top: list[tuple[str, int]]
    notes: list[str]


def describe(values: list[str]) -> Column:
    """A column's fields, summed up."""
    stripped = [v.strip() for v in values]
    counts = Counter(v for v in stripped if v)
    kinds = _kinds(counts)
    kind_ = common_kind(kinds)
    numeric = kind_ in ("integer", "number")
    keys = dict(zip(counts, map(KEYS.get(kind_, str), counts)))
    least, most = (min(counts, key=keys.get), max(counts, key=keys.get)) if counts else (None, None)
    top = [(v, n) for v, n in counts.most_common(5) if n > 1]
    mean = float(sum(map(mul, keys.values(), counts.values())) / counts.total()) if numeric else None
    return Column(kind_, counts.total(), len(counts), least, most, mean, top, _notes(values, counts, kinds, kind_))


def _kinds(counts: Counter[str]) -> Counter[str]:
    """How many fields there are of each kind. Columns of numbers are told at once: that is much faster."""
    joined = "".join(f"{value}\n" for value in counts)
    if counts and joined.count("\n") == len(counts):
        if ALL_INTEGERS.fullmatch(joined):
            return Counter(integer=counts.total())
        if ALL_NUMBERS.fullmatch(joined):
            return Counter(number=counts.total())
    kinds: Counter[str] = Counter()
    for value, n in counts.items():
        kinds[kind_of(value)] += n
    return kinds


def _moment(text: str) -> tuple[float, str]:
    moment = datetime.fromisoformat(text)
    # Those without an offset are compared as if they were UTC.
    return ((moment.replace(tzinfo=None) - datetime.min).total_seconds() - (
        moment.utcoffset().total_seconds() if moment.utcoffset() else 0
    ), text)  # fmt: skip


KEYS = {"integer": Decimal, "number": Decimal, "datetime": _moment, "date": date.fromisoformat}
"""What the fields of a column are ordered by, where it is not their text."""


def _notes(values: list[str], counts: Counter[str], kinds: Counter[str], kind_: str) -> list[str]:
    notes = []
    spaced = sum(v != v.strip() for v in values)
    if spaced:
        notes.append(f"{spaced} with spaces around")
    if counts and len(counts) == 1 and counts.total() > 1:
        notes.append("always the same")
    if len(counts) == len(values) > 1:
        notes.append("all different: may be a key")
    if kind_ != "text":
        return notes
    missing = {v: n for v, n in counts.items() if v.lower() in MISSING}
    if missing:
        notes.append("may mean missing: " + ", ".join(f"{v} ({n})" for v, n in sorted(missing.items())[:5]))
    if len(kinds) > 1:
        notes.append("mixed: " + ", ".join(f"{n} {k}" for k, n in kinds.most_common()))
    zeros = sum(n for v, n in counts.items() if LEADING_ZERO.fullmatch(v))
    if zeros:
        notes.append(f"{zeros} with leading zeros, kept as text")
    return notes


def to_json(table: Table, header: bool, typed: bool) -> list:
    """The rows as objects, or as arrays without a header."""
    converts = [_converter([row[n] for row in table.rows]) if typed else str for n in range(len(table.names))]
    rows = [[convert(field) for convert, field in zip(converts, row)] for row in table.rows]
    return [dict(zip(table.names, row)) for row in rows] if header else rows


def _converter(values: list[str]):
    kind_ = describe(values).kind
    if kind_ == "boolean":
        return lambda v: v.strip().lower() == "true" if v.strip() else None
    if kind_ in ("integer", "number"):
        return lambda v: Real(_json_number(v.strip())) if v.strip() else None
    return lambda v: v if v.strip() else None


def _json_number(text: str) -> str:
    """A number of a table in JSON's spelling: no plus, a digit on both sides of the point."""
    sign = "-" if text.startswith("-") else ""
    mantissa, e, exponent = text.lstrip("+-").partition("e" if "e" in text else "E")
    whole, point, part = mantissa.partition(".")
    whole = whole.lstrip("0") or "0"
    return sign + whole + (f".{part}" if point and part else "") + (f"e{exponent}" if e else "")


def from_json(document: object, delimiter: str | None) -> str:
    """A table of an array of objects or of arrays."""
    if not isinstance(document, list):
        raise Problem(f"a table is made from an array, not from {kind(document)}")
    if delimiter is not None and delimiter in '"\r\n':
        raise Problem("the delimiter cannot be a quote or a line break")
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter or ",", lineterminator="\n")
    if all(isinstance(row, dict) for row in document):
        names = list(dict.fromkeys(name for row in document for name in row))
        if names:
            writer.writerow(names)
        rows = [[row.get(name) for name in names] for row in document]
    elif all(isinstance(row, list) for row in document):
        rows = document
    else:
        raise Problem("all elements have to be objects, or all arrays")
    writer.writerows([_field(value) for value in row] for row in rows)
    return out.getvalue()


def _field(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else write(value)
