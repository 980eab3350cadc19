"""A value that code gave, as JSON that every client reads alike.

It was made in the guest, so it may hold what JSON can name and a protocol cannot
carry: lone surrogates, NaN, integers that lose digits in JavaScript, a depth at
which writers give up.
"""

from __future__ import annotations

import math
import re
from typing import Any

DEEPEST = 100
"""Arrays and objects within each other."""

_SAFE = 2**53 - 1

_UNSURE = re.compile(r"\\u[dD][89a-fA-F]|NaN|Infinity|[0-9]{16}|[0-9][eE]|\[{40}")
_OPENING = re.compile(r"[\[{]")


class TooDeep(ValueError):
    """A value nests deeper than ``DEEPEST``."""


def plain(value: Any, text: str) -> Any:
    """``value``, which was read from the JSON ``text``: what is no plain JSON in it is spelled as text.

    Raises:
        TooDeep: it nests deeper than ``DEEPEST``.
    """
    # Looking at the text costs much less than at each value, and most have nothing of all this.
    if not _UNSURE.search(text) and (len(text) <= DEEPEST or len(_OPENING.findall(text)) <= DEEPEST):
        return value
    return _plain(value, 0)


def _plain(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise TooDeep
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case bool():
            return value
        case int():
            return value if -_SAFE <= value <= _SAFE else str(value)
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case list():
            return [_plain(each, depth + 1) for each in value]
        case dict():
            return {_plain(key, depth): _plain(each, depth + 1) for key, each in value.items()}
    return value
