"""The numbers: exact fractions for as long as it goes, floating point of many digits after that.

A value is a ``Fraction`` or, once it came out of a root or a transcendental
function, an mpmath number of the working precision.
"""

from __future__ import annotations

import math
from fractions import Fraction

from mpmath import mp, mpf

Value = Fraction | mpf

LARGEST_BITS = 66_436
"""Integers and denominators are computed up to this size, 20,000 digits."""


LARGEST_MAGNITUDE = 300_000_000
"""Of rounded numbers, as a power of two."""

NOISE_DIGITS = 8
"""The last digits of the working precision, which a difference of nearly equal numbers is made of."""


class Problem(Exception):
    """What is wrong with the input, in words for whoever wrote it."""


def approximate(value: Value) -> mpf:
    """A value as floating point of the working precision."""
    return value if isinstance(value, mpf) else mpf(value.numerator) / value.denominator


def checked(value: Value) -> Value:
    """The value, unless it has grown past what is computed."""
    if isinstance(value, Fraction):
        if value.numerator.bit_length() > LARGEST_BITS or value.denominator.bit_length() > LARGEST_BITS:
            raise _too_large(max(value.numerator.bit_length(), value.denominator.bit_length()))
    elif not mp.isfinite(value):
        raise Problem("the result is not a finite number")
    elif value != 0 and abs(mp.mag(value)) > LARGEST_MAGNITUDE:
        raise Problem("the result is too large or too small to be written")
    return value


def _too_large(bits: float) -> Problem:
    digits = f"{int(bits * math.log10(2)):,}" if bits < 1e15 else "more than 10^14"
    return Problem(
        f"the result has about {digits} digits; at most {int(LARGEST_BITS * math.log10(2)):,} are computed. "
        "powmod(a, b, n) gives remainders of large powers, ln and log10 their size"
    )


def integer(value: Value, what: str) -> int:
    """An exact integer, for functions of integers."""
    if isinstance(value, mpf):
        raise Problem(f"{what} has to be an exact integer, and this one is rounded")
    if value.denominator != 1:
        raise Problem(f"{what} has to be an integer, not {value}")
    return value.numerator


def _both(operation):
    def apply(left: Value, right: Value) -> Value:
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            return checked(operation(left, right))
        return checked(operation(approximate(left), approximate(right)))

    return apply


def quiet(value: mpf, scale: Value) -> mpf:
    """Zero where the value is nothing but the rounding error of terms of the size of ``scale``."""
    return mpf(0) if abs(value) < abs(scale) * mpf(10) ** (NOISE_DIGITS - mp.dps) else value


def _plus(a: Value, b: Value) -> Value:
    total = a + b
    return total if isinstance(total, Fraction) else quiet(total, max(abs(a), abs(b)))


add = _both(_plus)
subtract = _both(lambda a, b: _plus(a, -b))
multiply = _both(lambda a, b: a * b)


def negate(value: Value) -> Value:
    """Its opposite."""
    return -value


def _nonzero(value: Value) -> None:
    if value == 0:
        raise Problem("division by zero")


def divide(left: Value, right: Value) -> Value:
    """An exact fraction where both are exact."""
    _nonzero(right)
    return _both(lambda a, b: a / b)(left, right)


def floor_divide(left: Value, right: Value) -> Value:
    """The largest integer that is not above the quotient."""
    _nonzero(right)
    quotient = divide(left, right)
    return Fraction(math.floor(quotient) if isinstance(quotient, Fraction) else int(mp.floor(quotient)))


def remainder(left: Value, right: Value) -> Value:
    """What is left of floor division: it has the sign of the divisor."""
    _nonzero(right)
    return _both(lambda a, b: a % b)(left, right)


def factorial(value: Value) -> Value:
    """n! of an integer."""
    n = integer(value, "the number before !")
    if n < 0:
        raise Problem("a negative integer has no factorial")
    bits = math.lgamma(n + 1) / math.log(2) if n < 1e15 else 1e16
    if bits > LARGEST_BITS:
        raise _too_large(bits)
    return Fraction(math.factorial(n))


def exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The root of a fraction where it is a fraction; ``value`` is not negative."""
    top, bottom = _integer_root(value.numerator, degree), _integer_root(value.denominator, degree)
    if top**degree == value.numerator and bottom**degree == value.denominator:
        return Fraction(top, bottom)
    return None


def _integer_root(n: int, degree: int) -> int:
    """The largest integer whose power is not above n (Newton's method from above)."""
    if n < 2 or degree == 1:
        return n
    if degree == 2:
        return math.isqrt(n)
    if degree >= n.bit_length():
        return 1
    guess = 1 << -(-n.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + n // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better


def root(value: Value, degree: int) -> Value:
    """The real root; of a negative number for odd degrees only."""
    if degree < 1:
        raise Problem("the degree of a root has to be at least 1")
    if value < 0:
        if degree % 2 == 0:
            raise Problem("an even root of a negative number is not real")
        return -root(-value, degree)
    if isinstance(value, Fraction) and degree <= LARGEST_BITS:
        exact = exact_root(value, degree)
        if exact is not None:
            return exact
    return checked(mp.root(approximate(value), degree))


def power(base: Value, exponent: Value) -> Value:
    """base ** exponent: exact for integer exponents, and for roots that come out even."""
    if isinstance(base, Fraction) and isinstance(exponent, Fraction):
        if exponent.denominator == 1:
            return _integer_power(base, exponent.numerator)
        if base >= 0 and exponent.denominator <= 1000 and abs(exponent.numerator) <= 10_000:
            exact = exact_root(base, exponent.denominator)
            if exact is not None:
                return _integer_power(exact, exponent.numerator)
    if base < 0 and (isinstance(exponent, mpf) or exponent.denominator != 1):
        raise Problem("a negative number to the power of a fraction is not real; root(x, n) takes odd roots")
    if base == 0 and exponent < 0:
        raise Problem("division by zero")
    if base > 0:
        size = mp.log(approximate(base)) * approximate(exponent)
        if abs(size) > LARGEST_MAGNITUDE:
            raise Problem("the result is too large or too small to be written")
    return checked(approximate(base) ** approximate(exponent))


def _integer_power(base: Fraction, exponent: int) -> Value:
    if base == 0 and exponent < 0:
        raise Problem("division by zero")
    if base in (0, 1, -1) or exponent == 0:
        return base ** (exponent if abs(exponent) < 4 else 2 + exponent % 2)
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    # From below: an integer of n bits is at least 2^(n - 1).
    if (bits - 1) * abs(exponent) > LARGEST_BITS:
        raise _too_large(bits * abs(exponent))
    return checked(base**exponent)
