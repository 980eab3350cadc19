"""The state of one running call, found again from inside the engine's callbacks.

A callback gets only an address; stores carry a number there, and ``find`` maps
it back. Nothing that a callback raises may leave it, since an exception that
crosses the C boundary ends the process: it is kept in ``Call.fault`` and raised
again, on the right thread, once the engine has returned.
"""

from __future__ import annotations

import ctypes
import itertools
from typing import Any

from mcp_wasm.sandbox.raw import ffi, new_error
from mcp_wasm.sandbox.report import Printed
from mcp_wasm.sandbox.stop import Stop

_numbers = itertools.count(1)
_calls: dict[int, Call] = {}
_CONTINUE = 0


class Stream:
    """A capped capture of one output stream: past the cap it counts and swallows."""

    __slots__ = ("_cap", "_kept", "_total")

    def __init__(self, cap: int) -> None:
        self._cap, self._kept, self._total = cap, bytearray(), 0

    def write(self, address: Any, size: int) -> None:
        """Take ``size`` bytes at ``address``."""
        room = min(size, self._cap - len(self._kept))
        if room > 0:
            self._kept += ctypes.string_at(address, room)
        self._total += size

    def printed(self) -> Printed:
        """What was kept, and how many bytes were not."""
        return Printed(self._kept.decode("utf-8", "replace"), self._total - len(self._kept))


class Call:
    """One call: its stop token, its output streams and what went wrong in a callback."""

    __slots__ = ("bridge", "fault", "number", "stderr", "stdout", "stop")

    def __init__(self, stop: Stop, log: int) -> None:
        self.stop = stop
        self.stdout, self.stderr = Stream(log), Stream(log)
        self.fault: BaseException | None = None
        self.bridge: Any = None
        self.number = next(_numbers)
        _calls[self.number] = self

    def close(self) -> None:
        """Forget the call; its number is never used again."""
        _calls.pop(self.number, None)


def find(context: Any) -> Call:
    """The call whose store ``context`` belongs to."""
    return _calls[ffi.wasmtime_context_get_data(context)]


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def keep(_number: int) -> None:
    """A finalizer that frees nothing: numbers are forgotten by ``Call.close``."""


@ctypes.CFUNCTYPE(  # type: ignore[untyped-decorator]
    ctypes.c_size_t,
    ctypes.POINTER(ffi.wasmtime_context_t),
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_uint64),
    ctypes.POINTER(ffi.wasmtime_update_deadline_kind_t),
)
def at_epoch(_context: Any, number: int, delta: Any, kind: Any) -> int:
    """The engine asks at each epoch whether this store goes on."""
    try:
        if _calls[number].stop.due():
            return new_error("stopped by the host")
        delta[0], kind[0] = 1, _CONTINUE
        return 0
    except BaseException as error:  # noqa: BLE001 - nothing may leave a callback
        return new_error(f"the host failed: {type(error).__name__}")


def _writer(name: str) -> Any:
    @ctypes.CFUNCTYPE(  # type: ignore[untyped-decorator]
        ctypes.c_ssize_t, ctypes.c_void_p, ctypes.POINTER(ctypes.c_ubyte), ctypes.c_size_t
    )
    def write(number: int, address: Any, size: int) -> int:
        # A count other than `size` and an exception both abort the process, so neither may leave here.
        try:
            getattr(_calls[number], name).write(address, size)
        except BaseException as error:  # noqa: BLE001 - nothing may leave a callback
            if call := _calls.get(number):
                call.fault = error
        return size

    return write


write_stdout, write_stderr = _writer("stdout"), _writer("stderr")
