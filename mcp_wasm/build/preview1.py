"""Core modules for WASI preview 1 as components: our adapter goes below them, and needs no toolchain.

The adapter (``guest/preview1.wat``) is WebAssembly text of this project; Rust and
Go guests print, sleep and read clocks through it.
"""

from __future__ import annotations

import functools
from pathlib import Path

from mcp_wasm.build import wasm_tools
from mcp_wasm.build.workspace import Workspace

GUEST = Path(__file__).parent / "guest"
_NAME = "wasi_snapshot_preview1"


@functools.cache
def adapter() -> bytes:
    """The adapter as wasm-tools takes it, made once in a process.

    Raises:
        ToolchainMissing: wasm-tools is not installed.
    """
    with Workspace("the adapter of WASI preview 1", seconds=60) as space:
        text = space.write("preview1.wat", (GUEST / "preview1.wat").read_bytes())
        wit = space.write("preview1.wit", (GUEST / "preview1.wit").read_bytes())
        bare, out = space.work / "bare.wasm", space.work / "adapter.wasm"
        space.run([wasm_tools.program(), "parse", text, "-o", bare])
        space.run([wasm_tools.program(), "component", "embed", wit, bare, "-w", "adapter", "-o", out])
        return space.read(out)


def componentize(space: Workspace, core: Path, wit: str, world: str) -> bytes:
    """The component of ``world`` around a module that may import preview 1.

    Raises:
        BuildFailed: the module does not export what the world says.
    """
    path, below = space.write("wit/world.wit", wit), space.write("adapter.wasm", adapter())
    embedded, out = space.work / "embedded.wasm", space.work / "component.wasm"
    space.run([wasm_tools.program(), "component", "embed", path, core, "-w", world, "-o", embedded])
    adapted = f"{_NAME}={below}"
    space.run([wasm_tools.program(), "component", "new", embedded, "--adapt", adapted, "-o", out])
    return space.read(out)
