"""TOML that somebody else may have written, read within bounds.

The standard parser keeps every prefix of a dotted key, so that one key of
130,000 parts (256 KiB) takes gigabytes: such keys are found by a scan of the
text before it is parsed. Whatever else is wrong is one kind of error here.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

MOST_PARTS = 32
"""Parts of a dotted key."""

_TOKEN = re.compile(
    r"""
      (?P<skip> \#[^\n]* | [ \t]++ )
    | (?P<long> \"{3} (?: \\. | [^"\\] | "(?!"") )*+ "{3,5} | '{3} (?: [^'] | '(?!'') )*+ '{3,5} )
    | (?P<part> [A-Za-z0-9_-]++ | " (?: \\. | [^"\\\n] )*+ " | '[^'\n]*+' )
    | (?P<dot> \. )
    | (?P<open> ["'] )
    | (?P<other> [^A-Za-z0-9_\-"'.\#\ \t]++ )
    """,
    re.VERBOSE | re.DOTALL,
)


def loads(text: str) -> dict[str, Any]:
    """The document that ``text`` writes.

    Raises:
        ValueError: if it is no TOML, nests deeper than can be read, or has a key of too many parts.
    """
    # A dotted key stands on one line, so that most texts need no further look.
    if any(line.count(".") >= MOST_PARTS for line in text.split("\n")) and _parts(text) > MOST_PARTS:
        raise ValueError(f"a key has more than {MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it nests too deep") from None


def _parts(text: str) -> int:
    """The parts of the longest dotted key, as far as the parser would come before it gives up.

    Up to the first fault both see the same strings and comments; what lies behind
    a string that does not end is never parsed.
    """
    longest = parts = 0
    dotted = False
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "part":
                parts = parts + 1 if dotted else 1
                longest = max(longest, parts)
                dotted = False
            case "dot":
                dotted = True
            case "open":
                break
            case "long" | "other":
                parts, dotted = 0, False
    return longest
