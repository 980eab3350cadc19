"""``fields``: headers as a guest makes and reads them, none of which can end a line or a message.

Source: WASI 0.2, ``wasi:http/types``; which headers are forbidden is this
project's choice, as the interface leaves it: those of a connection, ``Host``
and whatever says where a message ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.http_state import Http, of
from mcp_wasm.sandbox.hostfunc import Run
from mcp_wasm.sandbox.network.message import HOP_BY_HOP, Headers, is_token, is_value

_ENTRIES = 1000
_ENTRY = 128
"""Bytes that an entry costs beside its text."""

_INVALID: dict[str, Any] = {"err": {"tag": "invalid-syntax"}}
_FORBIDDEN: dict[str, Any] = {"err": {"tag": "forbidden"}}
_IMMUTABLE: dict[str, Any] = {"err": {"tag": "immutable"}}
_DONE: dict[str, Any] = {"ok": None}


class Fields:
    """Names and values in order. Immutable ones are those of a message, or part of a request."""

    __slots__ = ("_http", "_size", "entries", "immutable")

    def __init__(self, http: Http, entries: Headers = (), *, immutable: bool = False) -> None:
        self._http, self.entries, self.immutable = http, entries, immutable
        self._size = 0 if immutable else _cost(entries)
        http.must_hold(self._size)

    def add(self, entries: Headers) -> bool:
        """Have these entries as well; False if that is too much."""
        size = _cost(entries)
        if len(self.entries) + len(entries) > _ENTRIES or not self._http.hold(size):
            return False
        self.entries, self._size = (*self.entries, *entries), self._size + size
        return True

    def remove(self, name: str) -> None:
        """Have no entry of that name any more."""
        gone = tuple(entry for entry in self.entries if entry[0].lower() == name.lower())
        if gone:
            self.entries = tuple(entry for entry in self.entries if entry[0].lower() != name.lower())
            self._size -= _cost(gone)
            self._http.hold(-_cost(gone))

    def freeze(self) -> None:
        """Make it part of a message."""
        self.immutable = True

    def close(self) -> None:
        """Forget what it held."""
        self._http.hold(-self._size)
        self._size = 0


def _cost(entries: Headers) -> int:
    return sum(len(name) + len(value) + _ENTRY for name, value in entries)


def _refusal(name: str, values: Sequence[bytes] = ()) -> dict[str, Any] | None:
    if not is_token(name) or not all(is_value(value) for value in values):
        return _INVALID
    return _FORBIDDEN if name.lower() in HOP_BY_HOP else None


def _new(call: Call) -> Fields:
    return Fields(of(call))


def _from_list(call: Call, entries: list[list[Any]]) -> dict[str, Any]:
    for name, value in entries:
        if refused := _refusal(name, [value]):
            return refused
    made = Fields(of(call))
    if not made.add(tuple((name, value) for name, value in entries)):
        made.close()
        return _FORBIDDEN
    return {"ok": made}


def _get(_call: Call, fields: Fields, name: str) -> list[bytes]:
    return [value for each, value in fields.entries if each.lower() == name.lower()]


def _has(_call: Call, fields: Fields, name: str) -> bool:
    return any(each.lower() == name.lower() for each, _ in fields.entries)


def _set(_call: Call, fields: Fields, name: str, values: list[bytes]) -> dict[str, Any]:
    return _replace(fields, name, values, keep=False)


def _append(_call: Call, fields: Fields, name: str, value: bytes) -> dict[str, Any]:
    return _replace(fields, name, [value], keep=True)


def _delete(_call: Call, fields: Fields, name: str) -> dict[str, Any]:
    return _replace(fields, name, [], keep=False)


def _replace(fields: Fields, name: str, values: list[bytes], *, keep: bool) -> dict[str, Any]:
    if refused := _refusal(name, values):
        return refused
    if fields.immutable:
        return _IMMUTABLE
    if not keep:
        fields.remove(name)
    return _DONE if fields.add(tuple((name, value) for value in values)) else _FORBIDDEN


def _entries(_call: Call, fields: Fields) -> list[list[Any]]:
    return [[name, value] for name, value in fields.entries]


def _clone(call: Call, fields: Fields) -> Fields:
    return Fields(of(call), fields.entries)


FUNCTIONS: dict[str, Run] = {
    "[constructor]fields": _new,
    "[static]fields.from-list": _from_list,
    "[method]fields.get": _get,
    "[method]fields.has": _has,
    "[method]fields.set": _set,
    "[method]fields.delete": _delete,
    "[method]fields.append": _append,
    "[method]fields.entries": _entries,
    "[method]fields.clone": _clone,
}
