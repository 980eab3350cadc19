from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest

from mcp_wasm.build import bundled
from mcp_wasm.sandbox.report import Outcome

Tool = Callable[[str], Callable[..., Outcome]]
LINE = re.compile(r'^ +"(.*)\\n"$', re.MULTILINE)


class Unit(NamedTuple):
    dimension: str
    ratio: Fraction
    offset: Fraction
    inverse: bool
    names: list[str]


def table() -> dict[str, Unit]:
    """The table at the end of the source, read by other means than the source's own."""
    [tool] = [tool for tool in bundled.list_bundled() if tool.name == "units"]
    text = Path(tool.folder, "units.wat").read_text(encoding="utf-8")
    found, dimension = {}, ""
    for line in LINE.findall(text):
        if line.startswith("#"):
            dimension = line[1:]
            continue
        symbol, ratio, *names = line.replace('\\"', '"').split(" ")
        plain, _, offset = ratio.removeprefix("~").partition("+")
        found[symbol] = Unit(
            dimension, Fraction(plain), Fraction(offset or 0), ratio.startswith("~"), [symbol, *names]
        )
    return found


UNITS = table()


def exactly(value: float, source: Unit, target: Unit) -> Fraction:
    base = (
        source.ratio / Fraction(value) if source.inverse else Fraction(value) * source.ratio + source.offset
    )
    return target.ratio / base if target.inverse else (base - target.offset) / target.ratio


def test_no_name_means_two_units() -> None:
    names = [name for unit in UNITS.values() for name in unit.names]
    assert len(names) == len(set(names))
    assert len(UNITS) > 150


@pytest.mark.parametrize("dimension", sorted({unit.dimension for unit in UNITS.values()}))
def test_all_pairs_of_a_dimension_agree_with_rational_arithmetic(tool: Tool, dimension: str) -> None:
    members = {symbol: unit for symbol, unit in UNITS.items() if unit.dimension == dimension}
    for source, from_unit in members.items():
        for target, to_unit in members.items():
            outcome = tool("units")("convert", value=37.25, **{"from": source, "to": target})
            assert isinstance(outcome.value, dict), (source, target, outcome.value)
            wanted = float(exactly(37.25, from_unit, to_unit))
            off = abs(outcome.value["value"] - wanted) / math.ulp(wanted)
            assert off <= 2, (source, target, outcome.value["value"], wanted)


@pytest.mark.parametrize(
    ("value", "source", "target", "wanted"),
    [
        (1, "inch", "cm", 2.54),
        (1, "lb", "g", 453.59237),
        (1, "EiB", "bit", 2**63),
        (100, "KM", "m", 100_000),
        (-40, "°C", "F", -40),
        (0, "K", "C", -273.15),
        (1, "  Square Metre ", "m2", 1),
        (0, "m", "km", 0),
    ],
)
def test_conversions_that_come_out_even_are_exact(
    tool: Tool, value: float, source: str, target: str, wanted: float
) -> None:
    outcome = tool("units")("convert", value=value, **{"from": source, "to": target})
    assert isinstance(outcome.value, dict)
    assert outcome.value["value"] == wanted


@pytest.mark.parametrize(
    ("value", "source", "target", "words"),
    [
        (1, "ton", "kg", "did you mean"),
        (1, "", "kg", 'There is no unit called ""'),
        (1, "é" * 5000, "kg", "There is no unit called"),
        (1, "#length", "m", "There is no unit called"),
        (1, "1/1", "m", "There is no unit called"),
        (-300, "C", "K", "below absolute zero"),
        (0, "mpg", "L/100km", "no finite size"),
        (1e308, "ly", "nm", "no finite size"),
        ("NaN", "m", "km", "finite number"),
        ("-Infinity", "m", "km", "finite number"),
    ],
)
def test_what_cannot_be_converted_says_why(
    tool: Tool, value: object, source: str, target: str, words: str
) -> None:
    outcome = tool("units")("convert", value=value, **{"from": source, "to": target})
    assert outcome.failed
    assert words in str(outcome.value)


def test_the_list_holds_every_unit_of_the_table_with_its_names(tool: Tool) -> None:
    listed = tool("units")("list").value
    assert isinstance(listed, list)
    assert {u["symbol"]: [u["symbol"], *u["names"]] for u in listed} == {s: u.names for s, u in UNITS.items()}
    assert {u["symbol"]: u["dimension"] for u in listed} == {s: u.dimension for s, u in UNITS.items()}
