"""The rules for single values."""

from __future__ import annotations

import math
import struct
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mcp_wasm.component.values import F32_LIMIT, decode_base64, has_lone_surrogate, shortest_f32, whole


def packed(number: float) -> bytes:
    return struct.pack("<f", number)


def widened(number: float) -> float:
    return float(struct.unpack("<f", packed(number))[0])


def digits(number: float) -> int:
    return len(Decimal(repr(number)).normalize().as_tuple().digits)


def fewest_digits(number: float) -> int:
    """By trying the decimals on both sides of ``number``, from one digit up."""
    with localcontext() as context:
        context.prec = 200
        exact = Decimal(number)
        for count in range(1, 10):
            place = Decimal(1).scaleb(exact.adjusted() - count + 1)
            sides = [float(exact.quantize(place, rounding=r)) for r in (ROUND_FLOOR, ROUND_CEILING)]
            if any(abs(side) < F32_LIMIT and packed(side) == packed(number) for side in sides):
                return count
    raise AssertionError(number)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (0.1, "0.1"),
        (1 / 3, "0.33333334"),
        (16777216.0, "16777216.0"),
        (3.4028235e38, "3.4028235e+38"),
        (1e-45, "1e-45"),
        (1.17549435e-38, "1.1754944e-38"),
        (-2.5, "-2.5"),
        (-0.0, "-0.0"),
        (8388608.5, "8388608.0"),
    ],
)
def test_an_f32_is_shown_with_its_shortest_digits(written: float, shown: str) -> None:
    assert repr(shortest_f32(widened(written))) == shown


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_what_is_no_number_stays(number: float) -> None:
    assert repr(shortest_f32(number)) == repr(number)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
@example(5e-324 * 0)
@example(2.0**-149)
@example(2.0**127)
def test_the_shortest_digits_round_to_the_same_f32(number: float) -> None:
    assert packed(shortest_f32(number)) == packed(number)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_no_decimal_of_fewer_digits_rounds_to_the_same_f32(number: float) -> None:
    assume(math.frexp(number)[0] not in (0.5, -0.5, 0.0))  # powers of two: see shortest_f32
    assume(abs(number) >= 2**24 or not number.is_integer())
    assert digits(shortest_f32(number)) == fewest_digits(number)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1),
        (True, None),
        (1.0, 1),
        (1e3, 1000),
        (1.5, None),
        (math.inf, None),
        (math.nan, None),
        ("1", None),
    ],
)
def test_a_float_that_is_integral_is_an_integer_and_a_bool_is_none(value: object, number: int | None) -> None:
    assert whole(value) == number


def test_text_with_a_lone_surrogate_is_told_from_other_text() -> None:
    assert has_lone_surrogate("a\ud83d")
    assert not has_lone_surrogate("a\U0001f600é")


def test_base64_is_read_strictly() -> None:
    assert decode_base64("AAEC") == b"\0\1\2"
    assert decode_base64("AAE") is None
    assert decode_base64("AA\nEC") is None
