"""The functions of the world ``calc``: texts and records in and out, problems as errors."""

from __future__ import annotations

import _pylong  # noqa: F401 - CPython imports it for large integers, and nothing can be imported later
import sys
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import wraps

import wit_world
from componentize_py_types import Err
from mpmath import mp
from wit_world import Line, Number, PrimePower, Summary

import primes
import sample
from expression import Parser
from reals import Problem, Value, approximate

# CPython refuses to print integers of more than 4,300 digits unless told otherwise.
sys.set_int_max_str_digits(0)
USUAL_DIGITS = 20
MOST_DIGITS = 1000
GUARD_DIGITS = 30
EXACT_BELOW = 1 << 20_000
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LONGEST_INTEGER = 10_000


def answering(function):
    """Turns a ``Problem`` into the error of the WIT result."""

    @wraps(function)
    def call(*arguments):
        try:
            return function(*arguments)
        except Problem as problem:
            raise Err(str(problem) if str(problem).endswith("?") else f"{problem}.") from None

    return call


def decimal_text(value: Value, digits: int) -> str:
    """Rounded to significant digits; plain where that is readable, else with an exponent."""
    context = Context(prec=digits, rounding=ROUND_HALF_EVEN, Emax=10**8, Emin=-(10**8))
    if isinstance(value, Fraction) and max(abs(value.numerator), value.denominator) >= EXACT_BELOW:
        # Reading integers of this size into decimals takes longer than the sum itself.
        value = approximate(value)
    if isinstance(value, Fraction):
        number = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    else:
        number = context.create_decimal(mp.nstr(value, digits + GUARD_DIGITS // 2, strip_zeros=False))
    if number == 0:
        return "0"
    number = number.normalize(Context(prec=digits + GUARD_DIGITS, Emax=10**8, Emin=-(10**8)))
    if -7 <= number.adjusted() < max(digits, 21):
        return format(number, "f")
    return format(number, "e")



def _integer(text: str, base: int = 10) -> int:
    plain = text.strip().replace("_", "").replace(",", "") if base == 10 else text.strip().replace("_", "")
    if len(plain) > LONGEST_INTEGER:
        raise Problem(f"the number has {len(plain):,} digits; at most {LONGEST_INTEGER:,} are read")
    try:
        return int(plain, base)
    except ValueError:
        raise Problem(f"{text[:60]!r} is not an integer in base {base}") from None


class WitWorld(wit_world.WitWorld):
    """What the component exports."""

    @answering
    def evaluate(self, expression: str, digits: int | None) -> Number:
        wanted = USUAL_DIGITS if digits is None else digits
        if not 1 <= wanted <= MOST_DIGITS:
            raise Problem(f"digits has to be 1 to {MOST_DIGITS}, not {wanted}")
        mp.dps = wanted + GUARD_DIGITS
        value = Parser(expression).run()
        text = decimal_text(value, wanted)
        if isinstance(value, Fraction):
            return Number(str(value), text, True)
        return Number(text, text, False)

    @answering
    def statistics(self, values: list[float]) -> Summary:
        ordered = sample.sample(values)
        n, total, deviations = len(ordered.units), ordered.total(), ordered.squared_deviations()
        nearest, quarter = sample.nearest, Fraction(1, 4)
        return Summary(
            n,
            nearest(total),
            nearest(total / n),
            nearest(ordered.quantile(Fraction(1, 2))),
            [nearest(v) for v in ordered.modes()],
            nearest(ordered.quantile(Fraction(0))),
            nearest(ordered.quantile(Fraction(1))),
            (nearest(ordered.quantile(quarter)), nearest(ordered.quantile(3 * quarter))),
            sample.square_root(deviations / (n - 1)) if n > 1 else None,
            sample.square_root(deviations / n),
        )

    @answering
    def percentile(self, values: list[float], percent: float) -> float:
        share = sample.exact(percent) / 100
        if not 0 <= share <= 1:
            raise Problem(f"percent has to be 0 to 100, not {percent}")
        return sample.nearest(sample.sample(values).quantile(share))

    @answering
    def fit_line(self, points: list[tuple[float, float]]) -> Line:
        return Line(*sample.line(points))

    @answering
    def factor(self, number: str) -> list[PrimePower]:
        return [PrimePower(str(p), e) for p, e in primes.factors(_integer(number))]

    @answering
    def convert_base(self, number: str, from_base: int, to_base: int) -> str:
        for base in (from_base, to_base):
            if not 2 <= base <= 36:
                raise Problem(f"a base is 2 to 36, not {base}")
        value = _integer(number, from_base)
        if to_base == 10:
            return str(value)
        left, digits = abs(value), []
        while left:
            left, digit = divmod(left, to_base)
            digits.append(DIGITS[digit])
        return ("-" if value < 0 else "") + "".join(reversed(digits or ["0"]))
