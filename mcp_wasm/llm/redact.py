"""Keeping a key out of what a provider sent: it could echo it in an error, or in an answer. Pure."""

from __future__ import annotations

import json
from urllib.parse import quote

SHOWN = "[key]"

_LONGEST = 300
_LEAST = 6
"""Characters of the shortest key that is looked for: shorter ones occur in ordinary text."""


class Redaction:
    """Replaces one key, also in pieces of text that come one after the other.

    Found as it is, percent-encoded and escaped in JSON; a provider that means to
    give the key away could spell it in other ways.
    """

    def __init__(self, key: str) -> None:
        found = {key, quote(key, safe=""), json.dumps(key)[1:-1]} if len(key) >= _LEAST else set()
        self._forms = tuple(sorted(found, key=len, reverse=True))
        self._held = ""

    def text(self, text: str) -> str:
        """``text`` without the key."""
        for form in self._forms:
            text = text.replace(form, SHOWN)
        return text

    def line(self, text: str) -> str:
        """``text`` from outside as it can stand in a message: on one short line, without the key."""
        shown = "".join(char if char.isprintable() else " " for char in self.text(text))
        return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"

    def piece(self, text: str) -> str:
        """What can be given on of the text so far; an end that may begin the key is held back."""
        whole = self.text(self._held + text)
        keep = max((_overlap(whole, form) for form in self._forms), default=0)
        self._held = whole[len(whole) - keep :]
        return whole[: len(whole) - keep]

    def rest(self) -> str:
        """What was held back, at the end."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, form: str) -> int:
    """Characters at the end of ``text`` that begin ``form``."""
    for size in range(min(len(text), len(form) - 1), 0, -1):
        if form.startswith(text[-size:]):
            return size
    return 0
