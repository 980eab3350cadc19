"""Sources that publish functions, for the tests of signatures."""

from __future__ import annotations

PYTHON = '''"""Tools about orders."""
from __future__ import annotations

import datetime
import enum
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, IntFlag, auto
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, NewType, Optional, TypedDict, Union
from uuid import UUID

OrderId = NewType("OrderId", int)
Mode = Literal["fast", "exact"]
Amount = int | float


class Colour(Enum):
    """Colours of a thing."""

    RED = "red"
    DARK_BLUE = "dark_blue"
    CRIMSON = "red"
    NUMBERED = 3


class Rights(IntFlag):
    READ = auto()
    WRITE = auto()
    BOTH = READ | WRITE


@dataclass
class Item:
    """One thing that is ordered.

    Attributes:
        name: What it is called.
        count (int): How many,
            one by default.
    """

    name: str
    count: int = 1
    tags: list[str] = field(default_factory=list)
    colour: Colour | None = None


@dataclass
class Special(Item):
    discount: float = 0.0

    def label(self) -> str:
        return f"{self.name} -{self.discount}"


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Options(TypedDict, total=False):
    mode: Mode
    limit: int


def total(items: list[Item], *, currency: Literal["eur", "usd"] = "eur", id: OrderId | None = None) -> float:
    """The price of all items.

    Args:
        items: What is ordered.
        currency: The currency
            of the result.

    Returns:
        The sum.

    Raises:
        ValueError: never.
    """
    return 0.0


def split(text: str, by: Optional[str] = None) -> tuple[str, ...]:
    """Split a text.

    :param text: What to split.
    :param str by: Where to split.
    :returns: the parts
    """
    return tuple(text.split(by))


def scale(points: Sequence[Point], factor: Amount) -> Iterator[Point]:
    """Scale points.

    Parameters
    ----------
    points : Sequence[Point]
        The points.
    factor : float
        How much.

    Returns
    -------
    Iterator[Point]
        The scaled points.
    """
    yield from points


async def nothing() -> None:
    pass


def choose(value: Union[int, str, Item], rights: Rights, options: Options) -> int | list[int] | None:
    return None


def shape(of: "Mapping[str, set[int]]", when: datetime.date, at: datetime.datetime) -> dict[str, Decimal]:
    return {}


def raw(data: bytes, id: UUID, path: Path, flag: bool = False) -> Annotated[bytes, "Not used."]:
    return data


def said(
    text: Annotated[str, "What to say."],
    special: Special,
    pair: t.Tuple[int, t.Optional[str]],
    mode: Mode = "fast",
    from_: Iterable[float] = (),
) -> Literal["yes", "no"]:
    return "yes"


def helper(anything):
    return anything


def _private(x: int) -> int:
    return x
'''

TYPESCRIPT = """
import { helper } from "./helper.js";

/** Colours of a thing. */
export enum Colour { Red = "red", DarkBlue = "DARK BLUE", Numbered = 3, Next }

type Mode = "fast" | "exact";
type Shape =
  | { kind: "circle"; radius: number }
  | Square
  | { kind: "nothing" };

/** A square. */
interface Square {
  kind: "square";
  /** How long
   * a side is. */
  side: number;
}

interface Base { readonly id: bigint }
/** One thing. */
interface Item extends Base {
  name: string;
  "max-count"?: number;
  user_id: string | null;
  colour?: Colour;
  tags: string[];
  when: Date;
  nested: { x: number; y?: Uint8Array };
}

/**
 * The area of a shape.
 *
 * @param shape - What to measure.
 * @param {Mode} mode How.
 * @returns the area
 */
export function area(shape: Shape, mode: Mode = "fast"): number {
  return 0;
}

export const items = async (list: readonly Item[], byName?: boolean): Promise<Array<Item>> => list.slice();

export function convert(
  pairs: Record<string, number>,
  map: Map<string, Set<bigint>>,
  data: Uint8Array | null,
  pair: [number, string],
  either: string | number | boolean[],
): Map<string, Date> | undefined {
  return undefined;
}

export async function nothing(): Promise<void> {}

function total(limit = 3, first: boolean | null = null): "yes" | "no" { return "yes"; }
export { total as sum };

function local(x: any) { return x; }
"""

JAVASCRIPT = """
/**
 * @typedef {Object} Options
 * @property {number} limit How many.
 * @property {string} [prefix] What comes before.
 */
/** @typedef {"a" | "b"} Letter */

/**
 * Cuts a text.
 *
 * It does so slowly.
 *
 * @param {string} text - The text.
 * @param {Options} options How to cut.
 * @param {number[]} [at=[1]] Where to cut.
 * @param {Letter} [letter="a"] - Which.
 * @returns {Promise<string[]>} The parts.
 */
async function cut(text, options, at = [1], letter = "a") {
  return [text];
}

/**
 * @param {Object} where
 * @param {number} where.x To the right.
 * @param {?number} where.y Up.
 * @param {Object<string, number>} sizes
 * @return {void}
 */
const move = (where, sizes) => {};

function helper(x) { return x; }
"""
