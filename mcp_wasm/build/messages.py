"""What compilers say, as places in the source as submitted. Pure: text in, messages out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mcp_wasm.errors import Message

CLANG = re.compile(
    r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):(?P<column>\d+): "
    r"(?:fatal )?(?P<severity>error|warning|note): (?P<text>.+)$",
    re.MULTILINE,
)
"""clang and zig."""


def parse(text: str, sources: Sequence[str]) -> tuple[Message, ...]:
    """The messages in ``text`` about files named in ``sources``, in the order of the text."""
    return tuple(
        Message(found["file"], int(found["line"]), int(found["column"]), found["severity"], found["text"])
        for found in CLANG.finditer(text)
        if found["file"] in sources
    )
