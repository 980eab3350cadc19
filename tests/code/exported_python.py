"""Python that runs as a script and as a component, with calls that must end alike."""

from __future__ import annotations

from typing import Any

Call = tuple[str, dict[str, Any]]

PYTHON = '''"""Functions of every type."""
from __future__ import annotations

import asyncio
import datetime
import enum
import math
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Iterator, Literal, NamedTuple, TypedDict
from uuid import UUID


class Colour(enum.Enum):
    RED = "red"
    DARK_BLUE = "dark_blue"
    NUMBERED = 3


class Rights(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()
    RUN = enum.auto()


@dataclass
class Item:
    """A thing."""

    name: str
    count: int = 1
    tags: list[str] = field(default_factory=list)
    colour: Colour | None = None


class Point(NamedTuple):
    x: float
    y: float = 0.5


class Options(TypedDict, total=False):
    mode: Literal["fast", "exact"]
    limit: int


def whole(a: int, b: int = 2) -> int:
    """Multiply.

    Args:
        a: The first.
        b: The second.
    """
    assert type(a) is int and type(b) is int
    return a * b


def real(a: float, b: int | float = 1) -> float:
    assert type(a) is float
    return a / b if b else math.nan


def truth(a: bool, b: bool | None = None) -> tuple[bool, bool]:
    return not a, b is None


def text(a: str, times: int = 1) -> str:
    return a[::-1] * times


def raw(a: bytes) -> bytes:
    assert type(a) is bytes
    return bytes(reversed(a))


def lists(a: list[list[int]], b: set[str], c: tuple[int, ...]) -> list[str]:
    assert type(b) is set and type(c) is tuple
    return [str(sum(map(sum, a))), *sorted(b), *map(str, c)]


def mapped(a: dict[str, list[int]]) -> dict[str, float]:
    assert type(a) is dict
    return {key: sum(value) / 2 for key, value in a.items()}


def items(a: list[Item], first: Item | None = None) -> list[Item]:
    assert all(type(each) is Item for each in a)
    return [Item(each.name.upper(), each.count + 1, each.tags, Colour.DARK_BLUE) for each in a] + (
        [first] if first else []
    )


def points(a: Point) -> Iterator[Point]:
    yield a
    yield Point(a.y, a.x)


def options(a: Options) -> list[str]:
    return sorted(a)


def colour(a: Colour, mode: Literal["fast", "exact"] = "fast") -> Colour:
    assert isinstance(a, Colour)
    return list(Colour)[(list(Colour).index(a) + (1 if mode == "fast" else 2)) % 3]


def rights(a: Rights) -> Rights:
    return ~a


def either(a: int | str | Item | list[int]) -> int | str | Item | list[int]:
    match a:
        case int():
            return str(a)
        case str():
            return len(a)
        case Item():
            return [a.count]
    return Item("made", len(a))


def dates(a: datetime.datetime, b: datetime.date, c: Decimal, d: UUID, e: Path) -> tuple[str, ...]:
    return a.isoformat(), str(b.year), str(c * 2), d.hex, e.name


async def later(a: int) -> int:
    await asyncio.sleep(0)
    return a + 1


def nothing(a: str = "x") -> None:
    return None


def fails(a: str) -> int:
    def inner() -> int:
        raise ValueError(f"no number: {a}")
    try:
        return inner()
    except ValueError as error:
        raise KeyError("outer \\u00e9") from error


def wrong(a: int) -> str:
    return a


def parsed(a: str) -> str:
    return datetime.datetime.strptime(a, "%d.%m.%Y").date().isoformat()
'''

PYTHON_CALLS: list[Call] = [
    ("whole", {"a": 3}),
    ("whole", {"a": 3, "b": None}),
    ("whole", {"a": 9007199254740993, "b": 1}),
    ("whole", {"a": "-9007199254740993", "b": 1}),
    ("whole", {"a": 3.0, "b": 5}),
    ("real", {"a": 1, "b": 3}),
    ("real", {"a": 0.1}),
    ("real", {"a": "Infinity"}),
    ("real", {"a": "-Infinity", "b": 2}),
    ("real", {"a": 1, "b": 0}),
    ("truth", {"a": True}),
    ("truth", {"a": False, "b": True}),
    ("text", {"a": 'añ\n"\\😀', "times": 2}),
    ("text", {"a": ""}),
    ("raw", {"a": "AQID/w=="}),
    ("raw", {"a": [0, 255]}),
    ("lists", {"a": [[1, 2], [], [3]], "b": ["y", "x"], "c": [1, 2]}),
    ("mapped", {"a": [["one", [1, 2]], ["é", []]]}),
    ("items", {"a": [{"name": "a"}, {"name": "b", "count": 5, "tags": ["t"], "colour": "red"}]}),
    ("items", {"a": [], "first": {"name": "n", "colour": "numbered"}}),
    ("points", {"a": {"x": 1, "y": 2}}),
    ("points", {"a": {"x": 1}}),
    ("options", {"a": {}}),
    ("options", {"a": {"mode": "exact", "limit": 3}}),
    ("colour", {"a": "red"}),
    ("colour", {"a": "dark-blue", "mode": "exact"}),
    ("rights", {"a": ["read"]}),
    ("rights", {"a": []}),
    ("either", {"a": {"tag": "int", "val": 5}}),
    ("either", {"a": {"tag": "str", "val": "five"}}),
    ("either", {"a": {"tag": "item", "val": {"name": "i", "count": 7}}}),
    ("either", {"a": {"tag": "list", "val": [1, 2]}}),
    (
        "dates",
        {
            "a": "2026-11-21T10:00:00+00:00",
            "b": "2026-02-28",
            "c": "1.10",
            "d": "12345678-1234-5678-1234-567812345678",
            "e": "a/b.txt",
        },
    ),
    ("dates", {"a": "no", "b": "2026-02-28", "c": "1", "d": "12345678123456781234567812345678", "e": ""}),
    ("later", {"a": 1}),
    ("nothing", {}),
    ("fails", {"a": "x"}),
    ("wrong", {"a": 1}),
    ("parsed", {"a": "21.11.2026"}),
    ("parsed", {"a": "?"}),
]
