"""The grant of sending messages, and how patterns of subjects match. Pure.

A subject is words between dots, ``sensors.north.temperature``. In a pattern ``*`` stands for
one word and ``>``, at its end, for one or more: NATS's rules.
Source: https://docs.nats.io/nats-concepts/subjects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LONGEST_SUBJECT = 255
"""Characters of a subject or of a pattern."""

_WORD = r"[A-Za-z0-9_-]+"
SUBJECT = re.compile(rf"{_WORD}(\.{_WORD})*")
"""What a subject is made of."""
PATTERN = re.compile(rf">|({_WORD}|\*)(\.({_WORD}|\*))*(\.>)?")
"""What a pattern of subjects is made of."""


@dataclass(frozen=True, slots=True)
class Messaging:
    """Sending messages to the agents at ``agents`` (addresses, exact or ``prefix*``).

    ``subjects`` are those that it may publish to, ``subscribe`` those that it may be subscribed to, both
    patterns. An agent may answer who sent to it without any grant.
    """

    agents: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    rule: str = field(default="", compare=False)


def is_subject(text: str) -> bool:
    """Whether ``text`` is a subject that can be published to."""
    return len(text) <= LONGEST_SUBJECT and SUBJECT.fullmatch(text) is not None


def is_pattern(text: str) -> bool:
    """Whether ``text`` is a pattern of subjects, or a subject."""
    return len(text) <= LONGEST_SUBJECT and PATTERN.fullmatch(text) is not None


def pattern_covers(given: str, asked: str) -> bool:
    """Whether every subject that fits ``asked`` (a pattern or a subject) fits ``given``."""
    wide, narrow = given.split("."), asked.split(".")
    for index, word in enumerate(wide):
        if index >= len(narrow):
            return False
        if word == ">":
            return True
        if narrow[index] == ">" or word not in {"*", narrow[index]}:
            return False
    return len(wide) == len(narrow)
