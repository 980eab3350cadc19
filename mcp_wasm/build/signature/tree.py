"""A source as tree-sitter parses it, whatever its language, within bounds of size and time."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from mcp_wasm.errors import SignatureRefused

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

LARGEST = 512 * 1024
"""Bytes of a source that is read."""

_PARSED_S = 3.0
"""Seconds that a source may take to parse. Real ones take a tenth; what is none can take minutes."""

_PARSED_AT_ONCE = 4096


def content(source: str, file: str) -> bytes:
    """The bytes of ``source``.

    Raises:
        SignatureRefused: it is larger than ``LARGEST``, or no text.
    """
    try:
        found = source.encode()
    except UnicodeEncodeError:
        raise SignatureRefused(file, 1, 1, "the source holds half a character (a lone surrogate)") from None
    if len(found) > LARGEST:
        raise SignatureRefused(file, 1, 1, f"the source is larger than {LARGEST // 1024} KiB")
    return found


def parsed(content: bytes, file: str, parser: Parser) -> Node:
    """The tree of ``content``. The parser comes back now and then, so that other threads go on meanwhile.

    Raises:
        SignatureRefused: it takes too long.
    """
    until = time.monotonic() + _PARSED_S

    def part(start: int, _point: object) -> bytes:
        return content[start : start + _PARSED_AT_ONCE]

    try:
        tree = parser.parse(part, progress_callback=lambda *_: time.monotonic() > until)
    except ValueError:
        tree = None
    if tree is None:
        reason = f"the source takes longer than {_PARSED_S:g} s to parse"
        raise SignatureRefused(file, 1, 1, reason, "Close its comments and brackets, or make it shorter")
    return tree.root_node


def text(node: Node | None) -> str:
    """The source of ``node``, "" for none."""
    return "" if node is None or node.text is None else node.text.decode("utf-8", "replace")


def error_in(tree: Node, skipped: Collection[str] = ()) -> Node | None:
    """The first place where the source does not parse, outside of nodes whose types are ``skipped``."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            return node
        if node.type not in skipped:
            waiting += reversed([child for child in node.children if child.has_error or child.is_missing])
    return None


def refused(file: str, source: bytes, node: Node, reason: str, hint: str = "") -> SignatureRefused:
    """The refusal of what ``node`` of ``source`` says, at its line and its column in characters."""
    row, offset = node.start_point
    line = source.split(b"\n")[row] if row < source.count(b"\n") + 1 else b""
    return SignatureRefused(file, row + 1, len(line[:offset].decode("utf-8", "replace")) + 1, reason, hint)
