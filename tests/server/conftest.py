"""A real runtime with one component, and clients of both protocol eras."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.audit.sink import AuditOptions
from mcp_wasm.runtime import Runtime
from tests.server.coding import coder
from tests.server.stdio_server import Program, Server, Start, command

__all__ = ["coder"]

LEGACY, MODERN = "legacy", "2026-07-28"
ERAS = (LEGACY, MODERN)
"""What the SDK's client calls the handshake and the stateless protocol."""


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    """Both protocol eras, one after the other."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def runtime(home: Path, program: Callable[[str], Path]) -> Iterator[Runtime]:
    """A runtime with the component ``server_tools`` under the name ``demo``."""
    with Runtime(home=home, workers=2) as running:
        running.add(program("server_tools"), name="demo")
        yield running


@pytest.fixture
def start(program: Program) -> Iterator[Start]:
    running: list[Server] = []

    def begin(*settings: str, **streams: Any) -> Server:
        running.append(Server(command(program, *settings), **streams))
        return running[-1]

    yield begin
    for server in running:
        server.process.kill()
        server.process.wait()
        for stream in (server.process.stdin, server.process.stdout, server.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def audited(home: Path, program: Program) -> Iterator[Runtime]:
    """The same, with an audit log."""
    with Runtime(home=home, workers=2, audit=AuditOptions()) as running:
        running.add(program("server_tools"), name="demo")
        yield running
