"""What is known of one key of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "flag", "integer", "number", "size", "text", "secret", "name", "folder", "file", "folders", "texts"
]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the settings: what it holds and what it is for.

    ``least`` bounds numbers from below, ``most`` from above; ``choices`` lists
    the only values of a text. A ``trusted`` key is refused in a settings file
    that merely lies in the working folder.
    """

    name: str
    kind: Kind
    docs: str
    least: float = 0
    most: float = 2**63 - 1
    choices: tuple[str, ...] = ()
    trusted: bool = False
