"""Prime factors: trial division, then Pollard's rho in Brent's form, with a primality test that does not guess."""

from __future__ import annotations

import math
from collections import Counter

from reals import Problem

SMALL = [n for n in range(2, 2000) if all(n % d for d in range(2, math.isqrt(n) + 1))]
WITNESSES = SMALL[:13]
"""Sufficient below 3.3e24 (Sorenson and Webster); above it a number that passes is composite with no known case."""


def is_prime(n: int) -> bool:
    """Miller-Rabin."""
    if n < 2:
        return False
    for p in SMALL[:50]:
        if n % p == 0:
            return n == p
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(n, a, odd, twos) for a in (WITNESSES if n < 3 * 10**24 else SMALL[:40]))


def _passes(n: int, witness: int, odd: int, twos: int) -> bool:
    x = pow(witness, odd, n)
    if x in (1, n - 1):
        return True
    for _ in range(twos - 1):
        x = x * x % n
        if x == n - 1:
            return True
    return False


def factors(n: int) -> list[tuple[int, int]]:
    """Primes and exponents, smallest prime first."""
    if n < 2:
        raise Problem("only integers from 2 on have prime factors")
    found: Counter[int] = Counter()
    for p in SMALL:
        while n % p == 0:
            found[p] += 1
            n //= p
    left = [n] if n > 1 else []
    while left:
        part = left.pop()
        if is_prime(part):
            found[part] += 1
        else:
            divisor = _divisor(part)
            left += [divisor, part // divisor]
    return sorted(found.items())


def _divisor(n: int) -> int:
    """A proper divisor of a composite without small factors."""
    square = math.isqrt(n)
    if square * square == n:
        return square
    for constant in range(1, 100):
        divisor = _rho(n, constant)
        if divisor != n:
            return divisor
    raise Problem(f"no factor of {n} was found")


def _rho(n: int, constant: int) -> int:
    y, divisor, length, product = 2, 1, 1, 1
    while divisor == 1:
        x = y
        for _ in range(length):
            y = (y * y + constant) % n
        done = 0
        while done < length and divisor == 1:
            saved = y
            for _ in range(min(128, length - done)):
                y = (y * y + constant) % n
                product = product * abs(x - y) % n
            divisor = math.gcd(product, n)
            done += 128
        length *= 2
    if divisor == n:
        # The batch hid it: step again one by one.
        divisor = 1
        while divisor == 1:
            saved = (saved * saved + constant) % n
            divisor = math.gcd(abs(x - saved), n)
    return divisor
