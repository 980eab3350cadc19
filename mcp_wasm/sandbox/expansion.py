"""How many instances a component makes once its nested components are instantiated, told from its bytes.

The engine carries every instantiation out when it compiles, so twenty nested
components that each instantiate the next one twice, a few hundred bytes, cost a
million instances: gigabytes and minutes, also when the artifact is loaded. So
the product is counted before. Components that are passed around as values
(imported, exported, aliased out of an instance) could multiply in ways that only
the engine's own resolution sees; no toolchain makes them, and they are refused.
Source: the component model's ``Binary.md``, "Component Definitions" to "Export
Definitions".
"""

from __future__ import annotations

from dataclasses import dataclass, field

LIMIT = 100_000
"""Instances that a component may make; toolchains and composers make dozens."""

_DEPTH = 100
_BYTES = 8 * 1024 * 1024
"""Of imports, exports, aliases and instances together; they are read one by one here."""
_CORE_INSTANCE, _COMPONENT, _INSTANCE, _ALIAS, _IMPORT, _EXPORT = 2, 4, 5, 6, 10, 11
_CORE_SORT, _COMPONENT_SORT, _MODULE_TYPE = 0, 4, 0x11


class Unbounded(Exception):
    """The component passes components as values, nests too deep, or cannot be read; the text says which."""


@dataclass(slots=True)
class _Scope:
    """The components that one component has by index, as what an instance of each makes."""

    totals: list[int] = field(default_factory=list)
    made: int = 1
    read: int = 0


def instances(binary: bytes) -> int:
    """How many instances, of components and of core modules, one instance of ``binary`` makes.

    Raises:
        Unbounded: where that cannot be told.
    """
    try:
        return _component(binary, 0, len(binary), [])
    except IndexError:
        raise Unbounded("it is damaged: its sections end early") from None


def _component(data: bytes, at: int, end: int, outer: list[_Scope]) -> int:
    if len(outer) >= _DEPTH:
        raise Unbounded(f"its components nest more than {_DEPTH} levels deep")
    scope = _Scope()
    scopes = [*outer, scope]
    at += 8
    while at < end:
        section = data[at]
        size, at = number(data, at + 1)
        if section == _COMPONENT:
            scope.totals.append(_component(data, at, at + size, scopes))
        elif section == _CORE_INSTANCE:
            scope.made += number(data, at)[0]
        elif section in _READERS:
            scopes[0].read += size
            if scopes[0].read > _BYTES:
                raise Unbounded(f"its imports, exports and instances take over {_BYTES:,} bytes")
            count, inside = number(data, at)
            for _ in range(count):
                inside = _READERS[section](data, inside, scopes)
        at += size
    return scope.made


def _instance(data: bytes, at: int, scopes: list[_Scope]) -> int:
    kind = data[at]
    if kind == 0:
        index, at = number(data, at + 1)
        scopes[-1].made += scopes[-1].totals[index]
    else:
        at += 1
    count, at = number(data, at)
    for _ in range(count):
        # An argument has a bare name, an inline export one that says what kind of name it is.
        at = _bare_name(data, at) if kind == 0 else _name(data, at)
        at = _sort_index(data, at)[1]
    return at


def _alias(data: bytes, at: int, scopes: list[_Scope]) -> int:
    sort = data[at]
    at += 2 if sort == _CORE_SORT else 1
    target = data[at]
    first, at = number(data, at + 1)
    if target != 2:
        if sort == _COMPONENT_SORT:
            raise Unbounded("it takes a component out of an instance, so what it makes cannot be counted")
        return _bare_name(data, at)
    second, at = number(data, at)
    if sort == _COMPONENT_SORT:
        scopes[-1].totals.append(scopes[-1 - first].totals[second])
    return at


def _import(data: bytes, at: int, _scopes: list[_Scope]) -> int:
    return _described(data, _name(data, at))


def _export(data: bytes, at: int, _scopes: list[_Scope]) -> int:
    sort, at = _sort_index(data, _name(data, at))
    if sort == _COMPONENT_SORT:
        raise Unbounded("it exports a component, so what it makes cannot be counted")
    return at + 1 if data[at] == 0 else _described(data, at + 1)


def _described(data: bytes, at: int) -> int:
    """Past an ``externdesc``."""
    kind = data[at]
    if kind == _COMPONENT_SORT:
        raise Unbounded("it imports a component, so what it makes cannot be counted")
    if kind == _CORE_SORT:
        at += 1
    elif kind in (2, 3):  # a value or a type, with a bound
        at += 1
        if kind == 3 and data[at] == 1:
            return at + 1
    return number(data, at + 1)[1]


def _sort_index(data: bytes, at: int) -> tuple[int, int]:
    sort = data[at]
    return sort, number(data, at + (2 if sort == _CORE_SORT else 1))[1]


def _bare_name(data: bytes, at: int) -> int:
    size, at = number(data, at)
    return at + size


def _name(data: bytes, at: int) -> int:
    """Past the name of an import or an export; kind 2 has a second text, the rest of its version."""
    kind, at = data[at], _bare_name(data, at + 1)
    return _bare_name(data, at) if kind == 2 else at


_READERS = {_INSTANCE: _instance, _ALIAS: _alias, _IMPORT: _import, _EXPORT: _export}


def number(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned LEB128 number of at most 32 bits at ``at``, and where it ends."""
    value = shift = 0
    while shift < 35:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise Unbounded("it is damaged: it has a number that is too long")
