"""The docs that a component carries itself: its custom section ``package-docs``.

Read without any tool from bytes of strangers, so every length is checked and
the work is bounded by the size; what is malformed counts as no docs. Source:
wasm-tools, ``wit-encoder`` metadata: a version byte 0 or 1, then JSON
``{docs, worlds: {W: {docs, func_exports: {F: {docs}}}}, interfaces: {I: {docs, funcs, types}}}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mcp_wasm.component.docs_text import cleaned, documented, items_of, with_item_docs, with_name
from mcp_wasm.component.shapes import with_parts
from mcp_wasm.component.types import (
    Function,
    Type,
    World,
    children,
)

SECTION = b"package-docs"
LARGEST = 1024 * 1024
"""Bytes of a section past which it is not read."""

_COMPONENT = b"\0asm\x0d\0\x01\0"
_SECTIONS = 100_000
_VERSIONS = (b"\0", b"\1")
_DEEPEST = 100


def package_docs(binary: bytes) -> dict[str, Any] | None:
    """The JSON of the section ``package-docs`` of a component, or None where there is none.

    Never raises and never takes longer than a walk over the sections.
    """
    for payload in _custom_sections(memoryview(binary)):
        try:
            docs = json.loads(payload.decode())
        except (ValueError, RecursionError):
            continue
        if isinstance(docs, dict):
            return docs
    return None


def apply_package_docs(world: World, docs: dict[str, Any]) -> World:
    """``world`` with the docs of a section ``package-docs``; docs that it has already stay.

    Interfaces are looked up by their name without package and version. Types
    get docs where they have a name already.
    """
    memo: dict[tuple[int, int], tuple[Type, Type]] = {}
    chosen = _world_of(world, docs)
    exports = tuple(_function(function, docs, chosen, memo) for function in world.exports)
    own = world.docs or cleaned(chosen.get("docs")) or cleaned(docs.get("docs"))
    return replace(world, exports=exports, docs=own)


def _custom_sections(binary: memoryview) -> Iterator[bytes]:
    if bytes(binary[:8]) != _COMPONENT:
        return
    at = 8
    for _ in range(_SECTIONS):
        if at >= len(binary):
            return
        size, start = _leb(binary, at + 1)
        end = start + size
        if size < 0 or end > len(binary):
            return
        if binary[at] == 0 and size <= LARGEST:
            length, name = _leb(binary[:end], start)
            body = bytes(binary[name:end]) if length == len(SECTION) else b""
            # One byte of version stands between the name and the JSON.
            if body[:length] == SECTION and body[length : length + 1] in _VERSIONS:
                yield body[length + 1 :]
        at = end


def _leb(binary: memoryview, at: int) -> tuple[int, int]:
    """An unsigned 32-bit LEB128 and where it ends; a size of -1 when it is malformed."""
    number = 0
    for index, byte in enumerate(binary[at : at + 5]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return (number, at + index + 1) if number < 2**32 else (-1, at)
    return -1, at


def _world_of(world: World, docs: dict[str, Any]) -> dict[str, Any]:
    """The world of ``docs`` that describes most of the functions that ``world`` exports."""
    names = {function.name for function in world.exports if not function.interface}
    worlds = [item for item in _dict(docs.get("worlds")).values() if isinstance(item, dict)]
    return max(worlds, key=lambda item: len(names & _dict(item.get("func_exports")).keys()), default={})


def _function(
    function: Function,
    docs: dict[str, Any],
    world: dict[str, Any],
    memo: dict[tuple[int, int], tuple[Type, Type]],
) -> Function:
    if function.interface:
        name = function.interface.partition("@")[0].rpartition("/")[2]
        place = _dict(_dict(docs.get("interfaces")).get(name))
        text = _dict(_dict(place.get("funcs")).get(function.name)).get("docs")
    else:
        place = world
        text = _dict(_dict(place.get("func_exports")).get(function.name)).get("docs")
    types = _dict(place.get("types"))
    typed = replace(
        function,
        params=tuple(replace(p, type=_type(p.type, types, memo)) for p in function.params),
        result=None if function.result is None else _type(function.result, types, memo),
    )
    return documented(typed, cleaned(text))


def _type(
    type_: Type, types: dict[str, Any], memo: dict[tuple[int, int], tuple[Type, Type]], depth: int = 0
) -> Type:
    if not types or depth > _DEEPEST:
        return type_
    key = (id(type_), id(types))
    if key not in memo:
        parts = [_type(part, types, memo, depth + 1) for part in children(type_)]
        # The old type is kept beside the new one, so that its id stays its own.
        memo[key] = (type_, _with_docs(with_parts(type_, parts), types))
    return memo[key][1]


def _with_docs(type_: Type, types: dict[str, Any]) -> Type:
    entry = _dict(types.get(getattr(type_, "name", "")))
    items = _dict(entry.get("items"))
    texts = tuple(cleaned(items.get(name)) for name in items_of(type_))
    return with_item_docs(with_name(type_, "", cleaned(entry.get("docs"))), texts)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
