"""Which tools fit some words best: ranked by where the words occur in what a tool says of itself.

Pure. It knows neither how a tool is listed (``server.search``) nor how it is
written for code to read (``code.stubs``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Words:
    """What a tool says of itself; ``parameters`` are their names."""

    name: str
    title: str
    description: str
    parameters: str


_WEIGHTS = (("name", 6), ("title", 3), ("description", 2), ("parameters", 1))


class Ranking:
    """Ranks tools by the words of a query; a tool is known by its place in ``tools``."""

    def __init__(self, tools: Sequence[Words]) -> None:
        self._words = [_words_of(tool) for tool in tools]

    def best(self, query: str) -> Iterator[int]:
        """The tools in which a word of ``query`` occurs, best first; all for an empty query.

        Equal ones stay in their order.
        """
        wanted = set(_split(query))
        scores = [_score(wanted, words) for words in self._words]
        order = sorted(range(len(scores)), key=lambda at: -scores[at])
        return (at for at in order if scores[at] > 0 or not wanted)


def _words_of(tool: Words) -> dict[str, int]:
    """Every word of a tool with the weight of the best place where it stands."""
    weights: dict[str, int] = {}
    for place, weight in _WEIGHTS:
        for word in _split(getattr(tool, place)):
            weights[word] = max(weight, weights.get(word, 0))
    return weights


def _score(wanted: set[str], words: dict[str, int]) -> float:
    return sum(_fit(word, words) for word in wanted)


def _fit(wanted: str, words: dict[str, int]) -> float:
    """The weight of ``wanted``; half of it where it only begins a word or a word begins it."""
    if wanted in words:
        return words[wanted]
    near = [
        weight
        for word, weight in words.items()
        if len(word) > 2 and len(wanted) > 2 and (word.startswith(wanted) or wanted.startswith(word))
    ]
    return max(near, default=0) / 2


def _split(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
