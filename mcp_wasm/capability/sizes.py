"""Numbers of bytes as people write them."""

from __future__ import annotations

import re

PATTERN = r"^\s*\d+(\.\d+)?\s*[kKmMgGtT]?[iI]?[bB]?\s*$"
"""What such a text looks like, for a JSON Schema."""

_UNITS = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))


def parse_size(text: str) -> int | None:
    """Bytes of ``"64 KiB"``, ``"1.5 GiB"``, ``"10 MB"`` or ``"123"``; None if it is no size."""
    match = re.fullmatch(r"\s*(\d{1,20}(?:\.\d{1,20})?)\s*([kmgt]?)(i?)b?\s*", text, re.IGNORECASE | re.ASCII)
    if match is None:
        return None
    number, prefix, binary = match.groups()
    base = 1024 if binary or not prefix else 1000
    return int(float(number) * base ** " kmgt".index(prefix.lower() or " "))


def show_size(size: int) -> str:
    """The shortest text that ``parse_size`` reads as exactly ``size``: ``"64MiB"``, ``"123"``."""
    for unit, bytes_ in _UNITS:
        if size and size % bytes_ == 0:
            return f"{size // bytes_}{unit}"
    return str(size)
