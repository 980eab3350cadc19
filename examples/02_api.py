"""The same sandbox without a server: load components, list their tools, call them from Python.

    python examples/02_api.py

Shows a call from plain code and calls from an event loop, limits for everything
and for one call, and what each kind of error carries.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import mcp_wasm

SPIN = Path(__file__).parent / "components" / "spin.wat"

# A component is usually a .wasm file that a toolchain made; WebAssembly text is read as well.
SUMS = """
(component
  (core module $m
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func (export "add") (param "a" s32) (param "b" s32) (result s32) (canon lift (core func $i "add")))
  (func (export "divide") (param "a" s32) (param "b" s32) (result s32) (canon lift (core func $i "divide"))))
"""


def main() -> None:
    """Run the example."""
    with tempfile.TemporaryDirectory() as folder:
        sums = Path(folder, "sums.wat")
        sums.write_text(SUMS, encoding="utf-8")
        # Everything is kept under `home`; left out, it is ~/.mcp-wasm.
        limits = mcp_wasm.Limits(fuel=100_000_000, deadline=5.0)
        with mcp_wasm.Runtime(home=Path(folder, "home"), limits=limits) as runtime:
            load(runtime, sums)
            call(runtime)
            asyncio.run(call_many(runtime))
            fail(runtime)
            asyncio.run(give_up(runtime))


def load(runtime: mcp_wasm.Runtime, sums: Path) -> None:
    """Publish two components and list what they offer."""
    for path in (sums, SPIN):
        component = runtime.add(path)
        print(f"loaded {component.name}, {component.digest[:12]}")
    for tool in runtime.tools:
        print(f"  {tool.name}({', '.join(tool.input_schema['properties'])})")


def call(runtime: mcp_wasm.Runtime) -> None:
    """Call a tool from plain code, in a fresh instance: arguments and result are what JSON can say."""
    outcome = runtime.call_sync("sums_add", {"a": 40, "b": 2})
    report = outcome.report
    print(f"sums_add gave {outcome.value} for {report.fuel} fuel and {report.run_ms:.2f} ms")


async def call_many(runtime: mcp_wasm.Runtime) -> None:
    """Call from an event loop: guests run on worker threads, and the loop stays free."""
    calls = (runtime.call("sums_add", {"a": n, "b": n}) for n in range(10))
    print("ten at once:", [outcome.value for outcome in await asyncio.gather(*calls)])


def fail(runtime: mcp_wasm.Runtime) -> None:
    """Each error says by its class whose fault it was, and carries data."""
    try:
        runtime.call_sync("sum_add", {})
    except mcp_wasm.UnknownTool as error:
        print(f"no such tool; nearest: {', '.join(error.nearest)}")
    try:
        runtime.call_sync("sums_add", {"a": "one", "c": 3})
    except mcp_wasm.InvalidArguments as error:
        for mismatch in error.mismatches:
            print(f"refused before anything ran: {mismatch}")
    try:
        runtime.call_sync("sums_divide", {"a": 1, "b": 0})
    except mcp_wasm.Trap as error:
        print(f"trapped: {error.kind}")
    try:
        # A call may narrow its limits, never widen them.
        runtime.call_sync("spin_forever", {}, limits={"deadline": 0.2, "fuel": 10_000_000})
    except mcp_wasm.LimitExceeded as error:
        print(f"stopped by its {error.limit} limit after {error.report.run_ms:.0f} ms")


async def give_up(runtime: mcp_wasm.Runtime) -> None:
    """Cancelling the awaiting task stops the guest."""
    try:
        async with asyncio.timeout(0.02):
            await runtime.call("spin_forever", {})
    except TimeoutError:
        print("given up by the caller, and the guest was stopped")


if __name__ == "__main__":
    main()
