"""Resources that guests hold: objects of ours behind numbers, and the engine's own passed through.

A guest knows a resource only by a handle in its own table; the engine maps that
to a number of ours (its representation), and ``Resources`` maps the number to a
Python object for as long as the call lasts. Resources that the engine itself
implements (streams, pollables, descriptors) stay opaque: ``Native``.
Source: the component model's ``CanonicalABI.md``, "Resource state".
"""

from __future__ import annotations

import ctypes
import logging
from ctypes import byref
from typing import Any

from mcp_wasm.errors import HandlesExhausted
from mcp_wasm.sandbox.raw import KIND, check, ffi

_log = logging.getLogger(__name__)

_Any = ctypes.POINTER(ffi.wasmtime_component_resource_any_t)
_Host = ctypes.POINTER(ffi.wasmtime_component_resource_host_t)

_numbers: dict[type, int] = {}


class Native:
    """A handle to a resource that the engine implements; it can only be handed back."""

    __slots__ = ("pointer",)

    def __init__(self, pointer: Any) -> None:
        self.pointer = pointer

    def __del__(self) -> None:
        # Frees the handle's memory; the resource itself belongs to the store.
        ffi.wasmtime_component_resource_any_delete(self.pointer)


class Resources:
    """The objects behind the handles of one call, by number; at most ``most`` at once."""

    __slots__ = ("_most", "_next", "_objects")

    def __init__(self, most: int) -> None:
        self._most, self._next = most, 0
        self._objects: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def put(self, value: object) -> int:
        """Keep ``value``; its number.

        Raises:
            HandlesExhausted: if the call holds as many as it may already.
        """
        if len(self._objects) >= self._most:
            raise HandlesExhausted(self._most)
        self._next += 1
        self._objects[self._next] = value
        return self._next

    def get(self, number: int) -> Any:
        """The object of that number."""
        return self._objects[number]

    def take(self, number: int) -> Any:
        """The object of that number, which the guest has given away."""
        return self._objects.pop(number)

    def drop(self, number: int) -> None:
        """The guest has dropped its handle."""
        _close(self._objects.pop(number, None))

    def close(self) -> None:
        """Drop whatever the guest left."""
        while self._objects:
            _close(self._objects.popitem()[1])


def _close(value: Any) -> None:
    close = getattr(value, "close", None)
    if close is not None:
        try:
            close()
        except Exception:  # noqa: BLE001 - one that fails must not keep the others open
            _log.exception("closing a %s failed", type(value).__name__)


def type_number(class_: type) -> int:
    """The engine's number for a class of resources; the same for as long as the process lives."""
    return _numbers.setdefault(class_, len(_numbers) + 1)


def number_of(context: Any, handle: Any) -> int | None:
    """The number behind a handle (``wasmtime_component_resource_any_t*``), or None where it is native."""
    host = _Host()
    error = ffi.wasmtime_component_resource_any_to_host(context, handle, byref(host))
    if error:
        ffi.wasmtime_error_delete(error)
        return None
    number: int = ffi.wasmtime_component_resource_host_rep(host)
    ffi.wasmtime_component_resource_host_delete(host)
    return number


def put_handle(context: Any, slot: Any, number: int, class_: type) -> None:
    """Make ``slot`` an owned handle to the object of that number."""
    host = ffi.wasmtime_component_resource_host_new(True, number, type_number(class_))
    handle = _Any()
    error = ffi.wasmtime_component_resource_host_to_any(context, host, byref(handle))
    ffi.wasmtime_component_resource_host_delete(host)
    check(error)
    slot.kind = KIND["resource"]
    slot.of.resource = handle


def put_native(slot: Any, native: Native) -> None:
    """Make ``slot`` the handle ``native``."""
    slot.kind = KIND["resource"]
    slot.of.resource = ffi.wasmtime_component_resource_any_clone(native.pointer)


def native_of(slot: Any) -> Native:
    """The handle in ``slot``, kept beyond it."""
    return Native(ffi.wasmtime_component_resource_any_clone(slot.of.resource))


def let_go(context: Any, native: Native) -> None:
    """Drop the handle: one that was lent has to be given back before the host function returns."""
    error = ffi.wasmtime_component_resource_any_drop(context, native.pointer)
    if error:
        ffi.wasmtime_error_delete(error)
