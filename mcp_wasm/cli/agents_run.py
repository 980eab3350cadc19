"""``mcp-wasm agents run FILE``: a tree file, a runtime and a node, until a person or a signal ends it."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from mcp_wasm.agents import tree_file
from mcp_wasm.agents.address import check_part
from mcp_wasm.agents.control import Control
from mcp_wasm.agents.control_socket import SOCKET, claimed
from mcp_wasm.agents.events import Event
from mcp_wasm.agents.node import Node
from mcp_wasm.agents.running import FOLDER, running
from mcp_wasm.agents.tree_file import TreeFile
from mcp_wasm.audit.sink import event as audit_event
from mcp_wasm.cli import agents_show, dotenv, terminal, wiring
from mcp_wasm.cli.main import DONE, INTERRUPTED, TERMINATED
from mcp_wasm.config.llm import keys
from mcp_wasm.config.model import Config
from mcp_wasm.config.read import tables
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.llm.service import Llm
from mcp_wasm.runtime import Runtime

_ENDS = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
_SHOWN_A_SECOND = 20
_QUIET = frozenset({"started", "ready", "stopped", "forgotten"})
"""Events of an ordinary start and end, which a person who looks on need not see."""


def run(args: argparse.Namespace) -> int:
    """Run the tree; the exit code."""
    config = wiring.read(args)
    logging.getLogger().setLevel(logging.DEBUG if args.verbose else config.log.upper())
    path = Path(args.file).expanduser()
    found = tree_file.load(path)
    # It grants, and names what runs.
    dotenv.check_own(path)
    name = check_part(args.name, "--name") if args.name else found.name
    environ = {**dotenv.read(path.absolute().parent), **os.environ}
    config = _with_tables(config, found, path)
    with (
        claimed(wiring.home(config) / FOLDER / name),
        wiring.open_runtime(config, audit=config.audit, environ=environ) as runtime,
    ):
        runtime.note(audit_event("server", transport="agents", detail=f"started {name}"))
        return asyncio.run(_serve(runtime, config, found, environ, name, args))


def _with_tables(config: Config, found: TreeFile, path: Path) -> Config:
    """The settings with what the tree file sets in their place."""
    if found.mesh is not None:
        raise InvalidSettings(f"{path}: mesh", "no mesh yet: this command runs one node", "a table")
    own = {name: getattr(found, name) for name in ("llm", "state") if getattr(found, name) is not None}
    read = tables(own, path)
    return replace(config, **{name: getattr(read, name) for name in own})


async def _serve(  # noqa: PLR0917 - all that a tree is made of
    runtime: Runtime,
    config: Config,
    found: TreeFile,
    environ: Mapping[str, str],
    name: str,
    args: argparse.Namespace,
) -> int:
    llm = Llm(config.llm, keys(config.llm, environ))
    folder = wiring.home(config) / FOLDER / name
    async with (
        _signals() as (stopped, ended_by),
        running(runtime, found.tree, node=args.node or "local", name=name, llm=llm) as node,
    ):
        about = {
            "tree": name,
            "file": args.file,
            "pid": os.getpid(),
            "started": time.time_ns() // 1_000_000,
        }
        control = Control(node, folder / SOCKET, about, stopped.set)
        await control.start()
        try:
            if not args.quiet:
                node.events.observe(_Shown())
            terminal.note(f"{name} runs. Look at it: mcp-wasm agents top. Stop it: Ctrl-C.")
            await _until(node, stopped)
        finally:
            await control.close()
    return ended_by()


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


class _Shown:
    """Writes events to stderr as they happen, so many a second at most."""

    def __init__(self) -> None:
        self._second, self._count, self._left = 0, 0, 0

    def __call__(self, event: Event) -> None:
        if event.what in _QUIET:
            return
        second = event.at_ms // 1000
        if second != self._second:
            if self._left:
                terminal.note(f"... {self._left:,} more events (mcp-wasm agents events)")
            self._second, self._count, self._left = second, 0, 0
        self._count += 1
        if self._count > _SHOWN_A_SECOND:
            self._left += 1
        else:
            terminal.note(agents_show.event(dataclasses.asdict(event)))
