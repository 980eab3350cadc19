"""The engine's own WASI as one call has it: captured output, and what its grants give."""

from __future__ import annotations

from mcp_wasm.sandbox.call import Call, keep, write_stderr, write_stdout
from mcp_wasm.sandbox.raw import check, ffi


def configure(call: Call) -> None:
    """Give the store of ``call`` its WASI."""
    config = ffi.wasi_config_new()
    ffi.wasi_config_set_stdout_custom(config, write_stdout, call.number, keep)
    ffi.wasi_config_set_stderr_custom(config, write_stderr, call.number, keep)
    check(ffi.wasmtime_context_set_wasi(call.context, config))
