"""The whole path, nothing simulated: build the bundled tools, serve them, call each through an MCP client.

    python examples/01_demo.py [--only NAME …] [--folder build-out/demo]

It builds into one folder (delete it and nothing is left), starts ``python -m
mcp_wasm serve`` as a child, connects the MCP Python SDK's client to it over
stdio, lists the tools, runs the examples of each tool's manifest and checks
their results, and lets one call run into its fuel limit and one into its
deadline. The exit code is 0 only if everything came out as the manifests say.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, RequestParamsMeta, Tool
from printing import Line, clip, cost, heading, print_tool, text_of

from mcp_wasm.build.bundled import BundledTool, build_bundled, list_bundled
from mcp_wasm.build.manifest import Example
from mcp_wasm.errors import BuildFailed, ToolchainMissing

HERE = Path(__file__).parent
SPINNERS = HERE / "components"
LIMITS = "mcp-wasm/limits"
PATIENCE_S = 120


def main() -> int:
    """Run the demonstration; the exit code."""
    parser = argparse.ArgumentParser(
        description="Build the bundled tools and call each through an MCP client."
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these of the bundled tools")
    folder = HERE.parent / "build-out" / "demo"
    parser.add_argument(
        "--folder", type=Path, default=folder, help="where everything is put (default: %(default)s)"
    )
    given = parser.parse_args()
    folder = given.folder.resolve()
    built, failures = build(folder / "tools", given.only)
    if not built:
        print("\nThere is no tool to serve.")
        return 1
    try:
        failures += asyncio.run(demonstrate(built, folder))
    except* (MCPError, OSError) as lost:
        log = (folder / "server.log").read_text(encoding="utf-8").strip()
        print(f"\nThe server was lost: {lost.exceptions[0]!r}\nIts log:\n{log[-4000:]}")
        failures += 1
    print(f"\n{failures} of the above went wrong." if failures else "\nEverything came out as it should.")
    return 1 if failures else 0


# 1. Building


def build(folder: Path, only: list[str] | None) -> tuple[list[BundledTool], int]:
    """Build what can be built; the tools that are ready, and how many should have been built and were not."""
    tools = [tool for tool in list_bundled() if only is None or tool.name in only]
    heading(f"1. Building {len(tools)} bundled tools into {folder}")
    ready, missing, failed = [], [], 0
    for number, tool in enumerate(tools, 1):
        shown = Line(f"   {number:2}/{len(tools)} {tool.name:10} {tool.language:11} ")
        begun = time.monotonic()
        try:
            path = build_bundled(tool, folder, cache=folder.parent / "toolchains", progress=shown)
        except ToolchainMissing as error:
            shown.end(f"not built: {error.program} is missing")
            missing.append(error)
        except BuildFailed as error:
            shown.end("failed")
            print(error)
            failed += 1
        else:
            shown.end(f"ready, {path.stat().st_size / 1024:,.0f} KB, {time.monotonic() - begun:.1f} s")
            ready.append(tool)
    for program, install in sorted({(error.program, error.install) for error in missing}):
        print(f"\n   To have the tools that need {program}, type:  {install}")
    return ready, failed


# 2. Serving and calling


async def demonstrate(built: list[BundledTool], folder: Path) -> int:
    """Serve the tools and call them; how many calls did not come out as they should."""
    with (folder / "server.log").open("w", encoding="utf-8") as log:
        heading("2. Starting the server")
        server = serve(folder)
        print(f"   {server.command} {' '.join(server.args)}\n   (its log: {log.name})")
        begun = time.monotonic()
        async with Client(stdio_client(server, errlog=log)) as client:
            info = client.server_info
            print(
                f"   {info.name if info else 'The server'} answered after {time.monotonic() - begun:.2f} s,"
                f" in protocol {client.protocol_version}"
            )
            tools = await all_listed(client, built)
            heading(f"3. The {len(tools)} tools and their schemas")
            for tool in tools.values():
                print_tool(tool)
            heading("4. Calling each tool with the examples of its manifest")
            failures = 0
            for bundled in built:
                failures += await call_examples(client, tools, bundled)
            failures += uncalled(tools, built)
            heading("5. Two calls that never return by themselves")
            failures += await run_into_limits(client)
    return failures


def serve(folder: Path) -> StdioServerParameters:
    """How the server is started: the package's own command line, over stdio, with what was built above."""
    folders = [part for served in (folder / "tools", SPINNERS) for part in ("--components", str(served))]
    arguments = ["-m", "mcp_wasm", "serve", "--no-bundled", *folders]
    return StdioServerParameters(
        command=sys.executable, args=arguments, env={"MCP_WASM_HOME": str(folder / "home")}
    )


