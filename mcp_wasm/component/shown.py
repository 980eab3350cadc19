"""Values of strangers, shown in a few characters that every encoding can carry.

What is shown may be huge, deeply nested or hold lone surrogates; the cost is
that of what is shown, not of what is there.
"""

from __future__ import annotations

import json
from itertools import islice

WIDTH = 80
"""Characters of a rendering at most."""


def rendered(value: object) -> str:
    """``value`` in at most ``WIDTH`` characters, as JSON where it is short."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if value.bit_length() < 200 else f"an integer of {value.bit_length()} bits"
        case float():
            return repr(value)
        case str():
            return quoted(value)
        case bytes() | bytearray():
            return f"{len(value)} bytes"
        case list() | tuple():
            return _array(value)
        case dict():
            return _object(value)
        case _:
            return f"a Python {type(value).__name__[:40]}"


def quoted(text: str) -> str:
    """``text`` in double quotes, cut where it is long, lone surrogates and controls escaped."""
    shown = json.dumps(_carried(text[: WIDTH - 20]), ensure_ascii=False)
    if len(text) <= WIDTH - 20 and len(shown) <= WIDTH:
        return shown
    return f'{shown[: WIDTH - 32].rstrip(chr(92))}…" ({len(text)} characters)'


def token(key: object) -> str:
    """``key`` as a reference token of a JSON pointer (RFC 6901), cut where it is long."""
    if not isinstance(key, str):
        return rendered(key)
    text = _carried(key[:WIDTH]).replace("~", "~0").replace("/", "~1")
    if not text.isprintable():
        # A line break in a key must not forge a line of the message.
        text = json.dumps(text)[1:-1]
    return text if len(key) <= WIDTH else f"{text}…"


def _carried(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _array(items: list[object] | tuple[object, ...]) -> str:
    if len(items) <= 8 and all(item is None or isinstance(item, (bool, int, float, str)) for item in items):
        text = f"[{', '.join(map(rendered, items))}]"
        if len(text) <= WIDTH:
            return text
    return f"an array of {len(items)} item{'' if len(items) == 1 else 's'}"


def _object(value: dict[object, object]) -> str:
    if not value:
        return "{}"
    names = ", ".join(rendered(key) for key in islice(value, 4))
    more = ", …" if len(value) > 4 else ""
    text = f"an object with {names}{more}"
    return text if len(text) <= WIDTH else f"an object of {len(value)} keys"
