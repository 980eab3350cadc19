"""A hundred calls of tools in one run of code, against a hundred calls one by one: bytes, tokens and time.

    python examples/06_code.py [--folder build-out/code]

It starts ``python -m mcp_wasm serve`` as a child, connects the MCP Python SDK's
client to it over stdio, and converts a hundred distances: first as a model does
that calls a tool again and again, then as one that sends a loop to ``run_code``.
What a model would have to read and write is counted in bytes and in tokens, by
the tool that estimates them. Before that it shows what a person has to do, since
code may call no tool until somebody says so. It needs no toolchain: the tools
and the runner of JavaScript come with the package.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult
from printing import clip, heading, text_of

HERE = Path(__file__).parent
TIMES = 100
GRANT = ["grants", "add", "code", "tools", "names=units_*"]
CODE = """\
import { unitsConvert } from "tools";
let longest = 0;
for (let miles = 1; miles <= 100; miles++) longest = Math.max(longest, unitsConvert(miles, "mi", "km").value);
longest"""


@dataclass
class Spent:
    """What a way took: requests and results as a model writes and reads them, and seconds."""

    written: str = ""
    read: str = ""
    seconds: float = 0.0
    calls: int = 0


class Counting:
    """A client that counts what a model would have written and read."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.spent = Spent()

    async def call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call one tool as a model does."""
        begun = time.perf_counter()
        result = await self._client.call_tool(name, arguments)
        spent = self.spent
        spent.seconds += time.perf_counter() - begun
        spent.written += json.dumps({"name": name, "arguments": arguments}) + "\n"
        spent.read += text_of(result) + "\n"
        spent.calls += 1
        return result


def main() -> int:
    """Run the example; the exit code."""
    parser = argparse.ArgumentParser(description="A hundred calls in one run, against one by one.")
    parser.add_argument(
        "--folder",
        type=Path,
        default=HERE.parent / "build-out" / "code",
        help="where everything is put (default: %(default)s)",
    )
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(show(folder))


async def show(folder: Path) -> int:
    """Both ways, and the table; 1 if they gave something else."""
    home = {"MCP_WASM_HOME": str(folder / "home")}
    await asyncio.to_thread(
        command, home, "grants", "revoke", "code", "--all", check=False
    )  # of the last time
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "mcp_wasm", "serve", "--no-build"], env=home
    )
    with (folder / "server.log").open("w", encoding="utf-8") as log:
        async with Client(stdio_client(server, errlog=log)) as client:
            heading("1. Code may call no tool until a person says so")
            refused = await client.call_tool("run_code", {"language": "javascript", "code": CODE})
            told = next((line for line in text_of(refused).splitlines() if GRANT[-1][:12] in line), "")
            print(f"   run_code: {clip(text_of(refused))}\n   {clip(told)}")
            print(f"   $ mcp-wasm {' '.join(GRANT)}")
            await asyncio.to_thread(command, home, *GRANT)
            heading("2. What a model reads to know how: describe_tools")
            described = await client.call_tool(
                "describe_tools", {"language": "typescript", "query": "convert units"}
            )
            stubs = str(given_back(described))
            print("\n".join(f"   {line}" for line in stubs.splitlines()))
            print(f"   (about {await tokens(client, stubs):,.0f} tokens, read once)")
            heading(f"3. The same {TIMES} conversions, both ways")
            single, single_value = await measured(client, one_by_one)
            looped, looped_value = await measured(client, in_one_run)
            await table(client, single, looped)
    print(f"\nBoth gave {single_value} km." if single_value == looped_value else "\nThey differ: WRONG")
    return 0 if refused.is_error and single_value == looped_value else 1


def command(home: Mapping[str, str], *words: str, check: bool = True) -> None:
    """Type a command of ``mcp-wasm``, as a person does."""
    whole = [sys.executable, "-m", "mcp_wasm", *words]
    subprocess.run(whole, check=check, capture_output=True, env={**os.environ, **home})


async def measured(client: Client, way: Callable[[Counting], Awaitable[float]]) -> tuple[Spent, float]:
    """What one way took and gave, once everything is compiled."""
    await way(Counting(client))
    counting = Counting(client)
    value = await way(counting)
    return counting.spent, value


def given_back(result: CallToolResult) -> Any:
    """The value that a tool returned."""
    if result.is_error:
        raise SystemExit(f"A call failed: {text_of(result)}")
    return json.loads(text_of(result))["result"]


async def one_by_one(client: Counting) -> float:
    """A call for each distance; a model would read every result."""
    longest = 0.0
    for miles in range(1, TIMES + 1):
        result = await client.call("units_convert", {"value": miles, "from": "mi", "to": "km"})
        longest = max(longest, given_back(result)["value"])
    return longest


async def in_one_run(client: Counting) -> float:
    """One run with the loop in it."""
    result = await client.call("run_code", {"language": "javascript", "code": CODE})
    return float(given_back(result)["value"])


async def table(client: Client, single: Spent, looped: Spent) -> None:
    """Bytes, tokens and time of both ways, side by side."""
    written = [await tokens(client, each.written) for each in (single, looped)]
    read = [await tokens(client, each.read) for each in (single, looped)]
    rows: list[tuple[str, float, float, str]] = [
        ("calls", single.calls, looped.calls, ",.0f"),
        ("bytes that the model writes", len(single.written.encode()), len(looped.written.encode()), ",.0f"),
        ("bytes that the model reads", len(single.read.encode()), len(looped.read.encode()), ",.0f"),
        ("tokens that the model writes, about", written[0], written[1], ",.0f"),
        ("tokens that the model reads, about", read[0], read[1], ",.0f"),
        ("milliseconds, without the model's own", single.seconds * 1e3, looped.seconds * 1e3, ",.1f"),
    ]
    print(f"   {'':38} {'one by one':>12} {'in one run':>12} {'ratio':>8}")
    for what, ours, theirs, form in rows:
        print(f"   {what:38} {ours:>12{form}} {theirs:>12{form}} {ours / theirs:>7.1f}×")


async def tokens(client: Client, text: str) -> float:
    """About how many tokens ``text`` has."""
    result = await client.call_tool("text_stats_tokens", {"text": text})
    return float(given_back(result)["tokens"])


if __name__ == "__main__":
    raise SystemExit(main())
