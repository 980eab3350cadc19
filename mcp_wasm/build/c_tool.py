"""C with a C library to a component of a world: the bindings, and wasi-libc below them.

For sources that a model or a stranger wrote this is also the quick way: three
confined processes, none of which keeps anything. What a source does not use is
not in the component, so that one which only computes imports nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

from mcp_wasm.build import c_bindings, c_library, c_program, c_types, wasm_tools
from mcp_wasm.build.c_library import Library
from mcp_wasm.build.workspace import Workspace

PACKAGE = "libc"
"""Named among a source's ``packages`` it asks for the library, as an include of one of its headers does."""

FREESTANDING = frozenset(
    f"{name}.h"
    for name in (
        "float",
        "iso646",
        "limits",
        "stdalign",
        "stdarg",
        "stdbool",
        "stddef",
        "stdint",
        "stdnoreturn",
    )
)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<([^>\n]+)>", re.MULTILINE)
_PRINTS = "stdio.h"
FLAGS = ("-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-I.", f"-D{c_library.HOSTED}")
STACK = 1024 * 1024


def headers_of(folder: Path) -> frozenset[str]:
    """The headers in angle brackets that the C files of a folder include."""
    files = (path for pattern in ("*.c", "*.h") for path in folder.glob(pattern))
    return frozenset(name for path in files for name in _INCLUDE.findall(path.read_text("utf-8", "replace")))


def wants_library(headers: frozenset[str], packages: tuple[str, ...]) -> bool:
    """Whether sources that include ``headers`` need a C library."""
    return PACKAGE in packages or bool(headers - FREESTANDING)


def compile_tool(space: Workspace, folder: Path, library: Library, wit: str, world: str) -> bytes:
    """The component of the C files in ``folder``, which is in ``space`` and gets the bindings beside them.

    Raises:
        BuildFailed: the compiler's, the linker's or wasm-tools' words.
    """
    printing = _PRINTS in headers_of(folder)
    write_bindings(space, folder, wit, world)
    path = space.write("typed/world.wit", wit)
    section = wasm_tools.world_section(space, path, world)
    built = []
    for file in sorted(folder.glob("*.c")):
        built.append(file.with_suffix(".o"))
        argv = [*c_library.compiler(*FLAGS), file.name, "-o", built[-1].name]
        space.run(argv, cwd=folder, reads=c_library.headers())
    own = c_library.OF_PRINTING_TOOLS if printing else c_library.OF_TOOLS
    return c_program.link(space, library, built, own, section + library.section("libc"))


def write_bindings(space: Workspace, folder: Path, wit: str, world: str) -> None:
    """Put ``wit.h`` and the generated bindings of a world into ``folder``.

    Raises:
        BuildFailed: the WIT is wrong, or has what C guests cannot have.
    """
    header, glue = c_bindings.generate(wasm_tools.describe(space, wit), world)
    stem = c_types.snake(world)
    (folder / f"{stem}.h").write_text(header, encoding="utf-8")
    (folder / f"{stem}_bindings.c").write_text(glue, encoding="utf-8")
    (folder / "wit.h").write_bytes((c_library.GUEST.parent / "wit.h").read_bytes())
