"""C to a component: generated bindings, ``zig cc`` without a C library, and wasm-tools around it.

Every ``*.c`` file of the source's folder is compiled; the entry is only named
in errors. The result imports nothing at all. A source that includes headers of
a C library, or names ``libc`` among its packages, gets one (``c_tool``).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from pathlib import Path

from mcp_wasm.build import c_bindings, c_library, c_tool, c_types, confine, wasm_tools
from mcp_wasm.build.confine import Confinement
from mcp_wasm.build.toolchain import Progress, Source, Toolchain
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import ToolchainMissing

INSTALL = "pip install 'mcp-wasm[build]'"
GUEST = Path(__file__).parent / "guest"
FLAGS = (
    "-target", "wasm32-freestanding", "-std=c17", "-O2", "-s", "-nostdlib", "-fno-builtin",
    "-Wall", "-Wextra", "-Werror", "-Wl,--no-entry", "-Wl,-z,stack-size=65536",
)  # fmt: skip


def available() -> str | None:
    """None, or why zig cannot be used."""
    if importlib.util.find_spec("ziglang") is None:
        return "the Python package ziglang is missing"
    return None


def version() -> str:
    """The versions of zig and wasm-tools."""
    return f"zig {importlib.metadata.version('ziglang')}, {wasm_tools.version()}"


def compile_source(
    source: Source, cache: Path | None, progress: Progress, confined: Confinement | None = None
) -> bytes:
    """The component of a C source.

    Raises:
        BuildFailed: the compiler's or wasm-tools' messages, or a WIT that C guests cannot have.
    """
    with Workspace(source.name, confined=confined) as space:
        folder = space.submit(source.folder, "source", source.texts)
        if c_tool.wants_library(c_tool.headers_of(folder), source.packages):
            kept = space.folder / "runtimes" if cache is None else cache
            library = c_library.prepare(kept, progress)
            progress(f"compiling {source.name}")
            return c_tool.compile_tool(space, folder, library, source.wit, source.world)
        write_bindings(space, folder, source)
        progress(f"compiling {source.name} with zig cc")
        core = space.work / "core.wasm"
        files = sorted(path.name for path in folder.glob("*.c"))
        argv = [*zig_command(), "cc", *FLAGS, "-o", str(core), *files]
        space.run(argv, cwd=folder, environment=zig_caches(space, cache), reads=[zig_folder()], children=True)
        return wasm_tools.componentize(space, core, source.wit, source.world)


def write_bindings(space: Workspace, folder: Path, source: Source) -> None:
    """Put the runtime and the generated bindings of the source's world into ``folder``."""
    c_tool.write_bindings(space, folder, source.wit, source.world)
    (folder / "wit.c").write_bytes((GUEST / "wit.c").read_bytes())


def header(wit: str, world: str) -> str:
    """What an author includes: ``wit.h``, the types of ``world`` in C, and the functions to write.

    Raises:
        BuildFailed: the WIT is wrong, or has what C guests cannot have.
    """
    runtime = (GUEST / "wit.h").read_text(encoding="utf-8")
    return f'/* In a source: #include "{c_types.snake(world)}.h" */\n\n{runtime}\n{declarations(wit, world)}'


def declarations(wit: str, world: str) -> str:
    """The part of ``header`` that is of this world: its types, and the functions to write.

    Raises:
        BuildFailed: as ``header``.
    """
    with Workspace(f"the header of {world}", seconds=30, confined=confine.where_possible()) as space:
        return c_bindings.generate(wasm_tools.describe(space, wit), world)[0]


def zig_folder() -> Path:
    """The folder of the Python package, which holds the program and what it reads.

    Raises:
        ToolchainMissing: it is not installed.
    """
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise ToolchainMissing("zig", INSTALL)
    return Path(spec.origin).parent


def zig_command() -> list[str]:
    """How zig is started: the program itself, without the Python around it."""
    return [str(zig_folder() / ("zig.exe" if os.name == "nt" else "zig"))]


def zig_caches(space: Workspace, cache: Path | None) -> dict[str, str]:
    """Where zig keeps what it compiles of its own; unconfined, ``cache`` keeps it for the next build."""
    # A confined program can write nowhere but in the scratch folder, and poisons no later build.
    kept = space.folder / "zig" if cache is None or space.confined is not None else cache / "zig"
    kept.mkdir(parents=True, exist_ok=True)
    return {"ZIG_GLOBAL_CACHE_DIR": str(kept), "ZIG_LOCAL_CACHE_DIR": str(space.folder / "zig-local")}


TOOLCHAIN = Toolchain("c", "zig", INSTALL, available, version, compile_source)
