"""A standalone component of a JavaScript or TypeScript source and its signature: the runner with an adapter.

The source goes in as data, into the very runner that runs it otherwise, so that
the component takes the same and gives the same. A small adapter, generated in C,
gives the runner the typed world. Nothing of the source is run while it is built.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from mcp_wasm.build import c_library, c_program, c_tool, docs, script_adapter, wasm_tools
from mcp_wasm.build.c_library import Library
from mcp_wasm.build.script_python import GUESTS, TOOLS, tools_wit
from mcp_wasm.build.signature import wit
from mcp_wasm.build.signature.model import Signature
from mcp_wasm.build.toolchain import Progress, silent
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.component.types import Function

RUNNER = "runner"
INTERFACE = "api"
_IMPORT = "import runner: interface { run: func(request: string) -> string; }"


def world_text(signature: Signature) -> str:
    """The WIT text of the component; types that use types are in an interface, with the functions.

    wasm-tools cannot put components together of which one has such types in its world.
    """
    return wit.text(signature, interface=interface_of(each.function for each in signature.functions))


def interface_of(functions: Iterable[Function]) -> str:
    """The interface of the component that has the functions, ``""`` where the world itself has them."""
    return INTERFACE if wit.has_nested(functions) else ""


def compile_script(
    code: str,
    signature: Signature,
    runner: Path,
    library: Library,
    *,
    language: str = "javascript",
    file: str = "code.js",
    progress: Progress = silent,
) -> bytes:
    """The component of ``code``, with its docs; ``file`` is what tracebacks call the source.

    ``runner`` is the component that runs ``language``; ``library`` is what
    ``c_library.prepare`` made.

    Raises:
        BuildFailed: what the toolchain said.
        ToolchainMissing: zig or wasm-tools is not installed.
    """
    text = world_text(signature)
    with Workspace(signature.world) as space:
        progress(f"compiling the adapter of {signature.world} with zig cc")
        common = {"language": language, "code": code, "file": file}
        adapter = _adapter(space, signature, wit.without_docs(text), common, library)
        progress(f"putting {signature.world} and its runner together")
        inner = runner if "tools" in code else _without_tools(space, runner)
        return docs.attach(_composed(space, adapter, inner, RUNNER), text, signature.world)


def _adapter(
    space: Workspace, signature: Signature, text: str, common: dict[str, str], library: Library
) -> Path:
    folder = space.work / "adapter"
    folder.mkdir()
    c_tool.write_bindings(space, folder, text, signature.world)
    source = script_adapter.generate(
        wasm_tools.describe(space, text),
        signature,
        common,
        interface_of(each.function for each in signature.functions),
    )
    (folder / "adapter.c").write_text(source, encoding="utf-8")
    (folder / "adapter.h").write_bytes((GUESTS / "exported" / "adapter.h").read_bytes())
    importing = space.write("importing/world.wit", text.replace(" {\n", f" {{\n    {_IMPORT}\n", 1))
    section = wasm_tools.world_section(space, importing, signature.world)
    built = []
    for file in sorted(folder.glob("*.c")):
        built.append(file.with_suffix(".o"))
        argv = [*c_library.compiler(*c_tool.FLAGS), file.name, "-o", built[-1].name]
        space.run(argv, cwd=folder, reads=c_library.headers())
    sections = section + library.section("libc")
    made = c_program.link(space, library, built, c_library.OF_TOOLS, sections)
    return space.write("adapter.wasm", made)


def _without_tools(space: Workspace, runner: Path) -> Path:
    """The runner with an end to its import of tools, which no other runtime has: it is never called."""
    text = f"{tools_wit()}\nworld stub {{ export call; }}\n"
    path, core, stub = space.write("stub/world.wit", text), space.work / "stub.core", space.work / "stub.wasm"
    tool = wasm_tools.program()
    space.run([tool, "component", "embed", "--dummy", path, "-w", "stub", "-o", core])
    space.run([tool, "component", "new", core, "-o", stub])
    return space.write("alone/runner.wasm", _composed(space, runner, stub, TOOLS))


def _composed(space: Workspace, component: Path, part: Path, name: str) -> bytes:
    """``component`` with ``part`` in the place of its import ``name``."""
    with tempfile.TemporaryDirectory(dir=space.work) as made:
        out, chosen = Path(made) / "composed.wasm", Path(made) / "compose.yml"
        chosen.write_text(f"dependencies:\n  {name!r}: {str(part)!r}\n", encoding="utf-8")
        space.run([wasm_tools.program(), "compose", "-c", chosen, component, "-o", out])
        return out.read_bytes()
