"""A component that is source code: what takes the place of its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Script:
    """Source code of which some functions are tools.

    ``language`` names its runner, ``file`` is what tracebacks call it, and
    ``names`` maps the path of each function (as WIT has it) to its name in the code.
    """

    language: str
    code: str
    file: str
    names: Mapping[str, str]
