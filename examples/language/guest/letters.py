"""Text as numbers: how often each pair of neighbouring letters occurs in it.

The model was trained on the same numbers, so both sides use this file.
"""

from __future__ import annotations

LANGUAGES = ("dutch", "english", "french", "german", "italian", "portuguese", "spanish", "swedish")
"""What the model tells apart, in the order of its output."""

LETTERS = " abcdefghijklmnopqrstuvwxyzàáâãäåçèéêëìíîïñòóôõöùúûüß"
"""What is looked at; everything else is a space."""

SIZE = len(LETTERS) ** 2
_INDEX = {letter: index for index, letter in enumerate(LETTERS)}


def counts(text: str) -> list[float]:
    """How often each pair of letters occurs, spaces at the ends of words included."""
    found = [0.0] * SIZE
    words = "".join(letter if letter in _INDEX else " " for letter in text.lower()).split()
    for word in words:
        spaced = f" {word} "
        for first, second in zip(spaced, spaced[1:]):  # noqa: B905, RUF007 - every Python knows this
            found[_INDEX[first] * len(LETTERS) + _INDEX[second]] += 1.0
    return found
