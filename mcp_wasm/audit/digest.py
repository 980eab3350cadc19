"""The digest of a call's arguments: what shows later that two calls were given the same, or what was given.

Pure. It never fails: what cannot be written as JSON has no digest, and such
arguments are refused by the call itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mcp_wasm.audit.record import Arguments

_LIGHT_VALUES = 256
_LIGHT_BYTES = 64 * 1024


def digest(arguments: Mapping[str, Any], keep: int = 0) -> Arguments:
    """The digest and size of ``arguments``, with the first ``keep`` characters of their JSON."""
    try:
        canonical = _encode(arguments)
    except (TypeError, ValueError, RecursionError):
        return Arguments("", 0)
    data = canonical.encode("ascii")
    return Arguments(hashlib.sha256(data).hexdigest(), len(data), canonical[:keep])


def is_light(arguments: object) -> bool:
    """Whether a digest takes no time worth mentioning, so that an event loop may make it.

    Looks at a bounded number of values, whatever ``arguments`` are.
    """
    values, size, waiting = 0, 0, [arguments]
    while waiting:
        value: Any = waiting.pop()
        if isinstance(value, (str, bytes, bytearray)):
            size += len(value)
        elif isinstance(value, (Mapping, list, tuple)):
            values += len(value)
            if values <= _LIGHT_VALUES:
                waiting.extend(value.values() if isinstance(value, Mapping) else value)
        if values > _LIGHT_VALUES or size > _LIGHT_BYTES:
            return False
    return True


def _other(value: object) -> str:
    """A program may give bytes where JSON has base64."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(type(value).__name__)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_other).encode
