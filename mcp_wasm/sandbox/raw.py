"""The engine's C bindings as the sandbox uses them, and the few idioms around them.

The stock Python wrappers marshal values slowly, map equal-looking types to
unequal Python shapes and deliver exceptions through a module global, so the
sandbox calls the C API itself. Everything here is untyped by nature (ctypes);
the modules above give it types again.
"""

from __future__ import annotations

import ctypes
from ctypes import byref
from typing import Any

from wasmtime import WasmtimeError
from wasmtime import _ffi as _bindings

ffi: Any = _bindings
Val: Any = ffi.wasmtime_component_val_t
VAL_SIZE: int = ctypes.sizeof(Val)
PAYLOAD: int = Val.of.offset
"""Offset in bytes of the payload within a component value; its kind is the byte at 0."""

KIND: dict[str, int] = {
    name.lower(): getattr(ffi, f"WASMTIME_COMPONENT_{name}").value
    for name in [
        "BOOL",
        "S8",
        "U8",
        "S16",
        "U16",
        "S32",
        "U32",
        "S64",
        "U64",
        "F32",
        "F64",
        "CHAR",
        "STRING",
        "LIST",
        "RECORD",
        "TUPLE",
        "VARIANT",
        "ENUM",
        "OPTION",
        "RESULT",
        "FLAGS",
        "RESOURCE",
    ]
}


class EngineError(Exception):
    """What the engine said when it refused or trapped, as its own text."""


def check(error: Any) -> None:
    """Raise the C API's ``wasmtime_error_t*`` if it is not null."""
    if error:
        raise EngineError(str(WasmtimeError._from_ptr(error)))


def new_error(message: str) -> int:
    """A fresh ``wasmtime_error_t*`` as an address, for a callback to hand to the engine."""
    pointer = ffi.wasmtime_error_new(message.encode("utf-8", "replace").replace(b"\0", b"?"))
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0


# Called for every text and every name of a field: the bindings' own takes three times as long, for the
# pointers that it makes, and lets go of the interpreter for a copy of a few bytes.
_new_bytes = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)(
    ("wasm_byte_vec_new", ffi.dll)
)


def put_text(slot: Any, text: bytes) -> None:
    """Fill a ``wasm_byte_vec_t`` that lies in zeroed memory."""
    _new_bytes(byref(slot), len(text), text)


def get_bytes(slot: Any) -> bytes:
    """The bytes in a ``wasm_byte_vec_t``."""
    return ctypes.string_at(slot.data, slot.size) if slot.size else b""


def get_text(slot: Any) -> str:
    """The text in a ``wasm_byte_vec_t``."""
    return get_bytes(slot).decode()