async def all_listed(client: Client, built: list[BundledTool]) -> dict[str, Tool]:
    """The tools, once those of everything built are there: the server begins before it has seen it all."""
    wanted = {tool_name(tool.name, each.function) for tool in built for each in tool.manifest.examples}
    given_up = time.monotonic() + PATIENCE_S
    while True:
        tools = await listed(client)
        missing = wanted - tools.keys()
        if not missing or time.monotonic() > given_up:
            return tools
        print(f"   {len(tools)} tools so far; it is still looking at {', '.join(sorted(missing)[:3])} …")
        await asyncio.sleep(2)


async def listed(client: Client) -> dict[str, Tool]:
    """All tools of the server, by name."""
    tools: dict[str, Tool] = {}
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools |= {tool.name: tool for tool in page.tools}
        cursor = page.next_cursor
        if cursor is None:
            return tools


async def call_examples(client: Client, tools: Mapping[str, Tool], bundled: BundledTool) -> int:
    """Run the examples of one tool; how many failed."""
    failures = 0
    for example in bundled.manifest.examples:
        name = tool_name(bundled.name, example.function)
        if name not in tools:
            print(f"\n   {name}: FAILED, the server does not list it")
            failures += 1
            continue
        print(f"\n   {name}: {example.says}")
        result = await call(client, name, dict(example.arguments))
        wrong = disagreement(example, result)
        if wrong:
            print(f"     WRONG {wrong}")
            failures += 1
    return failures


async def call(
    client: Client, name: str, arguments: dict[str, Any], limits: dict[str, float] | None = None
) -> CallToolResult:
    """Call one tool; print what went in, what came out and what it cost."""
    waiting = Line("     ")

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001 - the SDK names them
        waiting(message or "")

    begun = time.monotonic()
    result = await client.call_tool(
        name,
        arguments,
        progress_callback=on_progress,
        meta=cast(RequestParamsMeta, {LIMITS: limits}) if limits else None,
    )
    seconds = time.monotonic() - begun
    waiting.end()
    print(f"     in    {clip(json.dumps(arguments, ensure_ascii=False))}")
    print(f"     {'error' if result.is_error else 'out  '} {clip(text_of(result))}")
    print(f"     cost  {cost(result, seconds)}")
    return result


def disagreement(example: Example, result: CallToolResult) -> str:
    """How the result differs from what the manifest says, or ``""``."""
    if example.error is not None:
        if result.is_error and example.error in text_of(result):
            return ""
        return f"it should have failed with: {example.error}"
    if result.is_error:
        return "it should have returned"
    if not example.checked or same(given_back(result), example.result, example.near):
        return ""
    return f"it should have returned {clip(json.dumps(example.result, ensure_ascii=False))}"


def given_back(result: CallToolResult) -> Any:
    """The value that a tool returned."""
    whole = result.structured_content or json.loads(text_of(result))
    return whole.get("result")


def same(found: Any, expected: Any, near: float) -> bool:
    """Whether two JSON values are equal, numbers within ``near``."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return found.keys() == expected.keys() and all(same(found[k], expected[k], near) for k in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(map(same, found, expected, [near] * len(found)))
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return math.isclose(found, expected, rel_tol=0, abs_tol=near)
    return bool(found == expected)


def uncalled(tools: Mapping[str, Tool], built: list[BundledTool]) -> int:
    """Name the tools that no example calls; how many those are."""
    called = {tool_name(tool.name, example.function) for tool in built for example in tool.manifest.examples}
    owners = {tool.name for tool in built}
    forgotten = [name for name, tool in tools.items() if component_of(tool) in owners and name not in called]
    for name in forgotten:
        print(f"\n   {name}: WRONG it has no example")
    return len(forgotten)


async def run_into_limits(client: Client) -> int:
    """Call an endless loop with little fuel, then with little time; how many were not stopped."""
    failures = 0
    for limit, value, words in (
        ("fuel", 5_000_000, "5 million units of fuel"),
        ("deadline", 0.25, "a quarter of a second"),
    ):
        print(f"\n   spin_forever: an endless loop that may use {words}")
        result = await call(client, "spin_forever", {}, {limit: value})
        if not result.is_error or f"The {limit} limit was reached" not in text_of(result):
            print(f"     WRONG it should have run into its {limit} limit")
            failures += 1
    return failures


def tool_name(component: str, function: str) -> str:
    """The tool of a component's function."""
    return re.sub("[^a-z0-9]+", "_", f"{component}_{function}".lower())


def component_of(tool: Tool) -> str:
    """The component that a tool belongs to."""
    return str((tool.meta or {}).get("mcp-wasm/component"))


if __name__ == "__main__":
    raise SystemExit(main())
