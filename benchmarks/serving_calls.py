"""tools/call through a server, against the SDK's own server with a tool that does nothing."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from mcp import Client, StdioServerParameters

from benchmarks.clients import ADDITION, ROOT, Http, Pipe
from benchmarks.measure import Pair, in_turns, percentile
from benchmarks.table import Row, bounded, compared, seconds

_IN_FLIGHT = (1, 8, 32)


def stdio(folder: Path, *, quick: bool) -> list[Row]:
    """Over pipes, by a raw client, in both protocol eras; then by the SDK's client."""
    rounds, times = (2, 100) if quick else (11, 400)
    rows = []
    for modern, era in ((False, "handshake"), (True, "2026")):
        with Pipe("ours", folder, modern=modern) as ours, Pipe("sdk", folder, modern=modern) as sdk:
            for count in _IN_FLIGHT:

                def mine(ours: Pipe = ours, count: int = count) -> float:
                    return ours.call(times, count)

                def theirs(sdk: Pipe = sdk, count: int = count) -> float:
                    return sdk.call(times, count)

                used = ours.cpu(), sdk.cpu()
                pair = in_turns(mine, theirs, rounds)
                made = times * (rounds + 1)
                spent = ((ours.cpu() - used[0]) / made, (sdk.cpu() - used[1]) / made)
                rows.append(compared(f"stdio, {era}, {count} in flight", pair, 1))
                if all(spent):
                    rows.append(
                        compared("  of which CPU time of the server", Pair(*spent, spent[0] / spent[1]), 1)
                    )
                if count in (1, 8):
                    most = 0.45e-3 if count == 1 else 1 / 4400
                    rows.append(bounded(f"  against wassette's {seconds(most)} a call", pair.ours, most))
    ours_s, sdk_s = asyncio.run(_sdk_clients(folder, rounds, times))
    rows.append(compared("stdio, the SDK's client, 1 in flight", in_turns(ours_s.pop, sdk_s.pop, rounds), 1))
    return rows


async def _sdk_clients(folder: Path, rounds: int, times: int) -> tuple[list[float], list[float]]:
    """Batches of calls by the SDK's client, in turns: ours and the SDK's."""
    taken: dict[str, list[float]] = {"ours": [], "sdk": []}
    servers = {
        kind: StdioServerParameters(
            command=sys.executable, args=["-m", "benchmarks.serving", kind, "stdio", str(folder)], cwd=ROOT
        )
        for kind in taken
    }
    async with Client(servers["ours"]) as ours, Client(servers["sdk"]) as sdk:
        for _ in range(rounds + 1):
            for kind, client in (("ours", ours), ("sdk", sdk)):
                begun = time.perf_counter()
                for _ in range(times // 2):
                    await client.call_tool(str(ADDITION["name"]), {"a": 1, "b": 2})
                taken[kind].append((time.perf_counter() - begun) / (times // 2))
    return taken["ours"], taken["sdk"]


def http(folder: Path, *, quick: bool) -> list[Row]:
    """Over keep-alive connections, by a raw client, in the handshake era."""
    rounds, times = (2, 64) if quick else (11, 256)
    rows = []
    with Http("ours", folder) as ours, Http("sdk", folder) as sdk:
        for count in _IN_FLIGHT:

            def mine(count: int = count) -> float:
                return ours.call(times, count)

            def theirs(count: int = count) -> float:
                return sdk.call(times, count)

            rows.append(compared(f"HTTP, {count} in flight", in_turns(mine, theirs, rounds), 1))
    return rows


def beside_loops(folder: Path, *, quick: bool) -> list[Row]:
    """Pings and calls while two guests loop without end."""
    pings, calls = (40, 32) if quick else (300, 32)
    with Pipe("ours", folder) as client:
        client.call(10, 1)
        limits = {"_meta": {"mcp-wasm/limits": {"deadline": 25.0, "fuel": 2_000_000_000_000}}}
        for _ in range(2):
            client.send("tools/call", {"name": "add_spin", "arguments": {}, **limits})
        begun = time.perf_counter()
        for _ in range(calls):
            client.send("tools/call", ADDITION)
        answered: dict[int, float] = {}
        replies, waits = 0, []
        while replies < calls:
            replies += len(client.lines())
        together = time.perf_counter() - begun
        for number in range(pings):
            for _ in range(4):
                client.send("tools/call", ADDITION)
            sent = time.perf_counter()
            ping = client.send("ping", {})
            mark, left = b'"id":%d,' % ping, 5
            while left:
                for line in client.lines():
                    left -= 1
                    if mark in line:
                        answered[number] = time.perf_counter() - sent
        waits = list(answered.values())
    return [
        Row("32 calls at once beside two endless loops", f"{replies} of 32", "", "", "all", replies == calls),
        Row("  all of them done after", seconds(together)),
        Row("pings beside the loops and four calls each, p50", seconds(percentile(waits, 50))),
        bounded("pings beside the loops and four calls each, p95", percentile(waits, 95), 0.050),
    ]


def run(folder: Path, *, quick: bool) -> dict[str, list[Row]]:
    """The three tables."""
    return {
        "tools/call over stdio, against the SDK's own server with a tool that does nothing": stdio(
            folder, quick=quick
        ),
        "tools/call over HTTP, against the same": http(folder, quick=quick),
        "Beside two endless loops": beside_loops(folder, quick=quick),
    }
