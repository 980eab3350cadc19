"""``mcp-wasm agents run FILE``: a tree file, a runtime and a node, until a person or a signal ends it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from mcp_wasm.agents.node import Node
from mcp_wasm.audit.sink import event as audit_event
from mcp_wasm.cli import agents_tree, terminal, wiring
from mcp_wasm.cli.agents_events import Shown
from mcp_wasm.cli.agents_tree import Tree
from mcp_wasm.cli.main import DONE, INTERRUPTED, TERMINATED
from mcp_wasm.runtime import Runtime

_PATIENCE = 2.0
"""Seconds of a start after which it is said what is going on."""

_ENDS = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}


def run(args: argparse.Namespace) -> int:
    """Run the tree; the exit code."""
    config = wiring.read(args)
    logging.getLogger().setLevel(logging.DEBUG if args.verbose else config.log.upper())
    tree = agents_tree.read(config, args.file, args.name or "")
    config = tree.config
    with (
        tree.claimed(),
        wiring.open_runtime(config, audit=config.audit, environ=tree.environ) as runtime,
    ):
        runtime.note(audit_event("server", transport="agents", detail=f"started {tree.name}"))
        return asyncio.run(_serve(runtime, tree, args))


async def _serve(runtime: Runtime, tree: Tree, args: argparse.Namespace) -> int:
    async with _signals() as (stopped, ended_by):
        ready = asyncio.Event()
        running = asyncio.ensure_future(_live(runtime, tree, args, stopped, ready))
        await _started(tree.name, running, ready, stopped)
        try:
            await running
        except asyncio.CancelledError:
            if ready.is_set() or not stopped.is_set():
                raise
    return ended_by()


async def _live(
    runtime: Runtime, tree: Tree, args: argparse.Namespace, stopped: asyncio.Event, ready: asyncio.Event
) -> None:
    with Shown(quiet=args.quiet) as shown:
        async with agents_tree.living(runtime, tree, stopped.set, node=args.node or "") as node:
            node.events.observe(shown)
            ready.set()
            terminal.note(f"{tree.name} runs. Look at it: mcp-wasm agents top. Stop it: Ctrl-C.")
            await _until(node, stopped)


async def _started(
    name: str, running: asyncio.Future[None], ready: asyncio.Event, stopped: asyncio.Event
) -> None:
    """Wait until the tree runs; say what takes so long, and give it up when a person asks for the end."""
    ends: list[asyncio.Future[Any]] = [running]
    ends += [asyncio.ensure_future(each.wait()) for each in (stopped, ready)]
    try:
        done, _ = await asyncio.wait(ends, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            terminal.note(f"starting {name}: what is compiled now is kept for the next time")
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not ready.is_set() and not running.done():
            terminal.note("stopping; what is being compiled is finished first. Ctrl-C again ends it at once")
            running.cancel()
    finally:
        for each in ends[1:]:
            each.cancel()


async def _until(node: Node, stopped: asyncio.Event) -> None:
    """Wait until a person asks for the end, or the tree ends by itself.

    Raises:
        McpWasmError: it gave up.
    """
    asked, ended = asyncio.ensure_future(stopped.wait()), asyncio.ensure_future(node.wait())
    try:
        await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            terminal.note(f"the tree has ended: {ended.result()}")
    finally:
        asked.cancel()
        ended.cancel()


@asynccontextmanager
async def _signals() -> AsyncIterator[tuple[asyncio.Event, Callable[[], int]]]:
    """An event that the first signal sets, and the exit code; a second signal ends the process at once."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    codes: list[int] = []

    def end(number: signal.Signals) -> None:
        codes.append(_ENDS[number])
        stopped.set()
        for each in _ENDS:
            loop.remove_signal_handler(each)

    for each in _ENDS:
        loop.add_signal_handler(each, end, each)
    try:
        yield stopped, lambda: codes[0] if codes else DONE
    finally:
        for each in _ENDS:
            loop.remove_signal_handler(each)
