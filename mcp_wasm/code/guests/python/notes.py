"""What a reader should know about a run beside its outcome, said once each."""

from __future__ import annotations

_said: dict[str, None] = {}


def say(note: str) -> None:
    """Add a note, a sentence."""
    _said[note] = None


def begin() -> None:
    """Begin a run, of which there is nothing to say yet."""
    _said.clear()


def text() -> str:
    """All that was said of this run."""
    return " ".join(_said)
