"""Rules for single values that both directions share: floats, 64-bit integers, base64, text.

Pure functions on plain Python values. It refuses to know types and pointers
(``component.check``) and the engine's values (``sandbox``).
"""

from __future__ import annotations

import binascii
import math
import re
import struct

_F32 = struct.Struct("<f")

F32_LIMIT = float(2**128 - 2**103)
"""The smallest size that rounds to infinity as an f32 (half a step past the largest f32)."""

HANDLE = re.compile(r"[A-Za-z0-9_-]{22}\.[0-9]{1,9}")
"""A handle in JSON: the text of its session, which nobody can guess, and the handle's number there."""

DECIMAL = {"u64": re.compile("[0-9]{1,20}"), "s64": re.compile("-?[0-9]{1,19}")}
"""Text that is taken for a 64-bit integer, if its value is in range."""

_SUBNORMAL = 2.0**-126


def shortest_f32(number: float) -> float:
    """The float with the fewest decimal digits that rounds to the same f32 as ``number``.

    ``number`` is an f32 that was widened to a double, as the engine gives it:
    0.1 arrives as 0.10000000149011612 and leaves as 0.1. Nine digits always
    tell two f32 apart (IEEE 754-2019, 5.12.2). NaN and infinities stay. Three
    powers of two keep a digit too many: their shortest is not their nearest.
    """
    if not math.isfinite(number) or (abs(number) < 2**24 and number.is_integer()):
        return number
    packed = _F32.pack(number)
    # A decimal of six digits or fewer that rounds to a normal f32 is what %.6g prints of it.
    for digits in range(1 if abs(number) < _SUBNORMAL else 6, 9):
        short = float(f"{number:.{digits}g}")
        if _F32.pack(short) == packed:
            return short
    return float(f"{number:.9g}")


def has_lone_surrogate(text: str) -> bool:
    """Whether ``text`` has a code point that no UTF-8 can carry."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def decode_base64(text: str) -> bytes | None:
    """The bytes of ``text`` (RFC 4648, section 4: padded, nothing else in it), or None."""
    # Strict mode takes padding past a whole group: "AAAA=", "AAAA====".
    if not text.isascii() or len(text) % 4 or text.endswith("==="):
        return None
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None


def whole(value: object) -> int | None:
    """``value`` as an integer when it is one: an int that is no bool, or a float like 1.0 or 1e3."""
    match value:
        case bool():
            return None
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case _:
            return None
