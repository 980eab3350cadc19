"""Agents for tests, from WebAssembly text, without a toolchain."""

from __future__ import annotations

import subprocess
from pathlib import Path

from mcp_wasm.build.wasm_tools import program

ROOT = Path(__file__).parents[2]
WIT = ROOT / "wit" / "mcp-wasm-agent-0.1.0"
TEXT = Path(__file__).with_name("agent.wat")


def component(folder: Path, text: Path = TEXT, world: str = "agent", name: str = "agent") -> Path:
    """A component file in ``folder``, of a core module that follows the canonical ABI of ``world``."""
    core, embedded, out = folder / f"{name}.core", folder / f"{name}.embedded", folder / f"{name}.wasm"
    for command in (
        ["parse", text, "-o", core],
        ["component", "embed", WIT, core, "-w", world, "-o", embedded],
        ["component", "new", embedded, "-o", out],
    ):
        subprocess.run([str(program()), *map(str, command)], check=True)
    return out
