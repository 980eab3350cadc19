"""The engine's own WASI as one call has it: captured output, and the variables and folders of its grants."""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import threading
from typing import Any

from mcp_wasm.sandbox.call import Call, write_stderr, write_stdout
from mcp_wasm.sandbox.host import environment, preopens
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.raw import check, ffi

_log = logging.getLogger(__name__)


_STREAMS = (
    (ffi.wasi_config_set_stdout_custom, write_stdout),
    (ffi.wasi_config_set_stderr_custom, write_stderr),
)

_DRAINED_S = 5.0

_SILENT = frozenset({"clock", "environment", "random", "secret", "storage"})
"""Kinds that a guest never asks for: it has them from the start, or does not."""


class _Writers:
    """How many output streams of guests the engine may still write to, on threads of its own.

    It may do so after their call: what a guest wrote without waiting is queued. A
    thread that comes back from there while the interpreter ends aborts the
    process, so the interpreter waits until there is none.
    """

    def __init__(self) -> None:
        self._open = 0
        self._changed = threading.Condition()

    def begin(self) -> None:
        """The engine is about to be given one."""
        with self._changed:
            self._open += 1

    def end(self) -> None:
        """The engine has let go of one."""
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def drain(self, timeout: float = _DRAINED_S) -> bool:
        """Wait at most ``timeout`` seconds until all are gone; whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: self._open == 0, timeout)


_writers = _Writers()
atexit.register(_writers.drain)


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def _gone(_number: int) -> None:
    try:
        _writers.end()
    except BaseException:  # noqa: BLE001 - nothing may leave a callback
        _log.exception("counting the open streams failed")


def configure(call: Call, interfaces: tuple[Interface, ...] = ()) -> None:
    """Give the store of ``call`` its WASI, once the ``interfaces`` of its linker have prepared it."""
    _tell_what_waits(call)
    for interface in interfaces:
        if interface.prepare is not None:
            interface.prepare(call)
    config = ffi.wasi_config_new()
    try:
        for give, write in _STREAMS:
            _writers.begin()
            give(config, write, call.number, _gone)
        _set_environment(config, environment.variables(call))
        for folder in preopens.opened(call):
            _open(config, call, folder)
    except BaseException:
        ffi.wasi_config_delete(config)
        raise
    check(ffi.wasmtime_context_set_wasi(call.context, config))


def _tell_what_waits(call: Call) -> None:
    """Record that granted things of base WASI wait: the guest finds others in their place and no refusal."""
    allowed = call.grants.allowed
    kinds = sorted(call.grants.withheld & (_SILENT if allowed is None else _SILENT & allowed))
    if kinds:
        asked = f"{', '.join(kinds)}: what its grants would give"
        call.deny(None, asked, call.grants.waiting, kind=kinds[0])


def _set_environment(config: Any, variables: dict[str, str]) -> None:
    if not variables:
        return
    names, values = _texts(list(variables)), _texts(list(variables.values()))
    if not ffi.wasi_config_set_env(config, len(variables), names, values):
        raise ValueError(f"the engine refused the variables {', '.join(map(ascii, variables))}")


def _texts(texts: list[str]) -> Any:
    buffers: list[Any] = [ctypes.create_string_buffer(text.encode()) for text in texts]
    return (ctypes.POINTER(ctypes.c_char) * len(texts))(*buffers)


def _open(config: Any, call: Call, folder: preopens.Folder) -> None:
    host, guest = (
        ctypes.create_string_buffer(text) for text in (os.fsencode(folder.host), folder.guest.encode())
    )
    if not ffi.wasi_config_preopen_dir(config, host, guest, folder.write):
        _log.error("%s could not be opened for %s", ascii(folder.host), call.about.tool)
        rule = "the host could not open its folder; the server's log has the details"
        call.deny(None, f"{'write' if folder.write else 'read'} {folder.guest}", rule, kind="storage")
