"""Hosts as they are compared: one form for each name and each address, and patterns over them.

Pure. The same text must not be one host to the check and another to whoever
connects, so what is checked is also what must be connected to: ``canonical``
gives it, and what has no such form is no host.

    name      lower case, without the root's dot, at most 253 characters, in labels of
              letters, digits, ``-`` and ``_``; other letters as IDNA 2008 writes them
              after UTS 46 (``xn--…``)
    address   IPv4 as four decimal numbers, IPv6 compressed, without brackets

A text whose last label is a number is an address or nothing (WHATWG URL, "ends
in a number"): ``2130706433``, ``0x7f.1``, ``127.1`` and ``0177.0.0.1`` are
loopback to some resolvers, and no host here.

A pattern is a host, ``*.suffix`` for every name of one or more labels below
``suffix`` (not ``suffix`` itself), or ``*`` for every host.
"""

from __future__ import annotations

import re
from functools import lru_cache

from mcp_wasm.capability.address import parse

ANY = "*"

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST = 253
_LONGEST_GIVEN = 1024


@lru_cache(maxsize=1024)
def canonical(text: str) -> str | None:
    """The one form of a host, or None if ``text`` is none."""
    if not text or len(text) > _LONGEST_GIVEN:
        return None
    if ":" in text or text.startswith("["):
        found = parse(text)
        return str(found) if found is not None and ":" in text else None
    name = _ascii(text)
    if name is None:
        return None
    name = name.removesuffix(".").lower()
    labels = name.split(".")
    if len(name) > _LONGEST or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if _NUMBER.fullmatch(labels[-1]):
        # Letters that merely look like digits (`１２７.0.0.1`) would write an address in disguise.
        found = parse(name) if text.isascii() and not text.endswith(".") else None
        return None if found is None else str(found)
    return name


@lru_cache(maxsize=1024)
def pattern(text: str) -> str | None:
    """The one form of a pattern, or None if ``text`` is none."""
    if text == ANY:
        return ANY
    if not text.startswith("*."):
        return canonical(text)
    suffix = canonical(text[2:])
    if suffix is None or parse(suffix) is not None or text[2:].startswith("["):
        return None
    return f"*.{suffix}"


def matches(wanted: str, host: str) -> bool:
    """Whether ``host`` fits the pattern ``wanted``; what is no host or no pattern fits nothing."""
    name, form = canonical(host), pattern(wanted)
    if name is None or form is None:
        return False
    if form == ANY:
        return True
    if form.startswith("*."):
        return name.endswith(form[1:]) and len(name) > len(form) - 1 and parse(name) is None
    return name == form


def _ascii(text: str) -> str | None:
    if text.isascii():
        return text
    import idna  # its tables take a while to load, and few hosts need them

    try:
        return idna.encode(text, uts46=True, std3_rules=False).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None
