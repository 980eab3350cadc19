"""How large arguments are, found without walking more of them than is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_wasm.errors import InvalidArguments, Mismatch

_ELEMENT_BYTES = 8
"""What an element counts, however short its JSON is: on the way to the guest it takes eight times that."""

_FLAT = {int, float, bool, type(None)}


def bound(name: str, arguments: Mapping[str, Any], most: int) -> None:
    """Accept arguments of at most ``most`` bytes of text and 8 for each element.

    Raises:
        InvalidArguments: they are larger; ``name`` is the tool's.
    """
    room, waiting = most, [arguments]
    while waiting:
        value: Any = waiting.pop()
        if isinstance(value, (str, bytes, bytearray)):
            room -= len(value)
        elif isinstance(value, (Mapping, list, tuple)):
            room -= _ELEMENT_BYTES * len(value)
        if room < 0:
            raise InvalidArguments(name, [Mismatch("", f"at most {most:,} bytes of arguments", "more")])
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)) and not set(map(type, value)) <= _FLAT:
            waiting.extend(value)
