"""A C program, as models write them, to a component that runs it: ``main``, standard streams, files.

The source is compiled as it is, so that lines and columns of messages are its
own. The component exports ``run(request) -> answer`` as a runner does
(``guest/libc/run.c``). What C leaves undefined and the compiler can see at run
time, as a null pointer, an index outside of an array or a division by zero, ends
the program with an error that names the line; signed overflow wraps around.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.parsers.expat import ExpatError

from mcp_wasm.build import c_library, wasm_tools
from mcp_wasm.build.c_library import Library
from mcp_wasm.build.confine import Confinement
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import BuildFailed, Message

SECONDS = 30.0
MAX_SOURCE = 1024 * 1024
WARNINGS = 20

CHECKS = (
    "-fsanitize=null,array-bounds,integer-divide-by-zero,unreachable,vla-bound",
    "-fno-sanitize-recover=all", "-fwrapv", "-fno-strict-aliasing", "-fno-delete-null-pointer-checks",
    "-fno-builtin-malloc", "-fno-builtin-calloc", "-fno-builtin-realloc",
)  # fmt: skip
FLAGS = ("-O1", "-Wall", "-Wno-unused", "-Wno-unknown-pragmas", *CHECKS)
LINK = ("--no-entry", "--gc-sections", "--stack-first", "--strip-debug", "-z", "stack-size=8388608")
"""The stack lies below everything else: past its end is no memory, and a recursion without end traps."""

_RESULT = re.compile(
    r"^[ \t]*(?:static[ \t]+)?(?:const[ \t]+)?char[ \t]*\*[ \t]*(result|run)[ \t]*"
    r"\([ \t]*(?:const[ \t]+)?char[ \t]*(?:const[ \t]*)?\*[ \t]*\w*[ \t]*\)\s*\{",
    re.MULTILINE,
)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_MAIN = re.compile(r"\bmain[ \t]*\(")


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled program: the bytes of its component, and what the compiler warned of."""

    component: bytes
    warnings: tuple[Message, ...]


def compile_program(
    library: Library, source: str, file: str = "code.c", confined: Confinement | None = None
) -> Program:
    """The component of ``source``, which messages call ``file``.

    Raises:
        BuildFailed: it is too long or has no ``main``, or what the compiler or the linker said.
    """
    if len(source) > MAX_SOURCE:
        raise BuildFailed(file, f"the source has {len(source):,} characters; {MAX_SOURCE:,} are taken")
    plain = _COMMENT.sub(" ", source)
    if not _MAIN.search(plain):
        raise BuildFailed(file, f"{file} has no function main. Write int main(void) {{ … return 0; }}")
    with Workspace(file, seconds=SECONDS, confined=confined) as space:
        space.sources = {file: source}
        space.write(file, source + _result(plain))
        built, log = space.work / "program.o", space.work / "messages.plist"
        logged = ("-Xclang", "-diagnostic-log-file", "-Xclang", log.name)
        argv = [*c_library.compiler(*FLAGS, *logged), file, "-o", built.name]
        space.run(argv, reads=c_library.headers())
        component = link(space, library, [built], c_library.OF_PROGRAMS, library.section("program"))
        return Program(component, _warnings(space, log, file))


def link(
    space: Workspace, library: Library, built: Sequence[Path], own: Sequence[str], sections: bytes
) -> bytes:
    """The component of compiled files, with the C library and the objects ``own`` of ours.

    ``sections`` are the custom sections that say what the core module's imports and
    exports are in WIT (``Library.section``, ``wasm_tools.world_section``).

    Raises:
        BuildFailed: the linker's or wasm-tools' words.
    """
    core, out = space.work / "core.wasm", space.work / "component.wasm"
    objects = library.objects(*own, *c_library.SHARED, "jumps", "tag")
    argv: list[str | Path] = [c_library.zig(), "wasm-ld", *LINK, *built, *objects, *library.archives()]
    space.run([*argv, "-o", core], reads=[library.folder, library.below])
    whole = space.write("whole.wasm", space.read(core) + sections)
    space.run([wasm_tools.program(), "component", "new", whole, "-o", out])
    return space.read(out)


def _result(plain: str) -> str:
    """What is put after a source that has a function for its value, so that no line of it moves."""
    found = _RESULT.search(plain)
    if found is None:
        return "\n"
    name = found[1]
    return (
        '\n#line 1 "result"\n'
        "const char *mcp_wasm_result(const char *input);\n"
        f"const char *mcp_wasm_result(const char *input) {{ return {name}((char *)input); }}\n"
    )


def _warnings(space: Workspace, log: Path, file: str) -> tuple[Message, ...]:
    """The compiler's warnings, of which it wrote a property list.

    The file is empty where it has nothing to say.
    """
    content = space.read(log, 4 * MAX_SOURCE)
    if not content:
        return ()
    try:
        found = plistlib.loads(content, fmt=plistlib.FMT_XML)
    except (ValueError, ExpatError) as error:
        raise BuildFailed(file, f"the compiler's messages cannot be read: {error}") from error
    return tuple(
        Message(file, each.get("line", 0), each.get("column", 0), "warning", each["message"])
        for each in found.get("diagnostics", ())
        if each.get("level") == "warning" and each.get("filename", file) == file
    )[:WARNINGS]
