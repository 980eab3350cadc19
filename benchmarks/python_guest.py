"""Guests in Python: a warm call, and what a second one costs the engine when the interpreter is shared."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.measure import percentile, repeat
from benchmarks.table import Row, seconds
from mcp_wasm.build.bundled import BundledTool, build_bundled, list_bundled
from mcp_wasm.errors import BuildFailed, ToolchainMissing
from mcp_wasm.runtime import Runtime


def run(folder: Path, *, quick: bool) -> dict[str, list[Row]]:
    """The one table; says why where there is nothing to measure."""
    title = "Guests in Python"
    if quick:
        return {title: [Row("left out by --quick: a build and a compile take a minute", "")]}
    try:
        tools = [tool for tool in list_bundled() if tool.language == "python"][:2]
        paths = [build_bundled(tool, folder / "python") for tool in tools]
    except (ToolchainMissing, BuildFailed) as error:
        return {title: [Row(f"not measured: {error}", "")]}
    home = Path(tempfile.mkdtemp())
    try:
        return {title: _measured(home, tools, paths)}
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _measured(home: Path, tools: list[BundledTool], paths: list[Path]) -> list[Row]:
    rows = []
    with Runtime(home=home) as runtime:
        taken = []
        for tool, path in zip(tools, paths, strict=True):
            component = runtime.add(path)
            name = component.tools[0].name
            begun = time.perf_counter()
            runtime.prepare(name).result()
            taken.append(time.perf_counter() - begun)
            rows.append(Row(f"engine time of {tool.name}", seconds(taken[-1])))
        if len(taken) > 1:
            rows.append(
                Row(
                    "the second against the first",
                    "",
                    "",
                    f"{taken[1] / taken[0]:.3f}×",
                    "< 1 s",
                    taken[1] < 1,
                )
            )
        rows += _called(runtime, tools[0])
    return rows


def _called(runtime: Runtime, tool: BundledTool) -> list[Row]:
    example = next(example for example in tool.manifest.examples if example.error is None)
    name = f"{tool.name}_{example.function}".replace("-", "_").replace(".", "_")
    runtime.call_sync(name, example.arguments)
    batch = repeat(lambda: runtime.call_sync(name, example.arguments), 1)
    times = [batch() for _ in range(100)]
    return [Row(f"a warm call of {name}, p50", seconds(percentile(times, 50)), "", "", "", None)]
