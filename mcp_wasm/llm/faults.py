"""What an answer of HTTP that is no success means: a table from status to error. Pure.

Of what the provider wrote only its own sentence is told, on one short line and
without the key; after a refused key nothing of it, since such sentences repeat
parts of the key (OpenAI's does).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from mcp_wasm.errors import (
    LlmFailed,
    LlmFaulty,
    LlmKeyRefused,
    LlmMalformed,
    LlmRateLimited,
    LlmRefused,
)
from mcp_wasm.llm.redact import Redaction

_PAYING = frozenset({"insufficient_quota", "billing_error", "billing_hard_limit_reached"})
"""Kinds of error that only a person can end: trying again is of no use."""

_LONGEST_DATE = 64


def of(  # noqa: PLR0917 - what a response is
    provider: str, status: int, headers: Mapping[str, str], body: bytes, redaction: Redaction, now: float
) -> LlmFailed | LlmRefused:
    """The error for an answer; ``now`` is seconds since the epoch, for ``Retry-After``."""
    kind, told = _said(body)
    said = f"{redaction.line(told)}" if told else "nothing was said about it"
    if 300 <= status < 400:
        return LlmMalformed(provider, f"it redirects{_to(headers, redaction)}, which is not followed")
    if status in {401, 403}:
        return LlmKeyRefused(provider, f"it does not accept the key (status {status})")
    if status == 402 or kind in _PAYING:
        return LlmKeyRefused(provider, f"the account behind the key has nothing left to pay with ({status})")
    if status == 429:
        return _later(LlmRateLimited(provider, f"too many requests (429): {said}"), headers, now)
    if status >= 500 or status == 408:
        return _later(LlmFaulty(provider, f"it failed with status {status}: {said}"), headers, now)
    if status >= 400:
        return LlmRefused(f"the provider {provider}", "a request that it takes", f"status {status}: {said}")
    return LlmMalformed(provider, f"status {status} is none that an answer has")


def in_stream(provider: str, error: Any, redaction: Redaction, used: tuple[int, int] | None) -> LlmFailed:
    """The error that a provider tells of within an answer that had begun well."""
    kind, told = _inner(error)
    said = redaction.line(": ".join(filter(None, [kind, told]))) or "nothing was said about it"
    return LlmFaulty(provider, f"it broke its answer off: {said}", used=used)


def again(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that a provider asks to wait, or None: ``retry-after-ms``, ``Retry-After`` (RFC 9110)."""
    exact = headers.get("retry-after-ms", "")
    if exact.isdecimal() and len(exact) < 10:
        return int(exact) / 1000
    value = headers.get("retry-after", "")
    if value.isdecimal() and len(value) < 10:
        return float(value)
    if not value or len(value) > _LONGEST_DATE:
        return None
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.fromtimestamp(now, UTC)).total_seconds())


def _later(error: LlmFailed, headers: Mapping[str, str], now: float) -> LlmFailed:
    error.again = again(headers, now)
    return error


def _said(body: bytes) -> tuple[str, str]:
    """The kind and the sentence in a body: both providers write ``{"error": {…}}``."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    return _inner(document.get("error")) if isinstance(document, dict) else ("", "")


def _inner(error: Any) -> tuple[str, str]:
    if isinstance(error, str):
        return "", error
    if not isinstance(error, dict):
        return "", ""
    kinds = [error.get(name) for name in ("code", "type")]
    kind = next((each for each in kinds if isinstance(each, str)), "")
    told = error.get("message")
    return kind, told if isinstance(told, str) else ""


def _to(headers: Mapping[str, str], redaction: Redaction) -> str:
    try:
        host = urlsplit(headers.get("location", "")).netloc
    except ValueError:
        host = ""
    return f" to {redaction.line(host)}" if host else ""
