"""What arguments a function accepts: the authority, and the words for what it refuses.

Agrees with ``component.schema`` and refuses what a schema cannot say: text that
only looks like base64, lone surrogates, numbers beyond an f32 or a 64-bit
integer. Work follows the size of the value, never that of the type. Values are
those of ``json.loads``; Python callers may give a tuple for a list and bytes for
``list<u8>``. It refuses to know how values reach the guest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from mcp_wasm.component.expected import expectation, names_of, some
from mcp_wasm.component.forms import NOT_NUMBERS
from mcp_wasm.component.names import nearest
from mcp_wasm.component.shown import quoted, rendered, token
from mcp_wasm.component.types import (
    INTEGER_RANGES,
    Enum,
    Field,
    Flags,
    Function,
    Handle,
    List,
    Option,
    Param,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
    is_bytes,
    mapped,
)
from mcp_wasm.component.values import DECIMAL, F32_LIMIT, HANDLE, decode_base64, has_lone_surrogate, whole
from mcp_wasm.errors import Mismatch

SHOWN = 20
"""Mismatches that are described; one more entry says how many others there are."""

COUNTED = 1000
"""Mismatches after which the rest of the arguments is not looked at."""


def check(function: Function, arguments: object) -> list[Mismatch]:
    """Every place where ``arguments`` does not fit ``function``; empty when it is accepted.

    Described are the first ``SHOWN`` places in the order of the parameters; a
    last entry counts the others, at most ``COUNTED``.
    """
    findings = _Findings()
    try:
        _object(findings, "", function.params, arguments, "parameter")
    except _EnoughError:
        findings.stopped = True
    return findings.listed()


class _EnoughError(Exception):
    """``COUNTED`` mismatches were found."""


class _Findings:
    """The mismatches so far. Words are made for those that will be shown, and for no others."""

    def __init__(self) -> None:
        self.found: list[Mismatch] = []
        self.count = 0
        self.stopped = False
        # By identity: a look-up must not cost as much as the type has cases.
        self._cases: dict[int, dict[str, Type | None]] = {}

    def cases(self, type_: Variant | Enum) -> dict[str, Type | None]:
        """The payload of each case; the types outlive the check, so that their ids hold."""
        if id(type_) not in self._cases:
            self._cases[id(type_)] = (
                {case.name: case.type for case in type_.cases}
                if isinstance(type_, Variant)
                else dict.fromkeys(type_.cases)
            )
        return self._cases[id(type_)]

    def add(self, at: str, expected: str | Callable[[], str], found: str | Callable[[], str]) -> None:
        self.count += 1
        if self.count <= SHOWN:
            words = [part if isinstance(part, str) else part() for part in (expected, found)]
            self.found.append(Mismatch(at, *words))
        if self.count >= COUNTED:
            raise _EnoughError

    def refuse(self, at: str, type_: Type, value: object) -> None:
        self.add(at, lambda: expectation(type_), lambda: rendered(value))

    def listed(self) -> list[Mismatch]:
        more = self.count - len(self.found)
        if not more:
            return self.found
        number = f"at least {more}" if self.stopped else f"{more}"
        return [*self.found, Mismatch("", "no other mismatch", f"{number} more that are not listed here")]


def _value(findings: _Findings, at: str, type_: Type, value: object) -> None:
    match type_:
        case List() | Tuple():
            _array(findings, at, type_, value)
        case Record(fields=fields):
            _object(findings, at, fields, value, "field")
        case Variant():
            _variant(findings, at, type_, value)
        case Flags():
            _flags(findings, at, type_, value)
        case Option(payload=payload):
            if value is not None and isinstance(payload, Option):
                _single(findings, at, type_, {"some": payload}, value)
            elif value is not None:
                _value(findings, at, payload, value)
        case Enum():
            if not isinstance(value, str) or value not in findings.cases(type_):
                findings.refuse(at, type_, value)
        case Result(ok=ok, err=err):
            _single(findings, at, type_, {"ok": ok, "err": err}, value)
        case _:
            if not _fits(type_, value):
                findings.refuse(at, type_, value)


def _fits(type_: Type, value: object) -> bool:
    """Whether ``value`` fits a type without parts."""
    match type_:
        case Primitive(primitive="bool"):
            return isinstance(value, bool)
        case Primitive(primitive="string"):
            return isinstance(value, str) and not has_lone_surrogate(value)
        case Primitive(primitive="char"):
            return isinstance(value, str) and len(value) == 1 and not has_lone_surrogate(value)
        case Primitive(primitive="f32" | "f64" as name):
            return _is_float(name, value)
        case Primitive(primitive=name):
            return _is_integer(name, value)
        case Handle(exported=True):
            return isinstance(value, str) and HANDLE.fullmatch(value) is not None
        case _:
            return False


def _is_integer(name: str, value: object) -> bool:
    low, high = INTEGER_RANGES[name]
    if isinstance(value, str) and name in DECIMAL:
        return DECIMAL[name].fullmatch(value) is not None and low <= int(value) <= high
    number = whole(value)
    return number is not None and low <= number <= high


def _is_float(name: str, value: object) -> bool:
    if isinstance(value, str):
        return value in NOT_NUMBERS
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        number = float(value)
    except OverflowError:
        return False
    # An infinity here is 1e999 in JSON: out of range, and nobody asked for infinity.
    return math.isfinite(number) and (name == "f64" or abs(number) < F32_LIMIT)


def _array(findings: _Findings, at: str, type_: List | Tuple, value: object) -> None:
    if is_bytes(type_) and isinstance(value, (str, bytes, bytearray)):
        if isinstance(value, str) and decode_base64(value) is None:
            findings.refuse(at, type_, value)
    elif isinstance(value, dict) and (inner := mapped(type_)) is not None:
        for key, item in value.items():
            where = f"{at}/{token(key)}"
            if not _fits(_KEY, key):
                findings.refuse(where, _KEY, key)
            _value(findings, where, inner, item)
    elif not isinstance(value, (list, tuple)):
        findings.refuse(at, type_, value)
    elif isinstance(type_, List):
        if not (is_bytes(type_) and _are_bytes(value)):
            for index, item in enumerate(value):
                _value(findings, f"{at}/{index}", type_.element, item)
    else:
        if len(value) != len(type_.elements):
            findings.refuse(at, type_, value)
        for index, (element, item) in enumerate(zip(type_.elements, value, strict=False)):
            _value(findings, f"{at}/{index}", element, item)


_KEY = Primitive("string")


def _are_bytes(value: Sequence[object]) -> bool:
    """The short way for long arrays of plain integers."""
    return set(map(type, value)) <= {int} and (not value or (min(value) >= 0 and max(value) <= 255))  # type: ignore[type-var, operator]


def _object(findings: _Findings, at: str, fields: Sequence[Field | Param], value: object, noun: str) -> None:
    if not isinstance(value, dict):
        findings.add(at, lambda: f"an object with {names_of(noun, fields)}", lambda: rendered(value))
        return
    known = 0
    for field in fields:
        where = f"{at}/{field.name}"
        if field.name in value:
            known += 1
            _value(findings, where, field.type, value[field.name])
        elif not isinstance(field.type, Option):
            findings.add(where, lambda field=field: expectation(field.type), "nothing: it is required")  # type: ignore[misc]
    if known < len(value):
        _unknown(findings, at, {field.name for field in fields}, value, noun)


def _unknown(findings: _Findings, at: str, known: set[str], value: dict[object, object], noun: str) -> None:
    for key, item in value.items():
        if key not in known:
            where = f"{at}/{token(key)}"
            findings.add(
                where,
                lambda key=key: f"no {noun} of that name{_hint(key, known)}",  # type: ignore[misc]
                lambda item=item: rendered(item),  # type: ignore[misc]
            )


def _hint(key: object, known: set[str]) -> str:
    close = nearest(key, sorted(known)) if isinstance(key, str) else ()
    if close:
        return f" (did you mean {quoted(close[0])}?)"
    return f" (there are {some(sorted(known))})" if known else " (there is none at all)"


def _variant(findings: _Findings, at: str, type_: Variant, value: object) -> None:
    tag = value.get("tag") if isinstance(value, dict) else None
    cases = findings.cases(type_)
    if not isinstance(value, dict) or not isinstance(tag, str) or tag not in cases:
        findings.refuse(at, type_, value)
        return
    payload = cases[tag]
    if payload is None and "val" in value:
        findings.add(f"{at}/val", f"no payload: case {quoted(tag)} has none", lambda: rendered(value["val"]))
    elif payload is not None and "val" in value:
        _value(findings, f"{at}/val", payload, value["val"])
    elif payload is not None:
        findings.add(f"{at}/val", lambda: expectation(payload), f"nothing: case {quoted(tag)} needs it")
    if value.keys() - {"tag", "val"}:
        _unknown(findings, at, {"tag", "val"}, value, "key")


def _single(findings: _Findings, at: str, type_: Type, sides: dict[str, Type | None], value: object) -> None:
    """An object with exactly one key, one of ``sides``; a side without type holds null."""
    key = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(value, dict) or not isinstance(key, str) or key not in sides:
        findings.refuse(at, type_, value)
        return
    side = sides[key]
    if side is not None:
        _value(findings, f"{at}/{key}", side, value[key])
    elif value[key] is not None:
        findings.add(f"{at}/{key}", "null", lambda: rendered(value[key]))


def _flags(findings: _Findings, at: str, type_: Flags, value: object) -> None:
    if not isinstance(value, (list, tuple)):
        findings.refuse(at, type_, value)
        return
    known, given = set(type_.flags), set[str]()
    for index, item in enumerate(value):
        if not isinstance(item, str) or item not in known:
            findings.add(
                f"{at}/{index}",
                lambda: f"one of {some(type_.flags)}",
                lambda item=item: rendered(item),  # type: ignore[misc]
            )
        elif item in given:
            findings.add(f"{at}/{index}", "each name once", f"{quoted(item)} again")
        else:
            given.add(item)
