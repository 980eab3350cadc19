"""A plain core module as a component: one exported function over numbers, and its signature from the binary.

Reads no more of a module than what its imports, exports and names say, and
writes the few sections that lift one function. Sources: the core specification,
"Binary Format" and its appendix "Custom Sections"; the component model's
``Binary.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mcp_wasm.sandbox import expansion
from mcp_wasm.sandbox.expansion import number

_PREAMBLE = b"\0asm\x0d\0\x01\0"
_TYPES = {0x7F: ("s32", 0x7A), 0x7E: ("s64", 0x78), 0x7D: ("f32", 0x76), 0x7C: ("f64", 0x75)}
"""Core types: what each is lifted as, and that type's code in a component."""

_CUSTOM, _TYPE, _IMPORT, _FUNCTION, _EXPORT = 0, 1, 2, 3, 7
_CORE_MODULE, _CORE_INSTANCE, _ALIAS, _COMPONENT_TYPE, _CANON, _COMPONENT_EXPORT = 1, 2, 6, 7, 8, 11
_LOCAL_NAMES = 2
_KEBAB = re.compile(r"[a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*")
_MAX = 1000
"""Parameters of a function that are read; the engine takes as many."""


class NotPlain(Exception):
    """The module cannot be lifted by itself; the text says why."""


@dataclass(frozen=True, slots=True)
class CoreFunction:
    """An exported function: core type codes, and the names that the text gives its parameters (or ``""``)."""

    name: str
    params: tuple[int, ...]
    results: tuple[int, ...]
    names: tuple[str, ...]


@dataclass(slots=True)
class _Module:
    types: list[tuple[tuple[int, ...], tuple[int, ...]] | None] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    exports: list[tuple[str, int]] = field(default_factory=list)
    names: dict[int, dict[int, str]] = field(default_factory=dict)


def functions(binary: bytes) -> tuple[CoreFunction, ...]:
    """The exported functions of a core module, in order.

    Raises:
        NotPlain: it imports something, or cannot be read.
    """
    try:
        module = _read(binary)
        if module.imports:
            listed = ", ".join(module.imports[:5])
            raise NotPlain(
                f"it imports {listed}, which nobody provides: a module that runs by itself imports nothing "
                "(for a result in text, give the WIT of its world, or write a component)"
            )
        return tuple(_function(module, name, index) for name, index in module.exports)
    except (IndexError, UnicodeDecodeError, expansion.Unbounded) as error:
        raise NotPlain(f"its binary cannot be read: {error}") from None


def lifted(binary: bytes, function: CoreFunction, name: str) -> bytes:
    """The component that exports ``function`` of the module ``binary`` as ``name``.

    Raises:
        NotPlain: the function takes or gives what is no number, or gives several.
    """
    strange = [code for code in (*function.params, *function.results) if code not in _TYPES]
    if strange:
        raise NotPlain(f"{function.name} takes or gives values that are no i32, i64, f32 or f64")
    if len(function.results) > 1:
        raise NotPlain(f"{function.name} gives {len(function.results)} results; give one, or none")
    params = [
        _name(label) + _code(core) for label, core in zip(labels(function), function.params, strict=True)
    ]
    result = b"\0" + _code(function.results[0]) if function.results else b"\x01\0"
    lift = b"\x00\x00" + _number(0) + _vector([]) + _number(0)
    parts = (
        (_CORE_MODULE, binary),
        (_CORE_INSTANCE, _vector([b"\0" + _number(0) + _vector([])])),
        (_ALIAS, _vector([b"\0\0\x01" + _number(0) + _name(function.name)])),
        (_COMPONENT_TYPE, _vector([b"\x40" + _vector(params) + result])),
        (_CANON, _vector([lift])),
        (_COMPONENT_EXPORT, _vector([b"\0" + _name(name) + b"\x01" + _number(0) + b"\0"])),
    )
    return _PREAMBLE + b"".join(bytes([kind]) + _number(len(body)) + body for kind, body in parts)


