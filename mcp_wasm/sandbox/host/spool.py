"""The spool: a private folder of one call, in which bodies lie as files that the guest reads as streams.

A guest's streams are the engine's own, and a host cannot make one; but the
engine makes them of files. The folder is a preopen that only our bridge knows
(``streams_bridge.wat``), is made when a call first needs it, is readable by
nobody else, and is gone when the call ends. A file of a stream that the guest
writes is watched by the network's thread (``Watch``), since the engine asks
nobody before it writes.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
from ctypes import byref
from pathlib import Path

from mcp_wasm.component import types as wit
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.handles import Native, put_native
from mcp_wasm.sandbox.host.bridge import Bridge, take, values
from mcp_wasm.sandbox.lower import lower_plan
from mcp_wasm.sandbox.raw import KIND, Val, ffi

BRIDGE = Bridge("streams_bridge.wat")
COUNTS = (2, 1)
"""Core instances and memories of the bridge."""

PREOPEN = "/.mcp-wasm-spool"
"""Under what name the bridge finds the folder; the guest is not told of it (``preopens.hide``)."""

_text = lower_plan(wit.Primitive("string"))


class Spool:
    """The folder of one call; ``path`` exists until ``close``."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"mcp-wasm-spool-{os.getpid()}-"))
        self._numbers = itertools.count(1)

    def new(self, kind: str) -> Path:
        """A path that nothing has yet."""
        return self.path / f"{kind}{next(self._numbers)}"

    def size(self) -> int:
        """Bytes of the files in it."""
        total = 0
        with os.scandir(self.path) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += entry.stat().st_size
        return total

    def close(self) -> None:
        """Remove the folder with all that is in it; a stream that is still open keeps its own file."""
        shutil.rmtree(self.path, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove one file, if it is there."""
    with contextlib.suppress(OSError):
        path.unlink()


def reader(call: Call, path: Path) -> Native:
    """A native input-stream over a file of the spool."""
    return _open(call, "reader", path)


def writer(call: Call, path: Path) -> Native:
    """A native output-stream to a new file of the spool."""
    return _open(call, "writer", path)


def _open(call: Call, name: str, path: Path) -> Native:
    arguments, result = values(1), Val()
    _text(path.name, arguments[0])
    try:
        BRIDGE.call(call, name, arguments, 1, result)
    finally:
        ffi.wasmtime_component_val_delete(byref(arguments[0]))
    return take(result)


def pollable(call: Call, name: str, of: Native | int) -> Native:
    """A native pollable: ``in-subscribe`` or ``out-subscribe`` of a stream, ``instant`` or ``duration``."""
    arguments, result = values(1), Val()
    if isinstance(of, int):
        arguments[0].kind, arguments[0].of.u64 = KIND["u64"], of
    else:
        put_native(arguments[0], of)
    try:
        BRIDGE.call(call, name, arguments, 1, result)
    finally:
        ffi.wasmtime_component_val_delete(byref(arguments[0]))
    return take(result)
