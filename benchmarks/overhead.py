"""One call of ``add``, and lists of bytes, against the stock wasmtime package doing no more than it must."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path

import wasmtime
from wasmtime import component

from benchmarks import guests
from benchmarks.measure import Batch, in_turns, repeat
from benchmarks.table import Row, bounded, compared
from mcp_wasm.errors import McpWasmError
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox import instance
from mcp_wasm.sandbox.call import About, Permit
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.stop import Stop, Watchdog

_LISTS = (1_000, 10_000, 100_000, 1_000_000)


def stock_add() -> Callable[[], object]:
    """A fresh store with limits and fuel, an instance and a call by the stock bindings, on our engine."""
    compiled = component.Component(engine(), guests.ADD)
    linker = component.Linker(engine())
    index = compiled.get_export_index("add")
    assert index is not None
    limits = Limits()

    def call() -> object:
        with wasmtime.Store(engine()) as store:
            store.set_limits(
                limits.memory, limits.table_elements, limits.instances, limits.tables, limits.memories
            )
            store.set_fuel(limits.fuel)
            store.set_epoch_deadline(1)
            function = linker.instantiate(store, compiled).get_func(store, index)
            assert function is not None
            return function(store, 1, 2)

    return call


def stock_echo(data: bytes) -> Callable[[], object]:
    """The same with a list of bytes each way."""
    compiled = component.Component(engine(), guests.ECHO)
    linker = component.Linker(engine())
    index = compiled.get_export_index("echo")
    assert index is not None

    def call() -> object:
        with wasmtime.Store(engine()) as store:
            store.set_fuel(2_000_000_000)
            store.set_epoch_deadline(1)
            function = linker.instantiate(store, compiled).get_func(store, index)
            assert function is not None
            return function(store, data)

    return call


def calls(runtime: Runtime, *, quick: bool) -> list[Row]:
    """One call on this thread, through the runtime from a thread, and from an event loop."""
    rounds, times = (3, 100) if quick else (15, 400)
    about = About("add_add", "add", runtime.component("add").digest)
    permit = Permit(about, runtime.component("add").limits, runtime.services)
    prepared = runtime.prepare("add_add").result()
    plan = prepared.plans["add"]
    watchdog = Watchdog(engine().increment_epoch)
    given = {"a": 1, "b": 2}

    def here() -> object:
        return instance.run(permit, prepared, plan, given, Stop(), watchdog)

    def loop() -> float:
        async def work() -> float:
            begun = asyncio.get_running_loop().time()
            for _ in range(times):
                await runtime.call("add_add", given)
            return (asyncio.get_running_loop().time() - begun) / times

        return asyncio.run(work())

    stock: Batch = repeat(stock_add(), times)
    try:
        return [
            compared(
                "validate, lower, instantiate, call, lift, drop",
                in_turns(repeat(here, times), stock, rounds),
                2,
            ),
            compared(
                "the same on a worker, from a thread (call_sync)",
                in_turns(repeat(lambda: runtime.call_sync("add_add", given), times), stock, rounds),
            ),
            compared("the same on a worker, from an event loop", in_turns(loop, stock, rounds)),
        ]
    finally:
        watchdog.close()


def lists(runtime: Runtime, *, quick: bool) -> list[Row]:
    """``list<u8>`` there and back, as base64 in and out on our side and bytes on the stock side."""
    rows = []
    for size in _LISTS[:3] if quick else _LISTS:
        data = bytes(range(256)) * (size // 256 + 1)
        data = data[:size]
        given = {"data": base64.b64encode(data).decode()}

        def here(given: dict[str, str] = given) -> object:
            return runtime.call_sync("echo_echo", given)

        try:
            here()
        except McpWasmError as error:
            rows.append(Row(f"list<u8> of {size // 1000:,} KB each way", f"fails: {type(error).__name__}"))
            continue
        times, rounds = max(1, 20_000 // size), 2 if size > 50_000 or quick else 5
        pair = in_turns(repeat(here, times), repeat(stock_echo(data), times), rounds)
        rows.append(compared(f"list<u8> of {size // 1000:,} KB each way", pair))
        if size == 100_000:
            rows.append(bounded("  of which the target", pair.ours, 0.020))
    return rows


def run(folder: Path, *, quick: bool) -> dict[str, list[Row]]:
    """Both tables."""
    with Runtime(home=folder / "home") as runtime:
        runtime.watch([folder])
        return {
            "A call of add(s32, s32), against the same through raw wasmtime-py": calls(runtime, quick=quick),
            "Lists of bytes": lists(runtime, quick=quick),
        }
