"""The C library of guests, made once: zig's wasi-libc, and WASI 0.2 below it.

zig brings the sources of a C library for WASI preview 1. It is compiled by zig
itself, with a program of ours that no model wrote, and what comes of it is kept
in a folder beside our own objects (``guest/libc``), which define the functions
of preview 1 over WASI 0.2. Of the versions that it was made for both are shipped
(``c_shipped``) and only unpacked. After that a compile of a program is one call of the
compiler, one of the linker and one of wasm-tools, and none of them writes here.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mcp_wasm.build import c_shipped, wasm_tools
from mcp_wasm.build.toolchain import Progress, silent
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import BuildFailed, ToolchainMissing

INSTALL = "pip install 'mcp-wasm[build]'"
GUEST = Path(__file__).parent / "guest" / "libc"
ARCHIVES = ("libc.a", "libzigc.a", "libcompiler_rt.a")
EMULATED = ("PROCESS_CLOCKS", "SIGNAL", "GETPID", "MMAN")
"""Parts of POSIX that wasi-libc only imitates and declares when asked by name: ``clock()`` is one of them."""

SHARED = ("descriptors", "paths", "stdio", "system", "table", "text")
OF_PROGRAMS = ("checks", "json", "run")
OF_TOOLS = ("arena", "wit")
OF_PRINTING_TOOLS = (*OF_TOOLS, "flush")
"""Our own objects: of every guest with a C library; then of programs, of tools, of tools that print."""

TARGET = "--target=wasm32-wasip1"
HOSTED = "MCP_WASM_LIBC"
"""Tells the helpers of tools (``guest/wit.c``) that there is a C library."""
EXCEPTIONS = ("-mexception-handling", "-mllvm", "-wasm-enable-sjlj", "-mllvm", "-wasm-use-legacy-eh=false")
"""``longjmp``, and with it ``exit``, are exceptions of WebAssembly as it was standardised."""

_FIRST = '#include <stdio.h>\nint main(void) { return printf(""); }\n'
_MAKING = threading.Lock()
_Make = Callable[[Workspace, Path], None]


@dataclass(frozen=True, slots=True)
class Library:
    """A prepared C library: zig's part in ``below``, ours in ``folder``; nothing in them changes any more."""

    folder: Path
    below: Path

    def objects(self, *names: str) -> list[Path]:
        """Paths of our own objects."""
        return [self.folder / f"{name}.o" for name in names]

    def archives(self) -> list[Path]:
        """Paths of the archives, in the order in which the linker wants them."""
        return [self.below / name for name in ARCHIVES]

    def section(self, world: str) -> bytes:
        """The custom section that tells wasm-tools the types of ``program`` or ``libc`` (``world.wit``)."""
        return (self.folder / f"{world}.section").read_bytes()


@functools.cache
def zig() -> Path:
    """The zig program itself; the Python around it costs ten times as long to start.

    Raises:
        ToolchainMissing: it is not installed.
    """
    spec = importlib.util.find_spec("ziglang")
    path = None if spec is None or spec.origin is None else Path(spec.origin).parent
    program = None if path is None else path / ("zig.exe" if os.name == "nt" else "zig")
    if program is None or not program.is_file():
        raise ToolchainMissing("zig", INSTALL)
    return program


def unavailable() -> str | None:
    """None, or why no C can be compiled here."""
    try:
        zig(), wasm_tools.program()
    except ToolchainMissing as missing:
        return str(missing)
    return None


def headers() -> list[Path]:
    """The folders of the C library's headers and the compiler's own, in the order of their search."""
    library = zig().parent / "lib"
    return [library / "include", *(library / "libc/include" / n for n in ("wasm-wasi-musl", "generic-musl"))]


def compiler(*flags: str) -> list[str]:
    """How one file is compiled for this library; ``flags`` come on top."""
    searched = [part for folder in headers() for part in ("-isystem", str(folder))]
    imitated = [f"-D_WASI_EMULATED_{name}" for name in EMULATED]
    plain = (TARGET, "-c", "-std=gnu17", "-nostdlibinc", "-fno-color-diagnostics")
    return [str(zig()), "clang", *plain, *searched, *imitated, *EXCEPTIONS, *flags]


