"""Serving one client on standard input and output, without a thread.

The streams have the contract of ``mcp.server.stdio`` (which Windows still uses,
since its event loop cannot wait for pipes opened by others), but a line is
bounded, nothing malformed goes unanswered, and nothing sent can kill the server.
While it serves, file descriptors 0 and 1 lead elsewhere, so that a stray print
or a child process cannot touch the protocol. It knows nothing of tools.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server import runner
from mcp.server.lowlevel import Server
from mcp.server.runner import serve_loop
from mcp.types import PROTOCOL_VERSION_META_KEY

from mcp_wasm.errors import InvalidSettings
from mcp_wasm.server.app import build
from mcp_wasm.server.incoming import Incoming
from mcp_wasm.server.options import ServerOptions
from mcp_wasm.server.outgoing import Outgoing

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime
    from mcp_wasm.server.agents import AgentDoor


async def serve_stdio(runtime: Runtime, options: ServerOptions, agents: AgentDoor | None = None) -> None:
    """Serve ``runtime`` on standard input and output until the input ends or SIGTERM or SIGINT comes.

    Calls in flight at the end of input may finish for ``options.shutdown_seconds``;
    a signal cancels them at once. The runtime stays open. ``agents`` are those that clients may ask.

    Raises:
        InvalidSettings: if standard input or output is closed.
    """
    server = build(runtime, options, agents)
    with anyio.CancelScope() as scope, _signals(scope.cancel):
        await run_stdio(server, options)


async def run_stdio(server: Server[Any], options: ServerOptions) -> None:
    """Run ``server`` on standard input and output until the input ends."""
    if sys.platform == "win32":
        from mcp.server.stdio import stdio_server  # here, since only Windows needs it

        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
        return
    with _claimed(0, os.O_RDONLY) as source, _claimed(1, os.O_WRONLY) as sink:
        sys.stdout.flush()  # what was printed and not yet written goes to stderr now, as all after it
        outgoing = Outgoing(sink)
        incoming = Incoming(source, outgoing, line_limit=options.line_limit, grace=options.shutdown_seconds)
        try:
            await _serve(server, incoming, outgoing)
        finally:
            incoming.close()
            outgoing.close()


async def _serve(server: Server[Any], incoming: Incoming, outgoing: Outgoing) -> None:
    """Serve in the era of the client's first request.

    ``Server.run`` finds that out as well, but then relays every later message
    through two more streams, which takes a fifth of a call. The loops behind it
    do without; that of the 2026 protocol is private in mcp 2.3.
    """
    opening = await incoming.opening()
    if opening is None:
        return
    options = server.create_initialization_options()
    meta = (opening.params or {}).get("_meta")
    if opening.method == "initialize" or not isinstance(meta, dict) or PROTOCOL_VERSION_META_KEY not in meta:
        async with server.lifespan(server) as state:
            await serve_loop(server, incoming, outgoing, lifespan_state=state, init_options=options)
    elif (serve_modern := getattr(runner, "_serve_modern_stream", None)) is not None:
        async with server.lifespan(server) as state:
            await serve_modern(server, incoming, outgoing, lifespan_state=state, raise_exceptions=False)
    else:
        await server.run(incoming, outgoing, options)


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on SIGTERM and SIGINT, where the platform's event loop can."""
    loop = asyncio.get_running_loop()
    caught: list[signal.Signals] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; not the main thread
            loop.add_signal_handler(number, stop)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


@contextmanager
def _claimed(descriptor: int, mode: int) -> Iterator[int]:
    """A private duplicate of a standard stream, while the original leads to nothing or to stderr."""
    import fcntl  # not on Windows, where this function is not called

    name, opened = (
        ("standard input", sys.__stdin__) if descriptor == 0 else ("standard output", sys.__stdout__)
    )
    if opened is None:  # the number may belong to some other file by now
        raise InvalidSettings(name, "an open stream, since MCP runs on it", "a closed one")
    private = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    try:
        _divert(descriptor, mode)
        yield private
    finally:
        os.dup2(private, descriptor)
        os.close(private)


def _divert(descriptor: int, mode: int) -> None:
    try:
        other = os.open(os.devnull, mode) if mode == os.O_RDONLY else os.dup(2)
    except OSError:  # stderr is closed
        other = os.open(os.devnull, mode)
    os.dup2(other, descriptor)
    os.close(other)
