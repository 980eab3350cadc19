"""The one engine of the process and what it is configured to accept.

Component-model async stays off: a guest that used ``stream`` or ``future``
would abort the process inside the engine (an unimplemented branch), while with
the feature off the same binary is a plain load error. Its support for concurrent
tasks goes with it: nothing here needs it, and with it on, a host function that
was lent two resources in one list (``wasi:io/poll``) fails inside the engine.
Threads and GC stay off, since neither is needed by a tool and both widen what
hostile code can reach.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import platform
from importlib.metadata import version

import wasmtime

from mcp_wasm.sandbox.raw import ffi

_STACK_BYTES = 2 * 1024 * 1024
"""Wasm stack of one guest; the threads that run guests have room for several times that."""

_CONFIGURATION = f"fuel epochs async=0 concurrency=0 threads=0 gc=0 stack={_STACK_BYTES} 1"
"""Named in the keys of compiled artifacts; change it when ``_config`` changes."""


def _config() -> wasmtime.Config:
    config = wasmtime.Config()
    config.consume_fuel = True
    config.epoch_interruption = True
    config.wasm_threads = False
    config.wasm_gc = False
    config.max_wasm_stack = _STACK_BYTES
    ffi.wasmtime_config_wasm_component_model_async_set(config.ptr(), False)
    ffi.wasmtime_config_concurrency_support_set(config.ptr(), False)
    return config


@functools.cache
def engine() -> wasmtime.Engine:
    """The engine of this process, made at first use and freed before the interpreter ends.

    One that lived longer would be freed after the bindings' own globals are gone.
    """
    made = wasmtime.Engine(_config())
    atexit.register(made.close)
    return made


@functools.cache
def engine_key() -> str:
    """16 hex digits that name engine version, configuration and machine, for artifact keys."""
    text = f"{version('wasmtime')} {_CONFIGURATION} {platform.machine()} {platform.system()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
