"""Single values out of a provider's document, which may hold anything. Pure."""

from __future__ import annotations

from typing import Any

from mcp_wasm.llm.redact import Redaction

_MOST = 1_000_000_000
_LONGEST = 200


def count(value: Any) -> int | None:
    """A number of tokens, or None if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST else None


def name_of(value: Any, otherwise: str, redaction: Redaction) -> str:
    """The name of the model that answered, or ``otherwise`` if none is told that could be shown."""
    fits = isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()
    return redaction.text(value) if fits else otherwise
