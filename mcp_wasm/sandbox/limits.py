"""What a call may use at most: frozen numbers, and the one rule for changing them.

A server has limits, a component may have its own, and a single call may only
narrow what it was given (``narrow``). Nothing here enforces anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mcp_wasm.errors import InvalidSettings

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The budget of one call.

    ``fuel`` is the CPU budget in the engine's units (about one a Wasm
    instruction), ``deadline`` wall-clock seconds of instantiation and run,
    ``memory`` bytes of each linear memory, ``memories`` their number (the
    engine's limit is per memory), ``tables`` and ``table_elements`` and
    ``instances`` likewise, ``resources`` handles to host objects held at once,
    ``arguments`` bytes of text and 8 for each element, ``result`` bytes of result
    JSON at most, ``text`` bytes of result shown before the rest goes behind a
    resource link, ``log`` bytes kept of each of stdout and stderr.
    """

    fuel: int = 20_000_000_000
    deadline: float = 30.0
    memory: int = 256 * MIB
    memories: int = 4
    tables: int = 64
    table_elements: int = 1_000_000
    instances: int = 64
    resources: int = 10_000
    arguments: int = 4 * MIB
    result: int = 64 * MIB
    text: int = MIB
    log: int = 64 * 1024

    def narrow(self, wanted: Mapping[str, object]) -> Limits:
        """These limits with each one in ``wanted`` lowered to the value given there.

        ``wanted`` maps ``CALL_LIMITS`` to positive numbers; a number above the
        present limit leaves it as it is, since a call can only narrow.

        Raises:
            InvalidSettings: for an unknown name or a value that is not a positive number.
        """
        lowered: dict[str, float] = {}
        for name, value in wanted.items():
            if name not in CALL_LIMITS:
                raise InvalidSettings(f"limits.{name}", f"one of {', '.join(CALL_LIMITS)}", name)
            least, words = (0, "a positive number") if name == "deadline" else (1, "a number of at least 1")
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or not value > 0
                or value < least
            ):
                raise InvalidSettings(f"limits.{name}", words, value)
            lowest = min(getattr(self, name), value)
            lowered[name] = lowest if name == "deadline" else int(lowest)
        return replace(self, **lowered)  # type: ignore[arg-type]


CALL_LIMITS = ("fuel", "deadline", "memory", "text", "log")
"""The limits that a single call may narrow."""
