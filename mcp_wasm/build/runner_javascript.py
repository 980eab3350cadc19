"""The JavaScript runner, from QuickJS-NG and our guest sources to the component that the package ships.

For people who change the runner: ``python -c 'from mcp_wasm.build import
runner_javascript; runner_javascript.ship()'`` after the change, and commit what
it wrote. QuickJS-NG comes from PyPI and what builds it from npm, both pinned by
digest; nobody needs any of it to run JavaScript.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

from mcp_wasm.build import c, javascript, wasm_tools
from mcp_wasm.build.bundled import LOCK, PACKAGE, SHIPPED, read_lock, replace
from mcp_wasm.build.toolchain import Progress, silent
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import BuildFailed

NAME = "runner_javascript"
GUEST = PACKAGE / "code" / "guests" / "javascript"
WIT = PACKAGE.parent / "wit"

QUICKJS = "quickjs-ng==0.17.0.2"
QUICKJS_SHA256 = "43d2e48272208721a7aaea8e3f02d4b9318f12ef20cc4f5421b59d9a470706ef"
ENGINE = ("quickjs.c", "libregexp.c", "libunicode.c", "dtoa.c")

COMPILE = ("-target", "wasm32-wasi", "-std=gnu17", "-O2", "-D_GNU_SOURCE", "-Iengine", "-I.")
OURS = ("-Wall", "-Wextra", "-Werror", "-Wno-sign-compare", "-Wno-int-to-pointer-cast")
LINK = ("-mexec-model=reactor", "-s", "-Wl,-z,stack-size=1048576")
BUNDLE = (
    "--bundle", "--format=iife", "--global-name=bundle", "--target=es2023", "--platform=neutral",
    "--main-fields=module,main", "--minify-whitespace", "--minify-syntax", "--charset=ascii",
    "--log-level=warning",
)  # fmt: skip
BUNDLES = {"inner": "engine", "globals": "host, own"}
"""The script parts, by folder, each with what C gives it."""

PACKAGES = (
    "mcp-wasm-tools-0.1.0", "wasi-cli-0.2.12", "wasi-clocks-0.2.12", "wasi-filesystem-0.2.12",
    "wasi-io-0.2.12", "wasi-random-0.2.12", "wasi-sockets-0.2.12",
)  # fmt: skip


def build(cache: Path | None = None, progress: Progress = silent) -> bytes:
    """The component.

    ``cache`` is a folder for downloads and compiler caches.

    Raises:
        BuildFailed: a program of the build ended with an error, or what PyPI gave is not what is pinned.
        ToolchainMissing: node, npm, zig or wasm-tools is not installed.
    """
    c.TOOLCHAIN.require()
    javascript.TOOLCHAIN.require()
    with Workspace(NAME) as space:
        programs = javascript.install(space, GUEST, cache, "what builds the JavaScript runner", progress)
        _unpack(space, progress)
        space.copy(GUEST, "guest")
        space.write("scripts.h", "".join(_script(space, programs, name) for name in BUNDLES))
        progress("compiling QuickJS-NG with zig cc")
        core = _compile(space, cache)
        progress("taking a snapshot of the started runner")
        snapshot = space.work / "snapshot.wasm"
        space.run([_wizer(programs), "--init-func", "initialize", "-o", snapshot, core])
        return _componentize(space, snapshot)


def _unpack(space: Workspace, progress: Progress) -> None:
    """Put the C sources of QuickJS-NG into ``engine``; nothing of the archive is run."""
    progress(f"downloading {QUICKJS}")
    wanted = space.write("quickjs.txt", f"{QUICKJS} --hash=sha256:{QUICKJS_SHA256}\n")
    argv = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
    space.run([*argv, "--require-hashes", "-r", wanted, "-d", "download"], package_manager=True)
    archive = next((space.work / "download").glob("*.tar.gz"))
    if hashlib.sha256(archive.read_bytes()).hexdigest() != QUICKJS_SHA256:
        raise BuildFailed(NAME, f"{archive.name} is not the {QUICKJS} that is pinned")
    with tarfile.open(archive) as files:
        for member in files:
            path = Path(member.name)
            content = files.extractfile(member) if path.suffix in {".c", ".h"} else None
            if content is not None and path.parent.name == "upstream-quickjs":
                space.write(f"engine/{path.name}", content.read())


def _script(space: Workspace, programs: Path, name: str) -> str:
    """A script part as C: one function expression that takes what C gives."""
    out = space.work / f"{name}.js"
    program = javascript.esbuild(programs)
    environment = {"NODE_PATH": str(programs)}
    space.run([*program, f"guest/{name}/main.js", *BUNDLE, f"--outfile={out}"], environment=environment)
    given = BUNDLES[name]
    text = f"(function({given}){{{out.read_text(encoding='utf-8')}\nreturn bundle.default()}})"
    content = ",".join(map(str, text.encode()))
    array = f"static unsigned char {name}_js[] = {{{content},0}};"
    return f"{array}\nenum {{ {name}_js_size = {len(text)} }};\n"


def _compile(space: Workspace, cache: Path | None) -> Path:
    caches, zig = c.zig_caches(space, cache), [*c.zig_command(), "cc", *COMPILE]
    objects = []
    for name in ENGINE:
        objects.append(f"{name}.o")
        space.run([*zig, "-w", "-c", f"engine/{name}", "-o", objects[-1]], environment=caches)
    ours = sorted(path.relative_to(space.work).as_posix() for path in space.work.glob("guest/c/*.c"))
    for name in ours:
        objects.append(f"{Path(name).name}.o")
        space.run([*zig, *OURS, "-c", name, "-o", objects[-1]], environment=caches)
    core = space.work / "core.wasm"
    space.run([*zig, *LINK, *objects, "-o", core], environment=caches)
    return core


def _wizer(programs: Path) -> Path:
    """The program that this machine can run; npm installs no other."""
    found = [path for path in programs.glob("@bytecodealliance/wizer-*/wizer*") if path.stem == "wizer"]
    if not found:
        raise BuildFailed(NAME, "npm has no wizer for this machine; build the runner on another one")
    return found[0]


def _componentize(space: Workspace, core: Path) -> bytes:
    space.write("wit/code.wit", (WIT / "mcp-wasm-code-0.1.0" / "code.wit").read_bytes())
    space.write("wit/built.wit", (GUEST / "built.wit").read_bytes())
    for name in PACKAGES:
        for path in (WIT / name).glob("*.wit"):
            space.write(f"wit/deps/{name}/{path.name}", path.read_bytes())
    embedded, out = space.work / "embedded.wasm", space.work / "component.wasm"
    space.run([wasm_tools.program(), "component", "embed", "wit", core, "-w", "built", "-o", embedded])
    space.run([wasm_tools.program(), "component", "new", embedded, "-o", out])
    return out.read_bytes()


def source_digest() -> str:
    """The SHA-256 (hex) of everything of ours that decides the bytes of the runner."""
    made = hashlib.sha256(repr((QUICKJS_SHA256, COMPILE, OURS, LINK, BUNDLE, BUNDLES, PACKAGES)).encode())
    folders = [GUEST, WIT / "mcp-wasm-code-0.1.0", *(WIT / name for name in PACKAGES)]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in {".c", ".h", ".js", ".json", ".wit"}:
                name, content = path.relative_to(folder).as_posix(), path.read_bytes()
                made.update(f"\n{name} {len(content)}\n".encode() + content)
    return made.hexdigest()


def entry(component: bytes) -> dict[str, Any]:
    """What the lock says of the runner."""
    return {
        "sources": source_digest(),
        "component": hashlib.sha256(component).hexdigest(),
        "size": len(component),
        "toolchain": f"{c.version()}, {QUICKJS}",
    }


def ship(folder: Path = SHIPPED, cache: Path | None = None, progress: Progress = print) -> None:
    """Build the runner into ``folder`` and write it into the lock.

    Raises:
        BuildFailed, ToolchainMissing: as ``build``.
    """
    component = build(cache, progress)
    replace(folder / f"{NAME}.wasm", component)
    lock = read_lock() | {NAME: entry(component)}
    replace(folder / LOCK, (json.dumps(lock, indent=2, sort_keys=True) + "\n").encode())
