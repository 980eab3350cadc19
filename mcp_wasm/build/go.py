"""Go to a component: Go's compiler and linker, glue out of the source's signatures, and wasm-tools.

One file and the standard library; no modules, no cgo, no files to embed. Both
programs run confined as every compiler does, and read the library that
``go_library`` keeps. The component's garbage collector and scheduler are Go's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mcp_wasm.build import go_glue, go_library, preview1, wasm_tools
from mcp_wasm.build.confine import Confinement
from mcp_wasm.build.signature import compiled, go, wit
from mcp_wasm.build.toolchain import Progress, Source, Toolchain
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.component.types import Function
from mcp_wasm.errors import BuildFailed

WORLD = "exported"


def prepare(code: str, file: str, world: Sequence[Function] = ()) -> tuple[str, dict[str, str]]:
    """The WIT of a source (world ``WORLD``), and the files to compile: the source and its glue.

    With ``world``, the functions of a given one, the glue is for these.

    Raises:
        SignatureRefused: it cannot be typed, or is not what ``world`` wants.
    """
    found = go.read(code, world=WORLD, file=file)
    functions = compiled.fitted(found.functions, world, file) if world else ()
    chosen = functions or tuple(each.function for each in found.functions)
    by_name = {each.name: each.code_name for each in found.functions}
    named = [(by_name[each.name], each) for each in chosen]
    glue = go_glue.glue(named, found.enums, with_main=not found.has_main)
    return wit.text(found.signature), {file: code, go_glue.GLUE: glue}


def available() -> str | None:
    """None, or why Go cannot be compiled here."""
    return go_library.unavailable()


def version() -> str:
    """The versions of Go and wasm-tools."""
    return f"{go_library.go().version}, {wasm_tools.version()}"


def compile_source(
    source: Source, cache: Path | None, progress: Progress, confined: Confinement | None = None
) -> bytes:
    """The component of a folder that ``prepare`` gave the files of.

    Raises:
        BuildFailed: the compiler's, the linker's or wasm-tools' messages.
    """
    installed = go_library.go()
    with Workspace(source.name, confined=confined) as space:
        folder = space.submit(source.folder, "source", source.texts)
        if not (folder / source.entry).is_file():
            raise BuildFailed(source.name, f"there is no file {source.entry}")
        library = go_library.prepare(space.folder / "runtimes" if cache is None else cache, progress)
        progress(f"compiling {source.name} with Go")
        config, around = (
            space.write("importcfg", go_library.configuration(library)),
            go_library.environment(space),
        )
        tools = installed.root / "pkg" / "tool"
        archive, core = space.work / "main.a", space.work / "core.wasm"
        files = sorted(path.name for path in folder.glob("*.go"))
        compile_: list[str | Path] = [
            installed.tool("compile"),
            "-p",
            "main",
            "-complete",
            "-pack",
            "-trimpath",
            folder,
        ]
        compile_ += ["-importcfg", config, "-o", archive, *files]
        space.run(compile_, cwd=folder, environment=around, reads=[library, tools])
        link: list[str | Path] = [
            installed.tool("link"),
            "-buildmode=c-shared",
            "-s",
            "-w",
            "-importcfg",
            config,
            "-o",
            core,
            archive,
        ]
        space.run(link, cwd=folder, environment=around, reads=[library, tools])
        return preview1.componentize(space, core, source.wit, source.world)


TOOLCHAIN = Toolchain("go", "Go", go_library.INSTALL, available, version, compile_source)
