"""WebAssembly text to a component, with nothing but wasm-tools, which the package itself depends on.

The text is either a component or a core module that follows the canonical ABI
of the world; a module becomes a component here.
"""

from __future__ import annotations

from pathlib import Path

from mcp_wasm.build import wasm_tools
from mcp_wasm.build.confine import Confinement
from mcp_wasm.build.toolchain import Progress, Source, Toolchain
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import BuildFailed, ToolchainMissing

COMPONENT_LAYER = b"\0asm\x0d\0\x01\0"
"""How a component binary begins; a core module has version 1 and layer 0."""


def available() -> str | None:
    """None, or why wasm-tools cannot be used."""
    try:
        wasm_tools.program()
    except ToolchainMissing as missing:
        return str(missing)
    return None


def compile_source(
    source: Source, _cache: Path | None, progress: Progress, confined: Confinement | None = None
) -> bytes:
    """The component of a WebAssembly text.

    Raises:
        BuildFailed: the text is wrong or does not export what the world says.
    """
    progress(f"assembling {source.name}")
    with Workspace(source.name, confined=confined) as space:
        entry = space.submit(source.folder, "source", source.texts) / source.entry
        if not entry.is_file():
            raise BuildFailed(source.name, f"there is no file {source.entry}")
        binary = wasm_tools.assemble(space, entry)
        if space.read(binary).startswith(COMPONENT_LAYER):
            return space.read(binary)
        bare = space.work / "core.wasm"
        # Names and other custom sections of the text are of no use to those who run it.
        space.run([wasm_tools.program(), "strip", "--all", binary, "-o", bare])
        return wasm_tools.componentize(space, bare, source.wit, source.world)


TOOLCHAIN = Toolchain("wat", "wasm-tools", wasm_tools.INSTALL, available, wasm_tools.version, compile_source)
