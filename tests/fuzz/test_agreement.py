"""Check, lowering and schema accept the same arguments; what they accept comes back in its normal form."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_wasm.component.types import Field, List, Option, Primitive, Record, Result, Type
from tests.component.strategies import PRIMITIVES, functions, types, valid
from tests.fuzz.bounded import TIMEOUT, named, seeds
from tests.fuzz.judges import Echo, Judges, judges_of
from tests.fuzz.strategies import EDGES, FLOATS, JUNK, TEXTS, near, near_arguments

QUICK = settings(max_examples=30, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=200, database=None, suppress_health_check=list(HealthCheck))


def judge_a_value(data: st.DataObject) -> None:
    """Check, lowering and schema agree on a value of one parameter."""
    type_ = data.draw(types())
    judges_of(type_).agree({"x": data.draw(near(type_))})


def judge_arguments(data: st.DataObject) -> None:
    """They agree on a whole object of arguments."""
    function = data.draw(functions(4))
    Judges(function).agree(data.draw(near_arguments(function) | JUNK))


def bring_back(data: st.DataObject) -> None:
    """What is accepted comes back in its normal form."""
    type_ = data.draw(types())
    Echo(type_).assert_normal(data.draw(valid(type_)))


PROPERTIES = [judge_a_value, judge_arguments, bring_back]


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
def test_it_holds_for_random_types_and_values(holds: Callable[[st.DataObject], None]) -> None:
    QUICK(given(st.data())(holds))()


@pytest.mark.fuzz
@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
def test_it_holds_for_many_random_types_and_values(holds: Callable[[st.DataObject], None]) -> None:
    for seed in seeds():
        with named(seed):
            hypothesis.seed(seed)(LONG(given(st.data())(holds)))()


PLAIN: tuple[Any, ...] = (
    *EDGES,
    *FLOATS,
    *TEXTS,
    None,
    True,
    False,
    10**400,
    -(10**400),
    [],
    {},
    [None],
    [1.0, 2],
    [True, 1],
    ["1", 2],
)
SHAPES: dict[str, tuple[Callable[[Type], Type], Callable[[Any], Any]]] = {
    "plain": (lambda type_: type_, lambda value: {"some": value}),
    "list": (List, lambda value: [value]),
    "option": (Option, lambda value: {"some": value}),
    "option of option": (lambda type_: Option(Option(type_)), lambda value: {"some": value}),
    "record": (lambda type_: Record((Field("a", type_),)), lambda value: {"a": value}),
    "result": (Result, lambda value: {"ok": value}),
}


WRAPPED = ("u8", "u64", "f32", "string")
EVERY = [
    (shape, primitive)
    for shape in SHAPES
    for primitive in PRIMITIVES
    if shape in {"plain", "list"} or primitive.primitive in WRAPPED
]


@pytest.mark.parametrize(
    ("shape", "primitive"), EVERY, ids=[f"{shape} {primitive.primitive}" for shape, primitive in EVERY]
)
def test_every_edge_is_taken_or_refused_alike(shape: str, primitive: Primitive) -> None:
    make, wrap = SHAPES[shape]
    type_ = make(primitive)
    judges, echo = judges_of(type_), Echo(type_)
    values = [each for value in PLAIN for each in (value, wrap(value))]
    taken = [value for value in values if judges.agree({"x": value})]
    assert taken
    for value in taken:
        echo.assert_normal(value)


@QUICK
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_an_f32_comes_back_as_the_same_f32_with_at_most_nine_digits(value: float) -> None:
    back = Echo(Primitive("f32"))(value)
    assert struct.pack("<f", back) == struct.pack("<f", value)
    assert len(repr(back).partition("e")[0].replace(".", "").strip("-0")) <= 17
    assert float(f"{back:.9g}") == back or abs(back) < 2.0**-126 or back.is_integer()


@pytest.mark.parametrize("name", ["s8", "u16", "s16", "u32", "s32", "u64", "s64", "f64", "u8"])
def test_long_lists_are_taken_alike_whether_packed_or_one_by_one(name: str) -> None:
    type_ = List(Primitive(name))  # type: ignore[arg-type]
    packed: list[Any] = [float(n) for n in range(100)] * 30 if name == "f64" else list(range(100)) * 30
    other: Any = 5 if name == "f64" else 5.0
    judges, echo = judges_of(type_), Echo(type_)
    echo.assert_normal(packed)
    echo.assert_normal([*packed, other])
    fraction: Any = "1.5" if name == "f64" else 1.5
    wrongs: tuple[Any, ...] = (True, None, "x", [], fraction, float("inf"), 10**400)
    for wrong in wrongs:
        for arguments in ([*packed, wrong], [wrong, *packed]):
            assert not judges.agree({"x": arguments})
