"""Addresses: one form for an agent of this node and of another.

``collectors/news`` is the agent ``news`` below the supervisor ``collectors``, wherever it
lives: of this node if this node has it, else of the one that announced it.
``collectors/news@node-2`` is that of ``node-2`` and no other. Each part is a token of a NATS
subject as it stands, so that an address and its subject are made from each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mcp_wasm.errors import CallerError

_PART = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
LONGEST = 255
"""Characters of an address."""


@dataclass(frozen=True, slots=True)
class Address:
    """``path`` of an agent or supervisor in its node, ``""`` for the node itself; ``node`` ``""`` for any."""

    path: str
    node: str = ""

    def __str__(self) -> str:
        return f"{self.path}@{self.node}" if self.node else self.path


def parse(text: str) -> Address:
    """The address that ``text`` writes.

    Raises:
        CallerError: if it writes none.
    """
    path, at, node = text.partition("@")
    parts = path.split("/")
    if len(text) > LONGEST or not all(map(_PART.fullmatch, parts)) or (at and not _PART.fullmatch(node)):
        raise CallerError(
            f"{text[:80]!r} is no address of an agent: expected NAME, PARENT/NAME or NAME@NODE, each part of "
            "1 to 63 lowercase letters, digits, - and _"
        )
    return Address(path, node)


def check_part(text: str, what: str) -> str:
    """``text`` if it may be a part of an address; ``what`` says of what it is the name.

    Raises:
        CallerError: if it may not.
    """
    if not _PART.fullmatch(text):
        raise CallerError(
            f"{what} {text[:80]!r}: expected 1 to 63 lowercase letters, digits, - and _, "
            "beginning with a letter or digit"
        )
    return text
