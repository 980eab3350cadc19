"""The C library of guests, made once: zig's wasi-libc, and WASI 0.2 below it.

zig brings the sources of a C library for WASI preview 1. It is compiled by zig
itself, with a program of ours that no model wrote, and what comes of it is kept
in a folder beside our own objects (``guest/libc``), which define the functions
of preview 1 over WASI 0.2. After that a compile of a program is one call of the
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
from dataclasses import dataclass
from pathlib import Path

from mcp_wasm.build import wasm_tools
from mcp_wasm.build.toolchain import Progress, silent
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import BuildFailed, ToolchainMissing

INSTALL = "pip install 'mcp-wasm[build]'"
GUEST = Path(__file__).parent / "guest" / "libc"
ARCHIVES = ("libc.a", "libzigc.a", "libcompiler_rt.a")
EMULATED = ("PROCESS_CLOCKS", "SIGNAL", "GETPID", "MMAN")
"""Parts of POSIX that wasi-libc only imitates and declares when asked by name: ``clock()`` is one of them."""

SHARED = ("descriptors", "paths", "stdio", "system", "table")
OF_PROGRAMS = ("checks", "json", "run")
"""Objects of our own: what every guest with a C library has, and what only a program that is run has."""

TARGET = "--target=wasm32-wasip1"
EXCEPTIONS = ("-mexception-handling", "-mllvm", "-wasm-enable-sjlj", "-mllvm", "-wasm-use-legacy-eh=false")
"""``longjmp``, and with it ``exit``, are exceptions of WebAssembly as it was standardised."""

_FIRST = '#include <stdio.h>\nint main(void) { return printf(""); }\n'
_MAKING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Library:
    """A prepared C library in ``folder``; nothing in it changes any more."""

    folder: Path

    def objects(self, *names: str) -> list[Path]:
        """Paths of our own objects."""
        return [self.folder / f"{name}.o" for name in names]

    def archives(self) -> list[Path]:
        """Paths of the archives, in the order in which the linker wants them."""
        return [self.folder / name for name in ARCHIVES]

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
    """16 hex digits that name the versions and sources that a prepared library is made of."""
    made_of = hashlib.sha256()
    for part in (importlib.metadata.version("ziglang"), wasm_tools.version(), *compiler()[1:4], *EXCEPTIONS):
        made_of.update(f"{part}\n".encode())
    for path in sorted([*GUEST.iterdir(), Path(__file__)]):
        made_of.update(path.read_bytes())
    return made_of.hexdigest()[:16]


def is_prepared(runtimes: Path) -> bool:
    """Whether ``prepare`` has nothing to do."""
    return (runtimes / f"c-{key()}").is_dir()


def prepare(runtimes: Path, progress: Progress = silent) -> Library:
    """The library, kept in a folder below ``runtimes``; made there at first, which takes half a minute.

    Raises:
        ToolchainMissing: zig or wasm-tools is not installed.
        BuildFailed: making it failed.
    """
    kept = runtimes / f"c-{key()}"
    with _MAKING:
        if not kept.is_dir():
            progress("compiling the C library, once")
            runtimes.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix="c-", dir=runtimes))
            try:
                _make(made)
                _settle(made, kept)
            finally:
                shutil.rmtree(made, ignore_errors=True)
    return Library(kept)


def _settle(made: Path, kept: Path) -> None:
    try:
        made.rename(kept)
    except OSError:
        # Another process was faster, with the same content.
        if not kept.is_dir():
            raise


def _make(into: Path) -> None:
    with Workspace("the C library", seconds=600) as space:
        caches = {name: str(space.folder / name) for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
        first = space.write("first.c", _FIRST)
        space.run([zig(), "cc", "-target", "wasm32-wasi", "-O2", "-s", first], environment=caches)
        for name in ARCHIVES:
            found = sorted((space.folder / "ZIG_GLOBAL_CACHE_DIR" / "o").glob(f"*/{name}"))
            if len(found) != 1:
                raise BuildFailed("the C library", f"zig made {len(found)} archives {name}; expected one")
            shutil.copy(found[0], into / name)
        own = compiler("-Os", "-Wall", "-Wextra", "-Werror")
        for name in (*SHARED, *OF_PROGRAMS):
            space.run([*own, GUEST / f"{name}.c", "-o", into / f"{name}.o"])
        jumps = zig().parent / "lib/libc/wasi/libc-top-half/musl/src/setjmp/wasm32/rt.c"
        space.run([*compiler("-Os"), jumps, "-o", into / "jumps.o"])
        space.run(
            [zig(), "clang", TARGET, "-c", "-mexception-handling", GUEST / "tag.s", "-o", into / "tag.o"]
        )
        for world in ("program", "libc"):
            section = wasm_tools.world_section(space, GUEST / "world.wit", world)
            (into / f"{world}.section").write_bytes(section)
