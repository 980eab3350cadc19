"""The engine's own WASI as one call has it: captured output, and the variables and folders of its grants."""

from __future__ import annotations

import ctypes
import logging
import os
from typing import Any

from mcp_wasm.sandbox.call import Call, keep, write_stderr, write_stdout
from mcp_wasm.sandbox.host import environment, preopens
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.raw import check, ffi

_log = logging.getLogger(__name__)


def configure(call: Call, interfaces: tuple[Interface, ...] = ()) -> None:
    """Give the store of ``call`` its WASI, once the ``interfaces`` of its linker have prepared it."""
    for interface in interfaces:
        if interface.prepare is not None:
            interface.prepare(call)
    config = ffi.wasi_config_new()
    try:
        ffi.wasi_config_set_stdout_custom(config, write_stdout, call.number, keep)
        ffi.wasi_config_set_stderr_custom(config, write_stderr, call.number, keep)
        _set_environment(config, environment.variables(call))
        for folder in preopens.opened(call):
            _open(config, call, folder)
    except BaseException:
        ffi.wasi_config_delete(config)
        raise
    check(ffi.wasmtime_context_set_wasi(call.context, config))


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
