"""How heavy a binary is to compile, told from its sections without compiling it.

A compile in this process cannot be interrupted. Its time grows with the bytes
of code, and with declared locals, of which six bytes declare fifty thousand; so
both are counted, through nested components. What cannot be read is heavy.
Source: the core specification, "Binary Format", and the component model's
``Binary.md``.
"""

from __future__ import annotations

_BYTES = 32 * 1024
_LOCALS = 200_000
_CORE, _COMPONENT, _CODE = 1, 4, 10


class _Unreadable(Exception):
    """The bytes end early or nest too deep."""


def is_light(binary: bytes) -> bool:
    """Whether compiling ``binary`` takes well under a second, whatever is in it."""
    if len(binary) > _BYTES:
        return False
    try:
        return _locals(binary, 0, len(binary), 0) <= _LOCALS
    except (_Unreadable, IndexError):
        return False


def _locals(data: bytes, at: int, end: int, depth: int) -> int:
    """The locals declared by all functions of the module or component in ``data[at:end]``."""
    if depth > 16:
        raise _Unreadable
    is_component = data[at + 6 : at + 8] == b"\x01\0"
    found, at = 0, at + 8
    while at < end:
        section = data[at]
        size, at = _number(data, at + 1)
        if is_component and section in (_CORE, _COMPONENT):
            found += _locals(data, at, at + size, depth + 1)
        elif not is_component and section == _CODE:
            found += _code(data, at)
        at += size
    return found


def _code(data: bytes, at: int) -> int:
    functions, at = _number(data, at)
    found = 0
    for _ in range(functions):
        size, at = _number(data, at)
        groups, inside = _number(data, at)
        for _ in range(groups):
            count, inside = _number(data, inside)
            found += count
            inside += 2 if data[inside] in (0x63, 0x64) else 1  # a reference to a heap type has one byte more
        at += size
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned LEB128 number at ``at``, and where it ends."""
    value = shift = 0
    while shift < 35:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise _Unreadable
