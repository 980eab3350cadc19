"""Statistics of samples, exact until the last step.

The values of a sample are kept as integers in a common unit, a power of ten:
that is as exact as fractions are, and many times faster.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from reals import Problem, exact_root


def exact(value: float) -> Fraction:
    """The number as it was written: the shortest decimal that is this float."""
    digits, exponent = decimal(value)
    return digits * Fraction(10) ** exponent


def decimal(value: float) -> tuple[int, int]:
    """The shortest decimal that is this float, as an integer and a power of ten."""
    if value.is_integer() and abs(value) < 2**53:
        return int(value), 0
    if not math.isfinite(value):
        raise Problem(f"{value} is not a finite number")
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, part = mantissa.partition(".")
    return int(whole + part), int(exponent or 0) - len(part)


@dataclass(frozen=True)
class Sample:
    """Integers ``units``, each times ``unit``."""

    units: list[int]
    unit: Fraction

    def total(self) -> Fraction:
        """The sum."""
        return sum(self.units) * self.unit

    def squared_deviations(self) -> Fraction:
        """Their sum, about the mean."""
        return self.products(self)

    def products(self, other: Sample) -> Fraction:
        """The sum of the products of both samples' deviations from their means."""
        n = len(self.units)
        summed = sum(a * b for a, b in zip(self.units, other.units, strict=True))
        return Fraction(summed * n - sum(self.units) * sum(other.units), n) * self.unit * other.unit

    def quantile(self, share: Fraction) -> Fraction:
        """Linear interpolation between the two nearest values, which have to be sorted."""
        position = (len(self.units) - 1) * share
        below = math.floor(position)
        above = min(below + 1, len(self.units) - 1)
        return (self.units[below] + (self.units[above] - self.units[below]) * (position - below)) * self.unit

    def modes(self) -> list[Fraction]:
        """The values that occur most, if any occurs twice."""
        counts = Counter(self.units)
        most = max(counts.values())
        return [value * self.unit for value in sorted(v for v, n in counts.items() if n == most)] if most > 1 else []


def in_order(values: list[float]) -> Sample:
    """The values as they come."""
    if not values:
        raise Problem("the list of values is empty")
    pairs = [decimal(value) for value in values]
    least = min(exponent for _, exponent in pairs)
    return Sample([digits * 10 ** (exponent - least) for digits, exponent in pairs], Fraction(10) ** least)


def sample(values: list[float]) -> Sample:
    """The values, sorted."""
    found = in_order(values)
    return Sample(sorted(found.units), found.unit)


def nearest(value: Fraction) -> float:
    """As a float, correctly rounded."""
    try:
        return value.numerator / value.denominator
    except OverflowError:
        raise Problem("a result is too large for a 64-bit float") from None


def square_root(value: Fraction) -> float:
    """Of an exact variance, correctly rounded but for a last bit."""
    whole = exact_root(value, 2)
    if whole is not None:
        return nearest(whole)
    # 64 bits more than a float holds, whatever the size.
    shift = 2 * max(0, 64 - (value.numerator.bit_length() - value.denominator.bit_length()) // 2)
    scaled = math.isqrt((value.numerator << shift) // value.denominator)
    return nearest(Fraction(scaled, 1 << (shift // 2)))


def line(points: list[tuple[float, float]]) -> tuple[float, float, float | None]:
    """Slope, intercept and correlation of the least-squares line."""
    if len(points) < 2:
        raise Problem("a line takes at least two points")
    xs, ys = in_order([x for x, _ in points]), in_order([y for _, y in points])
    sxx, syy, sxy = xs.products(xs), ys.products(ys), xs.products(ys)
    if sxx == 0:
        raise Problem("all points have the same x: no line of y over x fits")
    slope = sxy / sxx
    r = None if syy == 0 else math.copysign(square_root(sxy * sxy / (sxx * syy)), sxy)
    return nearest(slope), nearest((ys.total() - slope * xs.total()) / len(points)), r
