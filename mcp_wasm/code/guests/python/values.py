"""Plain JSON to typed Python values and back, by type hints."""

from __future__ import annotations

from typing import Any


def arguments(_function: Any, given: dict[str, Any], _types: list[Any]) -> dict[str, Any]:
    """The arguments of a call, by parameter."""
    return {name.replace("-", "_"): value for name, value in given.items()}


def returned(_function: Any, value: Any, _type: Any) -> Any:
    """What a call returned, as plain JSON."""
    return value
