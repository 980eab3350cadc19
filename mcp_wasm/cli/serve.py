"""``mcp-wasm serve``: components as MCP tools, over stdio or HTTP."""

from __future__ import annotations

import argparse
import contextlib
import logging
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp_wasm import __version__
from mcp_wasm.audit.sink import event
from mcp_wasm.cli import mesh_flags, settings, wiring
from mcp_wasm.config.model import Config
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.server.options import TOOLS_MODES

if TYPE_CHECKING:
    from mcp_wasm.cli.agents_tree import Tree
    from mcp_wasm.runtime import Runtime

_log = logging.getLogger(__name__)
Serve = Callable[..., Coroutine[Any, Any, None]]
_PATIENCE_S = 3.0
"""How long the first answer may wait for components that were never seen before."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    wiring.add_sources(parser)
    parser.add_argument(
        "--http",
        metavar="HOST:PORT",
        help="serve streamable HTTP at http://HOST:PORT/mcp (default: stdio); PORT alone is loopback",
    )
    parser.add_argument(
        "--token",
        help=f"bearer token that HTTP clients must send, needed beyond loopback; rather set {settings.TOKEN}",
    )
    parser.add_argument(
        "--tools",
        choices=TOOLS_MODES,
        help="list every tool, only the pair search_tools and call_tool, or both (default: dynamic)",
    )
    parser.add_argument(
        "--allow-load",
        metavar="FOLDER",
        action="append",
        type=settings.folder,
        help="let a model load components from this folder, which run without any grant; "
        "may be given several times",
    )
    parser.add_argument(
        "--no-code",
        action="store_true",
        help="do not let models run source code, or make tools of it",
    )
    parser.add_argument(
        "--no-approvals",
        action="store_true",
        help="do not have clients ask a person about what a tool was denied",
    )
    parser.add_argument(
        "--agents",
        metavar="FILE",
        help="run the agents of this tree file too; clients may ask those that it exposes and send to them",
    )
    parser.add_argument(
        "--mesh",
        action="store_true",
        help="have the tools of the other nodes of a mesh too, and serve them this node's",
    )
    parser.add_argument(
        "--no-build",
        action="store_true",
        help="build nothing in the background: neither bundled tools, nor what was kept of code",
    )
    mesh_flags.add_mesh(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until the input ends or a signal comes."""
    import anyio  # the server's libraries are loaded only here

    config = wiring.read(args)
    logging.getLogger().setLevel(logging.DEBUG if args.verbose else config.log.upper())
    tree = _tree(config, args.agents)
    config = config if tree is None else tree.config
    options = replace(
        config.server,
        version=__version__,
        tools=args.tools or config.server.tools,
        allow_load=(*(args.allow_load or ()), *config.server.allow_load),
        code=config.server.code and not args.no_code,
        warm=True,
        approvals=config.server.approvals and not args.no_approvals,
    )
    address = _address(args.http, config)
    access = settings.access(config) if address is not None else None
    with (
        contextlib.nullcontext() if tree is None else tree.claimed(),
        wiring.open_runtime(
            config,
            # Agents are components by name: they start when all of these are known.
            patience=_PATIENCE_S if tree is None else None,
            audit=config.audit,
            compiling=not args.no_build,
            environ=None if tree is None else tree.environ,
        ) as runtime,
        _builds(config, wanted=not args.no_build),
        _mesh(args, config, runtime),
    ):
        runtime.note(event("server", transport="http" if address else "stdio", detail="started"))
        if address is None:
            from mcp_wasm.server.stdio import serve_stdio

            serving: Serve = partial(serve_stdio, runtime, options)
        else:
            from mcp_wasm.server.http import serve_http

            token = args.token or config.http.token
            serving = partial(serve_http, runtime, options, *address, token, access=access)
        if tree is None:
            anyio.run(serving)
        else:
            from mcp_wasm.cli.serve_agents import serve_with

            anyio.run(serve_with, runtime, tree, serving)
        if runtime.denied:
            _log.warning("%s", _sum(runtime.denied))
    return 0


def _tree(config: Config, file: str | None) -> Tree | None:
    """The tree of agents that is to be served."""
    if file is None:
        return None
    from mcp_wasm.cli import agents_tree  # what most servers never need

    return agents_tree.read(config, file)


def _mesh(
    args: argparse.Namespace, config: Config, runtime: Runtime
) -> contextlib.AbstractContextManager[object]:
    """This server as a node of a mesh, if it is to be one."""
    if not args.mesh:
        return contextlib.nullcontext()
    found = mesh_flags.joining(args, config)
    from mcp_wasm.cli.worker import room  # the mesh's libraries are loaded only here
    from mcp_wasm.mesh.beside import tools_beside

    return tools_beside(
        wiring.home(config), found.options, runtime, room(config), node=found.node, key=found.key
    )


def _sum(denied: Mapping[tuple[str, str], int]) -> str:
    """How much was denied while the server ran; ``mcp-wasm audit`` has each attempt."""
    counts = (
        f"{component} {capability} {number:,}" for (component, capability), number in sorted(denied.items())
    )
    return f"Denied while serving: {', '.join(counts)}"


def _address(given: str | None, config: Config) -> tuple[str, int] | None:
    """Host and port to listen on, or None for stdio."""
    if given is None:
        return None if config.http.port is None else (config.http.host, config.http.port)
    host, colon, port = given.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if colon else config.http.host
    if not (port.isascii() and port.isdigit()) or int(port) > 65535 or not host:
        raise InvalidSettings("--http", "HOST:PORT or PORT", given)
    return host, int(port)


@contextlib.contextmanager
def _builds(config: Config, *, wanted: bool) -> Iterator[None]:
    """Build missing bundled tools in a process of its own, and end it with the server.

    A process, so that a toolchain's work, its output and its imports stay out of
    the server; the watched folder then shows what is ready.
    """
    from mcp_wasm.build import bundled  # loaded already, where bundled tools are served at all

    folder = wiring.built(config)
    ready = all(bundled.is_current(t, folder) for t in bundled.list_bundled())
    if not (wanted and config.bundled) or (ready and not (config.server.code and _code_to_build(config))):
        yield
        return
    command = [*this_command(), "build", "--background", "--home", str(wiring.home(config))]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _code_to_build(config: Config) -> bool:
    """Whether no runner of Python was ever built here; the process that is started looks closer."""
    return next((wiring.home(config) / "runtimes").glob("runner_python-*"), None) is None


def this_command() -> list[str]:
    """How this very program is started again; ``-P`` keeps the working folder out of the import path."""
    return [sys.executable, "-P", "-m", "mcp_wasm"]
