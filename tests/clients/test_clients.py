"""MCP clients that this project did not write, each in a process of its own with its own dependencies.

Each program in ``programs/`` connects to a real server over stdio, lists the
tools, makes a call that works, one whose function returns an error and, where
the client lets it through, one with wrong arguments.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.server.code_tools import CODE_TOOLS

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".clients"
DEMO = ["demo_add", "demo_find", "demo_nothing", "demo_picture", "demo_repeat", "demo_spin", "demo_trap"]
TOOLS = sorted([*DEMO, *CODE_TOOLS])
"""One schema that a client does not understand, and it shows none of them."""

PYTHON_CLIENTS = {
    "python_sdk_1": "mcp==1.30.0",
    "fastmcp_client": "fastmcp==4.1.2",
    "pydantic_ai_agent": "pydantic-ai-slim[mcp]==2.68.0",
    "langchain_adapters": "langchain-mcp-adapters==0.3.2",
    "openai_agents": "openai-agents==0.24.0",
}
NODE_CLIENTS = {
    "typescript_sdk_1": "@modelcontextprotocol/sdk@1.32.2",
    "typescript_sdk_2": "@modelcontextprotocol/client@2.4.0",
}

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]


def installed(package: str, *command: str) -> Path:
    """The folder in which ``command`` installed ``package``, once for all runs."""
    folder = INSTALLED / hashlib.sha256(package.encode()).hexdigest()[:12]
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run([*(part.format(folder) for part in command), package], check=True, cwd=folder)
        (folder / "done").touch()
    return folder


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The command line of a server with one component, ``demo``."""
    components = tmp_path / "components"
    components.mkdir()
    shutil.copy(HERE.parent / "programs" / "server_tools.wat", components / "demo.wat")
    # Some clients give the server an almost empty environment, so its home is said here.
    home = f"MCP_WASM_HOME={tmp_path / 'home'}"
    return [
        "/usr/bin/env",
        home,
        sys.executable,
        "-m",
        "mcp_wasm",
        "serve",
        "--no-bundled",
        "--components",
        str(components),
    ]


def answer(program: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        program, capture_output=True, text=True, timeout=120, env=os.environ | environment, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(found: dict[str, Any]) -> None:
    assert found["tools"] == TOOLS
    # TestModel makes its own arguments, zeros, and pydantic-ai unwraps the result.
    assert found["added"] == ({"result": 3} if "failed" in found else 0)
    if "failed" in found:
        failed, text = found["failed"]
        assert failed
        assert "no such user" in text
    if "wrong" in found:
        failed, text = found["wrong"]
        assert failed
        assert "/a: expected an integer" in text


@pytest.mark.parametrize("name", PYTHON_CLIENTS)
def test_a_python_client_lists_and_calls(name: str, command: list[str]) -> None:
    folder = installed(PYTHON_CLIENTS[name], sys.executable, "-m", "pip", "install", "-q", "--target", "{}")
    # The interpreter below the virtual environment, so that only the client's own packages are seen.
    python = getattr(sys, "_base_executable", sys.executable)
    program = [python, str(HERE / "programs" / f"{name}.py"), json.dumps(command)]
    check(answer(program, {"PYTHONPATH": str(folder)}))


@pytest.mark.parametrize("name", NODE_CLIENTS)
def test_a_typescript_client_lists_and_calls(name: str, command: list[str], tmp_path: Path) -> None:
    folder = installed(
        NODE_CLIENTS[name], "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", "{}"
    )
    program = Path(shutil.copy(HERE / "programs" / f"{name}.mjs", folder))
    check(answer(["node", str(program), json.dumps(command)], {}))
