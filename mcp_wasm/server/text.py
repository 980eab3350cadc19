"""Text on its way to a client: what may be shown, how it is cut, how JSON is written.

Descriptions come from whoever wrote a component, so what no reader can see is
taken out of them. Results are never altered, only cut.
"""

from __future__ import annotations

import re

from pydantic_core import to_json

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but tab and newline
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2028\u2029\u3164\uffa0"  # fillers, odd separators
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"  # zero width, bidirectional overrides
    "\ufe00-\ufe0f\ufff9-\ufffb\ud800-\udfff"  # variation selectors, annotations, lone surrogates
    "\U000e0000-\U000e0fff]"  # tags and more variation selectors: text that only a model would read
)

_NOT_PLAIN = re.compile(r"[^ -~]|[`<>\\]")


def visible(text: str, limit: int) -> str:
    """``text`` without characters that a person does not see, at most ``limit`` characters."""
    text = _INVISIBLE.sub("", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def coded(text: str, limit: int) -> str:
    """``text`` that a guest or a model chose, as a code span that it cannot leave.

    Printable ASCII stays; everything else, and what ends a span or begins a tag,
    becomes an escape, so that no reader and no renderer takes it for words of
    ours. At most ``limit`` characters stand between the backticks.
    """
    spelled = _NOT_PLAIN.sub(_escaped, text[: limit + 1])
    return f"`{spelled if len(spelled) <= limit else spelled[: limit - 1] + '…'}`" if text else "(nothing)"


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\x{ord(character):02x}" if character in "`<>" else character.encode("unicode_escape").decode()


def encodable(text: str) -> str:
    """``text`` with lone surrogates replaced, so that it can be sent at all."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def head(data: bytes, limit: int) -> str:
    """The longest beginning of UTF-8 ``data`` of at most ``limit`` bytes that ends with a whole character."""
    return data[:limit].decode("utf-8", "ignore")


def tail(text: str, limit: int) -> str:
    """The end of ``text``, at most ``limit`` characters, marked where something was left out."""
    return text if len(text) <= limit else "…" + text[1 - limit :]


def json_bytes(value: object) -> bytes:
    """``value`` as compact JSON, keys in their own order: the same value gives the same bytes."""
    return to_json(value)
