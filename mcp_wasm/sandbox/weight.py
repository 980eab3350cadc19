"""How heavy a binary is to compile, told from its sections without compiling it.

A compile in this process cannot be interrupted. Its time grows with the bytes
of code, with declared locals, of which six bytes declare fifty thousand, with
the values that each place of the code may have to carry (a thousand loops over a
thousand locals are a million of them), and with the instances that nested
components make. So all of these are counted. What cannot be read is heavy.
Source: the core specification, "Binary Format", and the component model's
``Binary.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcp_wasm.sandbox import expansion
from mcp_wasm.sandbox.expansion import number

_BYTES = 32 * 1024
"""Of all but code together, and of one function."""
_CODE_BYTES = 96 * 1024
"""Of the code of all functions: a C program with what it takes of its library, compiled in 0.1 s."""
_LOCALS = 200_000
_CARRIED = 2_000_000
"""Bytes of code times values, over all functions: under two seconds at the worst that was found."""
_INSTANCES = 1_000
_CORE, _COMPONENT, _TYPE, _CODE = 1, 4, 1, 10
_FUNCTION_TYPE, _REFERENCES = 0x60, (0x63, 0x64)


@dataclass(slots=True)
class _Found:
    """Bytes of ``code``, its ``locals``, and ``carried``: for each function its bytes times its values."""

    code: int = 0
    locals: int = 0
    carried: int = 0


class _Unreadable(Exception):
    """The bytes end early, nest too deep, hold types of a proposal that is off, or too long a function."""


def is_light(binary: bytes) -> bool:
    """Whether compiling ``binary`` takes seconds at the very most, whatever is in it."""
    if len(binary) > _BYTES + _CODE_BYTES:
        return False
    found = _Found()
    try:
        _weigh(binary, 0, len(binary), 0, found)
        if found.code > _CODE_BYTES or len(binary) - found.code > _BYTES:
            return False
        if found.locals > _LOCALS or found.carried > _CARRIED:
            return False
        return binary[6:8] != b"\x01\0" or expansion.instances(binary) <= _INSTANCES
    except (_Unreadable, expansion.Unbounded, IndexError):
        return False


def _weigh(data: bytes, at: int, end: int, depth: int, found: _Found) -> None:
    """Count what the functions of the module or component in ``data[at:end]`` hold."""
    if depth > 16:
        raise _Unreadable
    is_component = data[at + 6 : at + 8] == b"\x01\0"
    widest, at = 0, at + 8
    while at < end:
        section = data[at]
        size, at = number(data, at + 1)
        if is_component and section in (_CORE, _COMPONENT):
            _weigh(data, at, at + size, depth + 1, found)
        elif not is_component and section == _TYPE:
            widest = _widest(data, at)
        elif not is_component and section == _CODE:
            _code(data, at, widest, found)
        at += size


def _widest(data: bytes, at: int) -> int:
    """The most values that a function or block of the module takes and gives."""
    types, at = number(data, at)
    widest = 0
    for _ in range(types):
        if data[at] != _FUNCTION_TYPE:
            raise _Unreadable
        at, values = at + 1, 0
        for _ in range(2):
            count, at = number(data, at)
            values += count
            for _ in range(count):
                at = _past_type(data, at)
        widest = max(widest, values)
    return widest


def _code(data: bytes, at: int, widest: int, found: _Found) -> None:
    functions, at = number(data, at)
    for _ in range(functions):
        size, at = number(data, at)
        if size > _BYTES:
            raise _Unreadable
        groups, inside = number(data, at)
        declared = 0
        for _ in range(groups):
            count, inside = number(data, inside)
            declared += count
            inside = _past_type(data, inside)
        found.code += size
        found.locals += declared
        found.carried += (declared + widest) * size
        at += size


def _past_type(data: bytes, at: int) -> int:
    """Past a value type; a reference to a heap type has one byte more."""
    return at + (2 if data[at] in _REFERENCES else 1)
