"""Pollables of two sorts for components that use ``wasi:http``: the engine's own, and ours for answers.

A pollable of the engine cannot be made ready by a host, so that an answer which
arrives could wake nobody. For components with ``wasi:http`` the resource
``pollable`` is therefore ours, wherever it occurs: it holds a native one, or
asks a function. Waiting is as in ``poll``: in slices, until the deadline.
Source: WASI 0.2, ``wasi:io/poll``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from ctypes import byref
from typing import Any

from mcp_wasm.capability.grant import Grants
from mcp_wasm.sandbox.call import Call, Stopped
from mcp_wasm.sandbox.handles import Native, let_go, put_native
from mcp_wasm.sandbox.host import clocks, preopens, spool
from mcp_wasm.sandbox.host.bridge import Bridge, values
from mcp_wasm.sandbox.host.interface import NATIVE, Interface
from mcp_wasm.sandbox.raw import KIND, EngineError, Val, ffi
from mcp_wasm.sandbox.scalars import new_list

_BRIDGE = Bridge("poll_bridge.wat")
_SLICE = 0.02
"""Seconds of one wait at most: what a cancellation takes."""
_MIXED = 0.002
"""The same where both sorts are waited for, and an answer cannot interrupt the engine's wait."""


class Pollable:
    """A native pollable, or one that is ready when ``ready`` says so."""

    __slots__ = ("_call", "native", "ready")

    def __init__(
        self, call: Call, native: Native | None = None, ready: Callable[[], bool] = lambda: True
    ) -> None:
        self._call, self.native, self.ready = call, native, ready

    def close(self) -> None:
        """Drop the native one while its store lives: what it belongs to may be dropped only after it."""
        native, self.native = self.native, None
        if native is not None and self._call.context is not None:
            let_go(self._call.context, native)


def waker(call: Call) -> threading.Event:
    """What is set whenever one of our own pollables may have become ready."""
    found: threading.Event = call.state.setdefault(__name__, threading.Event())
    return found


def _natives_ready(call: Call, natives: list[Native], seconds: float) -> list[int]:
    """Which of ``natives`` are ready within so many seconds."""
    arguments, result = values(2), Val()
    data = new_list(arguments[0], len(natives))
    for index, native in enumerate(natives):
        put_native(data[index], native)
    arguments[1].kind, arguments[1].of.u64 = KIND["u64"], max(1, int(seconds * 1e9))
    try:
        _BRIDGE.call(call, "wait", arguments, 2, result)
        found = result.of.list
        return [index for i in range(found.size) if (index := found.data[i].of.u32) < len(natives)]
    finally:
        ffi.wasmtime_component_val_delete(byref(result))
        ffi.wasmtime_component_val_delete(byref(arguments[0]))


def wait(call: Call, pollables: list[Pollable], *, once: bool = False) -> list[int]:
    """The indexes of those that are ready, as soon as one is; with ``once`` those that are now.

    Raises:
        Stopped: when the call is due first.
    """
    native = [(index, each.native) for index, each in enumerate(pollables) if each.native is not None]
    ours = [(index, each) for index, each in enumerate(pollables) if each.native is None]
    woken = waker(call)
    while True:
        woken.clear()
        ready = [index for index, each in ours if each.ready()]
        pause = 0.0 if ready or once else _MIXED if ours else _SLICE
        if native:
            left = max(0.0, min(pause, call.stop.deadline - time.monotonic()))
            found = _natives_ready(call, [each for _, each in native], left)
            ready += [native[index][0] for index in found]
        if ready or once:
            return sorted(ready)
        if call.stop.due():
            raise Stopped
        if not native:
            woken.wait(max(0.0, min(_SLICE, call.stop.deadline - time.monotonic())))


def _poll(call: Call, pollables: list[Pollable]) -> list[int]:
    if not pollables:
        raise EngineError("wasi:io/poll#poll was called with an empty list, which traps by its definition")
    return wait(call, pollables)


def _ready(call: Call, pollable: Pollable) -> bool:
    return bool(wait(call, [pollable], once=True))


def _block(call: Call, pollable: Pollable) -> None:
    wait(call, [pollable])


def _of_stream(name: str) -> Callable[[Call, Native], Pollable]:
    return lambda call, stream: Pollable(call, spool.pollable(call, name, stream))


def _of_clock(name: str, export: str) -> Callable[[Call, int], Pollable]:
    shadow = next(each for each in clocks.INTERFACES if each.name == "wasi:clocks/monotonic-clock")
    shadowed: Any = shadow.functions[name]

    def subscribe(call: Call, when: int) -> Pollable:
        if shadow.shadow is not None and shadow.shadow(call.grants):
            return Pollable(call, shadowed(call, when))
        return Pollable(call, spool.pollable(call, export, when))

    return subscribe


def _of_socket(call: Call, _socket: Native) -> Pollable:
    return Pollable(call)  # no guest has sockets (``sockets``), so none waits for one


_preopens = preopens.INTERFACES[0]


def _always(_grants: Grants) -> bool:
    return True


_OURS = {"pollable": Pollable}

INTERFACES = (
    Interface(
        "wasi:io/poll",
        (NATIVE,),
        {"poll": _poll, "[method]pollable.ready": _ready, "[method]pollable.block": _block},
        resources=_OURS,
    ),
    Interface(
        "wasi:io/streams",
        (NATIVE,),
        {
            "[method]input-stream.subscribe": _of_stream("in-subscribe"),
            "[method]output-stream.subscribe": _of_stream("out-subscribe"),
        },
        uses=_OURS,
        shadow=_always,
        bridge=spool.COUNTS,
    ),
    Interface(
        "wasi:clocks/monotonic-clock",
        (NATIVE,),
        {
            "subscribe-instant": _of_clock("subscribe-instant", "instant"),
            "subscribe-duration": _of_clock("subscribe-duration", "duration"),
        },
        uses=_OURS,
        shadow=_always,
    ),
    Interface(
        "wasi:sockets/tcp",
        (NATIVE,),
        {"[method]tcp-socket.subscribe": _of_socket},
        uses=_OURS,
        shadow=_always,
    ),
    Interface(
        "wasi:sockets/udp",
        (NATIVE,),
        {
            "[method]udp-socket.subscribe": _of_socket,
            "[method]incoming-datagram-stream.subscribe": _of_socket,
            "[method]outgoing-datagram-stream.subscribe": _of_socket,
        },
        uses=_OURS,
        shadow=_always,
    ),
    Interface(
        "wasi:sockets/ip-name-lookup",
        (NATIVE,),
        {"[method]resolve-address-stream.subscribe": _of_socket},
        uses=_OURS,
        shadow=_always,
    ),
    # Without a grant of the network, too: a guest may write a body before it is refused.
    Interface(
        _preopens.name, _preopens.versions, _preopens.functions, shadow=_always, bridge=_preopens.bridge
    ),
)