@functools.cache
def key() -> str:
    """16 hex digits that name the versions and sources that a prepared library is made of.

    Raises:
        ToolchainMissing: zig or wasm-tools is not installed.
    """
    made_of = hashlib.sha256()
    for part in (_below(), wasm_tools.version(), TARGET, *EXCEPTIONS):
        made_of.update(f"{part}\n".encode())
    for path in sorted([*GUEST.iterdir(), *GUEST.parent.glob("wit.*"), Path(__file__)]):
        made_of.update(path.read_bytes())
    return made_of.hexdigest()[:16]


def _below() -> str:
    """The name of the folder of zig's part, which outlives changes of ours."""
    zig()  # without it there is no version to be had, and no words for that
    return f"wasi-libc-{importlib.metadata.version('ziglang')}"


def folders() -> tuple[str, str]:
    """The names of the folders of zig's part and of ours.

    Raises:
        ToolchainMissing: zig or wasm-tools is not installed.
    """
    return _below(), f"c-{key()}"


def is_prepared(runtimes: Path) -> bool:
    """Whether ``prepare`` has nothing to compile."""
    return all((runtimes / name).is_dir() or c_shipped.has(name) for name in folders())


def prepare(runtimes: Path, progress: Progress = silent, *, shipped: bool = True) -> Library:
    """The library, kept in folders below ``runtimes``.

    At first it is unpacked there, or, where another version is shipped or none (or
    ``shipped`` is not wanted), made there, which takes half a minute.

    Raises:
        ToolchainMissing: zig or wasm-tools is not installed.
        BuildFailed: making it failed.
    """
    with _MAKING:
        below, own = (runtimes / name for name in folders())
        for kept, make, doing in (
            (below, _make_below, "compiling the C library, once"),
            (own, _make_own, "compiling what is below the C library"),
        ):
            if not kept.is_dir():
                _settled(kept, make, partial(progress, doing), shipped)
        return Library(own, below)


def _settled(kept: Path, make: _Make, tell: Callable[[], None], shipped: bool) -> None:
    """Make a folder beside its place and put it there whole; another process may be faster, with the same."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="making-", dir=kept.parent))
    try:
        if not (shipped and c_shipped.unpack(kept.name, made)):
            tell()
            with Workspace("the C library", seconds=600) as space:
                make(space, made)
        made.rename(kept)
    except OSError:
        if not kept.is_dir():
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _make_below(space: Workspace, into: Path) -> None:
    caches = {name: str(space.folder / name) for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    first = space.write("first.c", _FIRST)
    space.run([zig(), "cc", "-target", "wasm32-wasi", "-O2", "-s", first], environment=caches)
    for name in ARCHIVES:
        found = sorted((space.folder / "ZIG_GLOBAL_CACHE_DIR" / "o").glob(f"*/{name}"))
        if len(found) != 1:
            raise BuildFailed("the C library", f"zig made {len(found)} archives {name}; expected one")
        # Made anew of the same objects: as zig made it, it names the folder of each.
        objects = space.run([zig(), "ar", "t", found[0]], environment=caches).splitlines()
        space.run([zig(), "ar", "qcsD", into / name, *objects], environment=caches)


def _make_own(space: Workspace, into: Path) -> None:
    # A function of the C library must not be compiled into a call of itself.
    own = compiler("-Os", "-Wall", "-Wextra", "-Werror", "-fno-builtin", "-D_GNU_SOURCE", f"-D{HOSTED}")
    for name in (*SHARED, *OF_PROGRAMS, "arena", "flush"):
        space.run([*own, GUEST / f"{name}.c", "-o", into / f"{name}.o"])
    space.run([*own, GUEST.parent / "wit.c", "-o", into / "wit.o"])
    jumps = zig().parent / "lib/libc/wasi/libc-top-half/musl/src/setjmp/wasm32/rt.c"
    space.run([*compiler("-Os"), jumps, "-o", into / "jumps.o"])
    space.run([zig(), "clang", TARGET, "-c", "-mexception-handling", GUEST / "tag.s", "-o", into / "tag.o"])
    for world in ("program", "libc"):
        section = wasm_tools.world_section(space, GUEST / "world.wit", world)
        (into / f"{world}.section").write_bytes(section)
