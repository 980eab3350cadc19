"""Rust to a component: the person's own rustc, glue out of the source's signatures, and wasm-tools.

One file, the standard library, no crates: there is no cargo here and so no build
script. rustc runs confined as every compiler does, since a source names files
(``include_str!``, ``#[path]``) and reads the environment (``env!``) of its build.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mcp_wasm.build import preview1, rust_found, rust_glue, wasm_tools
from mcp_wasm.build.confine import Confinement
from mcp_wasm.build.signature import compiled, rust, wit
from mcp_wasm.build.toolchain import Progress, Source, Toolchain
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.component.types import Function
from mcp_wasm.errors import BuildFailed

WORLD = "exported"
FLAGS = (
    "--edition=2021", "--crate-type=cdylib", "--crate-name=exported", f"--target={rust_found.TARGET}",
    "-Copt-level=2", "-Cpanic=abort", "-Cstrip=symbols", "-Ccodegen-units=1", "--cap-lints=warn",
)  # fmt: skip


def prepare(code: str, file: str, world: Sequence[Function] = ()) -> tuple[str, dict[str, str]]:
    """The WIT of a source (world ``WORLD``), and the files to compile: the source with its glue.

    With ``world``, the functions of a given one, the glue is for these.

    Raises:
        SignatureRefused: it cannot be typed, or is not what ``world`` wants.
    """
    found = rust.read(code, world=WORLD, file=file)
    functions = compiled.fitted(found.functions, world, file) if world else ()
    chosen = functions or tuple(each.function for each in found.functions)
    by_name = {
        each.name: (each.code_name, how) for each, how in zip(found.functions, found.passed, strict=True)
    }
    named = [(by_name[each.name][0], each) for each in chosen]
    passed = [by_name[each.name][1] for each in chosen]
    files = {
        file: code + rust_glue.MODULE,
        rust_glue.GLUE: rust_glue.glue(named, passed, found.made),
        rust_glue.RUNTIME: (preview1.GUEST / "rust" / "wit.rs").read_text(encoding="utf-8"),
    }
    return wit.text(found.signature), files


def available() -> str | None:
    """None, or why Rust cannot be compiled here."""
    return rust_found.unavailable()


def version() -> str:
    """The versions of the compiler and wasm-tools."""
    return f"{rust_found.compiler().version}, {wasm_tools.version()}"


def compile_source(
    source: Source, _cache: Path | None, progress: Progress, confined: Confinement | None = None
) -> bytes:
    """The component of a folder that ``prepare`` gave the files of.

    Raises:
        BuildFailed: the compiler's or wasm-tools' messages.
    """
    compiler = rust_found.compiler()
    with Workspace(source.name, confined=confined) as space:
        folder = space.submit(source.folder, "source", source.texts)
        if not (folder / source.entry).is_file():
            raise BuildFailed(source.name, f"there is no file {source.entry}")
        progress(f"compiling {source.name} with rustc")
        core = space.work / "core.wasm"
        flavor = ["-Clinker-flavor=wasm-ld"] if compiler.linker.name.startswith("wasm-ld") else []
        argv: list[str | Path] = [
            compiler.program,
            source.entry,
            *FLAGS,
            f"-Clinker={compiler.linker}",
            *flavor,
            "-o",
            core,
        ]
        space.run(argv, cwd=folder, reads=[compiler.libraries, compiler.linker], children=True)
        return preview1.componentize(space, core, source.wit, source.world)


TOOLCHAIN = Toolchain("rust", rust_found.NAME, rust_found.INSTALL, available, version, compile_source)
