"""A tree of agents inside a server: it lives before the first answer is given and after the last one.

The server and the agents share an event loop, and end in that order: first no
client can ask any more, then the agents stop in the reverse of the order in which they started.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mcp_wasm.cli.agents_tree import Tree, living
from mcp_wasm.server.agents import AgentDoor

if TYPE_CHECKING:
    from mcp_wasm.agents.node import Node
    from mcp_wasm.runtime import Runtime

_log = logging.getLogger(__name__)


async def serve_with(runtime: Runtime, tree: Tree, serve: Callable[..., Coroutine[Any, Any, None]]) -> None:
    """Run ``serve`` with the agents of ``tree``, whose folder is claimed, while they live.

    A tree that gives up is told in the log; the server goes on without it.

    Raises:
        McpWasmError: a child of the tree cannot be started; nothing was served.
    """
    hurried: list[signal.Signals] = []
    try:
        async with living(runtime, tree, _end) as node:
            watching = asyncio.ensure_future(_watch(node, tree.name))
            try:
                await serve(agents=AgentDoor(node))
            finally:
                watching.cancel()
                _heed(hurried)
    except asyncio.CancelledError:
        if not hurried:
            raise
        _log.warning("stopped by %s: agents that still computed were killed", hurried[0].name)


async def _watch(node: Node, name: str) -> None:
    try:
        reason = await node.wait()
    except Exception as error:  # noqa: BLE001 - the top of a task: whatever ended it, the server goes on
        reason = str(error)
    _log.error(
        "the tree %s has ended: %s. Its agents come back when the server is started again", name, reason
    )


def _end() -> None:
    """A person asks for the end (``mcp-wasm agents stop``): of all that this process does, as by a signal."""
    os.kill(os.getpid(), signal.SIGTERM)


def _heed(hurried: list[signal.Signals]) -> None:
    """On a signal, which may follow the end of input, kill the agents that compute; the next kills us."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def heed(number: signal.Signals) -> None:
        hurried.append(number)
        loop.remove_signal_handler(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; not the main thread
            loop.add_signal_handler(number, heed, number)
