"""The named functions and constants of expressions: a table at the end."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from fractions import Fraction

from mpmath import mp

from reals import (
    LARGEST_BITS,
    Problem,
    Value,
    add,
    approximate,
    checked,
    divide,
    factorial,
    integer,
    multiply,
    negate,
    power,
    quiet,
    root,
)


def _transcendental(name: str, exact: dict[int, int], within: Callable[[Value], bool] | None = None, words: str = ""):
    """A function of one number by mpmath, with the few arguments for which it is exact.

    ``within`` tells whether an argument is allowed, ``words`` which are."""
    function = getattr(mp, name)

    def apply(x: Value) -> Value:
        if within is not None and not within(x):
            raise Problem(f"{words}, not {short(x)}")
        if isinstance(x, Fraction) and x in exact:
            return Fraction(exact[x.numerator])
        if abs(x) > 10**12:
            raise Problem(f"{words or name} is computed up to 10^12 only")
        return checked(quiet(function(approximate(x)), 1))

    return apply


def short(x: Value) -> str:
    """A value for a message."""
    return str(x) if isinstance(x, Fraction) and len(str(x)) < 30 else str(mp.nstr(approximate(x), 10))


def _log(x: Value, base: Value | None = None) -> Value:
    if x <= 0:
        raise Problem(f"the logarithm of {short(x)} is not real")
    if base is None:
        return Fraction(0) if x == 1 else checked(mp.log(approximate(x)))
    if base <= 0 or base == 1:
        raise Problem(f"{short(base)} is not the base of a logarithm")
    if isinstance(x, Fraction) and isinstance(base, Fraction):
        exact = _rational_log(x, base)
        if exact is not None:
            return exact
    return checked(mp.log(approximate(x)) / mp.log(approximate(base)))


def _exact_log(x: Fraction, base: Fraction) -> Fraction | None:
    """The exponent where it is an integer: log(1000, 10)."""
    if base < 1:
        inverse = _exact_log(x, 1 / base)
        return None if inverse is None else -inverse
    if x < 1:
        inverse = _exact_log(1 / x, base)
        return None if inverse is None else -inverse
    guess = int(mp.nint(mp.log(approximate(x)) / mp.log(approximate(base))))
    if guess * max(base.numerator.bit_length() - 1, 1) > LARGEST_BITS:
        return None
    return Fraction(guess) if base**guess == x else None


def _rational_log(x: Fraction, base: Fraction) -> Fraction | None:
    """The exponent where it is an integer or half of one: log(1000, 10), log(8, 4)."""
    whole = _exact_log(x, base)
    if whole is None:
        doubled = _exact_log(x * x, base)
        return None if doubled is None else doubled / 2
    return whole


def _rounding(how: Callable[[Fraction], int], approximately: Callable) -> Callable[[Value], Value]:
    return lambda x: Fraction(how(x) if isinstance(x, Fraction) else int(approximately(x)))


def _round(x: Value, digits: Value | None = None) -> Value:
    """Half to even, to decimal places (negative ones: tens, hundreds)."""
    places = 0 if digits is None else integer(digits, "the number of places")
    if abs(places) > 10_000:
        raise Problem("at most 10,000 places")
    scale = Fraction(10) ** places
    scaled = x * scale if isinstance(x, Fraction) else approximate(x) * approximate(scale)
    whole = round(scaled) if isinstance(scaled, Fraction) else int(mp.nint(scaled))
    return Fraction(whole) / scale


def _integers(function: Callable[..., int]) -> Callable[..., Value]:
    return lambda *values: Fraction(function(*(integer(v, "each argument") for v in values)))


def _choose(n: Value, k: Value, ordered: bool = False) -> Value:
    count, taken = integer(n, "n"), integer(k, "k")
    if count < 0 or taken < 0:
        raise Problem("n and k must not be negative")
    if taken > count:
        return Fraction(0)
    shorter = taken if ordered else min(taken, count - taken)
    # An estimate from below of the size: (n/k)^k, or n^k with order.
    least = shorter * (count.bit_length() - 1 - (0 if ordered else max(shorter, 1).bit_length()))
    if least > LARGEST_BITS or shorter > 100_000:
        raise Problem("the result has too many digits")
    return checked(Fraction(math.perm(count, taken) if ordered else math.comb(count, taken)))


def _powmod(base: Value, exponent: Value, modulus: Value) -> Value:
    a, b, n = integer(base, "the base"), integer(exponent, "the exponent"), integer(modulus, "the modulus")
    if n == 0:
        raise Problem("division by zero")
    if b < 0 and math.gcd(a, n) != 1:
        raise Problem(f"{short(Fraction(a))} has no inverse modulo {short(Fraction(n))}")
    return Fraction(pow(a, b, n))


def _sum(*values: Value) -> Value:
    total: Value = Fraction(0)
    for value in values:
        total = add(total, value)
    return total


def _hypot(*values: Value) -> Value:
    return root(_sum(*(multiply(v, v) for v in values)), 2)


def _atan2(y: Value, x: Value) -> Value:
    if y == 0 and x >= 0:
        return Fraction(0)
    return checked(mp.atan2(approximate(y), approximate(x)))


def _least(*values: Value) -> Value:
    return min(values, key=lambda v: v if isinstance(v, Fraction) else Fraction(*v.as_integer_ratio()))


def _greatest(*values: Value) -> Value:
    return max(values, key=lambda v: v if isinstance(v, Fraction) else Fraction(*v.as_integer_ratio()))


def _unit(x: Value) -> bool:
    return -1 <= x <= 1


def _tan(x: Value) -> Value:
    if x == 0:
        return Fraction(0)
    if FUNCTIONS["cos"](x) == 0:
        raise Problem("tan has no value there")
    return divide(FUNCTIONS["sin"](x), FUNCTIONS["cos"](x))


def _exp(x: Value) -> Value:
    return Fraction(1) if x == 0 else power(mp.e(), x)


def _degrees(x: Value) -> Value:
    return Fraction(0) if x == 0 else checked(approximate(x) * 180 / mp.pi)


def _radians(x: Value) -> Value:
    return Fraction(0) if x == 0 else checked(approximate(x) * mp.pi / 180)


CONSTANTS: dict[str, Callable[[], Value]] = {
    "pi": lambda: +mp.pi,
    "e": lambda: +mp.e,
    "tau": lambda: 2 * mp.pi,
    "phi": lambda: +mp.phi,
}

_PLAIN: dict[str, Callable[..., Value]] = {
    "abs": lambda x: negate(x) if x < 0 else x,
    "min": _least,
    "max": _greatest,
    "sum": _sum,
    "round": _round,
    "floor": _rounding(math.floor, mp.floor),
    "ceil": _rounding(math.ceil, mp.ceil),
    "trunc": _rounding(math.trunc, lambda x: mp.floor(x) if x >= 0 else mp.ceil(x)),
    "gcd": _integers(math.gcd),
    "lcm": _integers(math.lcm),
    "factorial": factorial,
    "comb": lambda n, k: _choose(n, k),
    "perm": lambda n, k: _choose(n, k, ordered=True),
    "powmod": _powmod,
    "sqrt": lambda x: root(x, 2),
    "cbrt": lambda x: root(x, 3),
    "root": lambda x, n: root(x, integer(n, "the degree of a root")),
    "exp": _exp,
    "ln": lambda x: _log(x),
    "log": _log,
    "log2": lambda x: _log(x, Fraction(2)),
    "log10": lambda x: _log(x, Fraction(10)),
    "sin": _transcendental("sin", {0: 0}),
    "cos": _transcendental("cos", {0: 1}),
    "tan": _tan,
    "asin": _transcendental("asin", {0: 0}, _unit, "asin takes -1 to 1"),
    "acos": _transcendental("acos", {1: 0}, _unit, "acos takes -1 to 1"),
    "atan": _transcendental("atan", {0: 0}),
    "atan2": _atan2,
    "sinh": _transcendental("sinh", {0: 0}),
    "cosh": _transcendental("cosh", {0: 1}),
    "tanh": _transcendental("tanh", {0: 0}),
    "hypot": _hypot,
    "degrees": _degrees,
    "radians": _radians,
    "mean": lambda *values: divide(_sum(*values), Fraction(len(values))),
}


def _counted(name: str, function: Callable[..., Value]) -> Callable[..., Value]:
    """The function, with a message instead of a TypeError for a wrong number of arguments."""
    parameters = inspect.signature(function).parameters.values()
    several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    fewest = 1 if several else sum(p.default is p.empty for p in parameters)
    most = math.inf if several else sum(p.name != "ordered" for p in parameters)

    def apply(*values: Value) -> Value:
        if not fewest <= len(values) <= most:
            wanted = f"at least {fewest}" if several else str(fewest) if fewest == most else f"{fewest} or {most}"
            raise Problem(f"{name} takes {wanted} argument{'s' if wanted != '1' else ''}, not {len(values)}")
        return function(*values)

    return apply


FUNCTIONS = {name: _counted(name, function) for name, function in _PLAIN.items()}
