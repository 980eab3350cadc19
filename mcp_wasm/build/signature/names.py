"""Names of code as WIT has them: kebab-case, with the words that WIT keeps for itself escaped.

Source: the component model's ``WIT.md``, "Identifiers" and "Keywords".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 64
"""Characters of a name: model APIs take no longer keys."""

KEYWORDS = frozenset(
    (
        "as",
        "async",
        "bool",
        "borrow",
        "char",
        "constructor",
        "enum",
        "error-context",
        "export",
        "f32",
        "f64",
        "flags",
        "from",
        "func",
        "future",
        "import",
        "include",
        "interface",
        "list",
        "map",
        "option",
        "own",
        "package",
        "record",
        "resource",
        "result",
        "s16",
        "s32",
        "s64",
        "s8",
        "static",
        "stream",
        "string",
        "tuple",
        "type",
        "u16",
        "u32",
        "u64",
        "u8",
        "use",
        "variant",
        "with",
        "world",
    )
)

_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def kebab(name: str) -> str | None:
    """``name`` as a WIT name (``maxSize`` and ``max_size`` are ``max-size``), or None where it cannot be one.

    It cannot with letters beyond ASCII, without a letter at the beginning, and past ``LONGEST``.
    """
    if any(char.isalnum() and not char.isascii() for char in name):
        return None
    plain = re.sub(r"[^a-z0-9]+", "-", _HUMPS.sub("-", name).lower()).strip("-")
    return plain if len(plain) <= LONGEST and _KEBAB.fullmatch(plain) else None


def written(name: str) -> str:
    """``name`` as it stands in WIT text."""
    return f"%{name}" if name in KEYWORDS else name


def world(name: str) -> str:
    """``name`` as that of a world and its package; toolchains take none that is a word of WIT."""
    plain = kebab(name) or "script"
    return f"{plain}-tool" if plain in KEYWORDS else plain


class Taken:
    """The names in one place of WIT, where all must differ."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = set(names)

    def free(self, wanted: str) -> str:
        """``wanted``, or it with the first number that makes it different; taken from now on."""
        name, number = wanted, 2
        while name in self._names:
            name, number = f"{wanted[: LONGEST - 5].rstrip('-')}-{number}", number + 1
        self._names.add(name)
        return name
