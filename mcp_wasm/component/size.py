"""How large arguments are, found without walking more of them than is allowed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    while waiting and room >= 0:
        inner = _inner(waiting.pop())
        room -= _ELEMENT_BYTES * len(inner)
        if room >= 0 and not (isinstance(inner, (list, tuple)) and set(map(type, inner)) <= _FLAT):
            for each in inner:
                if isinstance(each, (str, bytes, bytearray)):
                    room -= len(each)
                elif type(each) not in _FLAT:
                    waiting.append(each)
    if room < 0:
        raise InvalidArguments(name, [Mismatch("", f"at most {most:,} bytes of arguments", "more")])


def _inner(value: Any) -> Collection[Any]:
    # A dict is what comes most often, and to ask whether something is a Mapping takes long.
    if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101 - in this order
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()
