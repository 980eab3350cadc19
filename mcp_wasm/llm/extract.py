"""Sentences, steps and what a text says most about: what can be told without understanding it. Pure.

Deterministic. Sentences are weighed by how often their words occur in the whole
text (Luhn 1958, "The automatic creation of literature abstracts").
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

MOST = 100_000
"""Characters of a text that are looked at."""

_SENTENCE = re.compile(r"[^\n.!?。！？]+(?:\.(?=\S)[^\n.!?。！？]*)*[.!?。！？]*")
_WORD = re.compile(r"\w{4,}")
_STEP = re.compile(r"^\s*(?:[-*+•]|\(?\d{1,3}[.):]|\[[ xX]?\])\s+(.+)$")
_HEADING = re.compile(r"^\s*#{1,6}\s+(.+?)\s*#*$")
_THEN = re.compile(
    r"\s*(?:;|,?\s+and then\b|,?\s+then\b|,?\s+afterwards\b|,?\s+after that\b|,?\s+finally\b)[\s,]*",
    re.IGNORECASE,
)

_AND = re.compile(r"^and\b\s*", re.IGNORECASE)


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, without marks of lists and headings."""
    lines = (_plain(line) for line in text[:MOST].splitlines())
    found = (each.group().strip() for line in lines for each in _SENTENCE.finditer(line))
    return [each for each in found if any(char.isalnum() for char in each)]


def weightiest(found: Sequence[str], most: int, about: str | None = None) -> list[str]:
    """The ``most`` sentences that say most, in their own order; with ``about`` those that share its words."""
    asked = {word.casefold() for word in _WORD.findall(about or "")}
    words = [[word.casefold() for word in _WORD.findall(each)] for each in found]
    counts = Counter(word for each in words for word in each)

    def weight(index: int) -> float:
        own = set(words[index])
        if not own:
            return 0.0
        shared = len(own & asked) * 1000
        return float(shared + sum(counts[word] for word in own) / math.sqrt(len(own)))

    best = sorted(range(len(found)), key=lambda index: (-weight(index), index))[:most]
    chosen = [index for index in sorted(best) if about is None or set(words[index]) & asked]
    return [found[index] for index in chosen]


def steps(text: str) -> list[str]:
    """The steps that a text has by its own structure: list items, else headings, else clauses."""
    lines = text[:MOST].splitlines()
    for form in (_STEP, _HEADING):
        found = [match[1].strip() for line in lines if (match := form.match(line))]
        if len(found) > 1:
            return found
    parts = (part for each in sentences(text) for part in _THEN.split(each))
    clauses = (_AND.sub("", part.strip(" ,.;")) for part in parts)
    return [part[:1].upper() + part[1:] for part in clauses if part]


def _plain(line: str) -> str:
    for form in (_STEP, _HEADING):
        if match := form.match(line):
            return match[1]
    return line
