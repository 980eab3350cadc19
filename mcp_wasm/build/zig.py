"""Zig to a component: the C bindings of the world, their types in Zig, and wasm-tools around the result.

The entry imports the bindings as ``@import("bindings")`` and exports the
functions that they declare: for ``export digest: func(data: list<u8>) ->
string`` of the world ``hash`` that is ``export fn hash_digest(args: *const
bindings.hash_digest_args_t, result: *bindings.wit_string_t) void``. Safety
checks stay in: a mistake traps. The result imports nothing at all.
"""

from __future__ import annotations

from pathlib import Path

from mcp_wasm.build import c, c_types, wasm_tools, zig_bindings
from mcp_wasm.build.confine import Confinement
from mcp_wasm.build.toolchain import Progress, Source, Toolchain
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import BuildFailed

TARGET = ("-target", "wasm32-freestanding")
FLAGS = ("-fno-entry", "-fstrip", "--stack", "262144", "-O", "ReleaseSafe")
C_FLAGS = ("-cflags", "-std=c17", "-O2", "-fno-builtin", "--")
BINDINGS = "bindings.zig"


def compile_source(
    source: Source, cache: Path | None, progress: Progress, confined: Confinement | None = None
) -> bytes:
    """The component of a Zig source.

    Raises:
        BuildFailed: the compiler's or wasm-tools' messages, or a WIT that C guests cannot have.
    """
    with Workspace(source.name, confined=confined) as space:
        folder = space.submit(source.folder, "source", source.texts)
        if not (folder / source.entry).is_file():
            raise BuildFailed(source.name, f"there is no file {source.entry}")
        c.write_bindings(space, folder, source)
        stem, caches = c_types.snake(source.world), c.zig_caches(space, cache)
        header = (folder / f"{stem}.h").read_text(encoding="utf-8")
        (folder / BINDINGS).write_text(zig_bindings.translate(header), encoding="utf-8")
        progress(f"compiling {source.name} with zig")
        core = space.work / "core.wasm"
        argv = [*c.zig_command(), "build-exe", *FLAGS, f"-femit-bin={core}", "--dep", "bindings", *TARGET]
        argv += [*C_FLAGS, f"{stem}_bindings.c", "wit.c", f"-Mroot={source.entry}", f"-Mbindings={BINDINGS}"]
        space.run(argv, cwd=folder, environment=caches, reads=[c.zig_folder()], children=True)
        return wasm_tools.componentize(space, core, source.wit, source.world)


TOOLCHAIN = Toolchain("zig", "zig", c.INSTALL, c.available, c.version, compile_source)
