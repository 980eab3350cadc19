"""Sources that run as a script and as a component, with calls that must end alike."""

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

TYPESCRIPT = """
export enum Colour { Red = "red", DarkBlue = "DARK BLUE", Numbered = 3 }
type Mode = "fast" | "very exact";
type Shape = { kind: "circle"; radius: number } | { kind: "square"; side: bigint } | { kind: "nothing" };

/** A thing. */
interface Item {
  itemName: string;
  user_id?: bigint;
  colour: Colour | null;
  tags?: string[];
  when?: Date;
}

/** Multiply. */
export function whole(a: bigint, b: bigint = 2n): bigint {
  if (typeof a !== "bigint" || typeof b !== "bigint") throw new Error("no bigint");
  return a * b;
}

export function real(a: number, b: number = 1): number { return b === 0 ? NaN : a / b; }

export function truth(a: boolean, b?: boolean): [boolean, boolean] { return [!a, b === undefined]; }

export function text(a: string, times: number = 1): string { return [...a].reverse().join("").repeat(times); }

export function raw(a: Uint8Array): Uint8Array {
  if (!(a instanceof Uint8Array)) throw new Error("no bytes");
  return a.slice().reverse();
}

export function lists(a: number[][], b: Set<string>): string[] {
  if (!(b instanceof Set) || !(a instanceof Array)) throw new Error("no set");
  return [String(a.flat().length), ...[...b].sort()];
}

export function mapped(a: Record<string, number>, b: Map<bigint, string[]>): Map<string, bigint> {
  const found = new Map(Object.entries(a).map(([key, value]) => [key, BigInt(value)] as [string, bigint]));
  for (const [key, value] of b) found.set(value.join(), key);
  return found;
}

export function items(list: Item[], first?: Item): Item[] {
  const made = list.map((each) => (
    { ...each, itemName: each.itemName.toUpperCase(), colour: Colour.DarkBlue }));
  return first === undefined ? made : [...made, first];
}

export function keys(item: Item): string[] { return Object.keys(item); }

export function mode(a: Mode = "fast"): Mode { return a === "fast" ? "very exact" : "fast"; }

export function colour(a: Colour): Colour { return a === Colour.Numbered ? Colour.Red : Colour.Numbered; }

export function shape(a: Shape): Shape {
  switch (a.kind) {
    case "circle": return { kind: "square", side: BigInt(a.radius) };
    case "square": return { kind: "nothing" };
    default: return { kind: "circle", radius: 1.5 };
  }
}

export function either(a: string | bigint | number[]): string | bigint | number[] {
  if (typeof a === "string") return BigInt(a.length);
  return typeof a === "bigint" ? [Number(a)] : a.join("-");
}

export function day(a: Date): Date { return new Date(a.getTime() + 86400000); }

export async function later(a: number | null): Promise<string> {
  await null;
  return a === null ? "null" : String(a);
}

export function nothing(a?: string): void {}

export function fails(a: string): number { throw new RangeError("no number: " + a); }

export function wrong(a: number): string { return a as unknown as string; }
"""

TYPESCRIPT_CALLS: list[Call] = [
    ("whole", {"a": 3}),
    ("whole", {"a": "9007199254740993", "b": 1}),
    ("whole", {"a": -9007199254740993, "b": None}),
    ("real", {"a": 1, "b": 3}),
    ("real", {"a": 0.1}),
    ("real", {"a": 5e-324}),
    ("real", {"a": 1.7976931348623157e308}),
    ("real", {"a": 123456789.125}),
    ("real", {"a": "-Infinity"}),
    ("real", {"a": 1, "b": 0}),
    ("truth", {"a": True}),
    ("truth", {"a": False, "b": False}),
    ("text", {"a": 'añ\n"\\\u0001😀', "times": 2}),
    ("text", {"a": ""}),
    ("raw", {"a": "AQID/w=="}),
    ("raw", {"a": []}),
    ("raw", {"a": [1, 2]}),
    ("lists", {"a": [[1, 2], []], "b": ["y", "x"]}),
    ("mapped", {"a": [["one", 1], ["__proto__", 2]], "b": [[5, ["x", "y"]]]}),
    ("items", {"list": [{"item-name": "a", "colour": None}]}),
    (
        "items",
        {
            "list": [],
            "first": {
                "item-name": "f",
                "user-id": "9007199254740993",
                "colour": "numbered",
                "tags": ["t"],
                "when": "2026-11-21T10:00:00.000Z",
            },
        },
    ),
    ("keys", {"item": {"item-name": "a", "colour": "red", "user-id": 1}}),
    ("mode", {}),
    ("mode", {"a": "very-exact"}),
    ("colour", {"a": "dark-blue"}),
    ("colour", {"a": "numbered"}),
    ("shape", {"a": {"tag": "circle", "val": {"radius": 2}}}),
    ("shape", {"a": {"tag": "square", "val": {"side": 2}}}),
    ("shape", {"a": {"tag": "nothing"}}),
    ("either", {"a": {"tag": "string", "val": "five"}}),
    ("either", {"a": {"tag": "bigint", "val": 5}}),
    ("either", {"a": {"tag": "array", "val": [1, 2.5]}}),
    ("day", {"a": "2026-11-21T10:00:00.000Z"}),
    ("day", {"a": "never"}),
    ("later", {"a": None}),
    ("later", {"a": 5}),
    ("nothing", {}),
    ("fails", {"a": "x"}),
    ("wrong", {"a": 1}),
]