def labels(function: CoreFunction) -> list[str]:
    """Names of the parameters: those of the text where they can all stand in WIT, else ``p0``, ``p1`` …"""
    plain = [kebab(name, "") for name in function.names]
    if len(set(plain)) == len(plain) and "" not in plain:
        return plain
    return [f"p{n}" for n in range(len(plain))]


def kebab(name: str, otherwise: str) -> str:
    """The name of an export as WIT has it, or ``otherwise`` where it has no such form."""
    plain = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()).strip("-")
    return plain if _KEBAB.fullmatch(plain) else otherwise


def _function(module: _Module, name: str, index: int) -> CoreFunction:
    type_ = module.types[module.functions[index]]
    if type_ is None:
        raise NotPlain(f"{name} has a type of a proposal that is off")
    named = module.names.get(index, {})
    return CoreFunction(name, *type_, tuple(named.get(n, "") for n in range(len(type_[0]))))


def _read(data: bytes) -> _Module:
    module, at = _Module(), 8
    while at < len(data):
        section = data[at]
        size, at = number(data, at + 1)
        reader = _READERS.get(section)
        if reader is not None:
            reader(module, data, at, at + size)
        at += size
    return module


def _types(module: _Module, data: bytes, at: int, _end: int) -> None:
    count, at = number(data, at)
    for _ in range(count):
        if data[at] != 0x60:
            raise NotPlain("it has types of a proposal that is off")
        params, at = _codes(data, at + 1)
        results, at = _codes(data, at)
        module.types.append((params, results))


def _codes(data: bytes, at: int) -> tuple[tuple[int, ...], int]:
    count, at = number(data, at)
    if count > _MAX:
        raise NotPlain(f"a function has {count} parameters or results")
    codes = []
    for _ in range(count):
        codes.append(data[at])
        # A reference to a heap type has one byte more.
        at += 2 if data[at] in {0x63, 0x64} else 1
    return tuple(codes), at


def _imports(module: _Module, data: bytes, at: int, end: int) -> None:
    while (count := number(data, at)[0]) and not module.imports:
        at = number(data, at)[1]
        outer, at = _text(data, at)
        inner, at = _text(data, at)
        module.imports.append(f"{outer}.{inner}" + (f" and {count - 1} more" if count > 1 else ""))
        if at > end:
            raise IndexError


def _indices(module: _Module, data: bytes, at: int, _end: int) -> None:
    count, at = number(data, at)
    for _ in range(count):
        index, at = number(data, at)
        module.functions.append(index)


def _exports(module: _Module, data: bytes, at: int, _end: int) -> None:
    count, at = number(data, at)
    for _ in range(count):
        name, at = _text(data, at)
        kind = data[at]
        index, at = number(data, at + 1)
        if kind == 0:
            module.exports.append((name, index))


def _custom(module: _Module, data: bytes, at: int, end: int) -> None:
    name, at = _text(data, at)
    while name == "name" and at < end:
        subsection = data[at]
        size, at = number(data, at + 1)
        if subsection == _LOCAL_NAMES:
            module.names = {index: dict(found) for index, found in _indirect(data, at)}
        at += size


def _indirect(data: bytes, at: int) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    count, at = number(data, at)
    for _ in range(count):
        function, at = number(data, at)
        locals_, at = number(data, at)
        found = []
        for _ in range(locals_):
            index, at = number(data, at)
            name, at = _text(data, at)
            found.append((index, name))
        yield function, found


_READERS = {_CUSTOM: _custom, _TYPE: _types, _IMPORT: _imports, _FUNCTION: _indices, _EXPORT: _exports}


def _text(data: bytes, at: int) -> tuple[str, int]:
    size, at = number(data, at)
    if at + size > len(data):
        raise IndexError
    return data[at : at + size].decode(), at + size


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _vector(items: Sequence[bytes]) -> bytes:
    return _number(len(items)) + b"".join(items)


def _name(name: str) -> bytes:
    return _number(len(name.encode())) + name.encode()


def _code(core: int) -> bytes:
    return bytes([_TYPES[core][1]])
