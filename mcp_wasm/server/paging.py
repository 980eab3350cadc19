"""Pages of a sorted list: an opaque cursor that survives changes of the list.

The cursor holds the key of the last item shown, not a position, so that an item
added or removed between two pages neither repeats nor hides another. It knows
nothing of what is listed.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

Item = TypeVar("Item")

_MARK = b"after:"


def page(
    keys: Sequence[str], items: Sequence[Item], cursor: str | None, size: int
) -> tuple[Sequence[Item], str | None]:
    """One page of ``items``, whose sorted ``keys`` stand beside them, and the cursor of the next.

    Raises:
        MCPError: INVALID_PARAMS for a cursor that this function did not make.
    """
    start = 0 if cursor is None else bisect_right(keys, _decode(cursor))
    end = start + size
    following = _encode(keys[end - 1]) if end < len(keys) else None
    return items[start:end], following


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(_MARK + key.encode()).decode()


def _decode(cursor: str) -> str:
    try:
        raw = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
        if not raw.startswith(_MARK):
            raise ValueError("a cursor of someone else")
        return raw.removeprefix(_MARK).decode()
    except (ValueError, binascii.Error):
        raise MCPError(INVALID_PARAMS, "Invalid cursor: take it from nextCursor as it is") from None
