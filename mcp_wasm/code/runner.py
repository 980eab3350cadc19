"""What a runner is built from: our sources, its world, a toolchain, and the libraries that go into it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from mcp_wasm.build import bundled
from mcp_wasm.build.languages import TOOLCHAINS, compile_component
from mcp_wasm.build.toolchain import Progress, Source
from mcp_wasm.errors import ToolchainMissing

GUESTS = Path(__file__).parent / "guests"
WORLD = "runner"
WITS = ("mcp-wasm-code-0.1.0/code.wit", "mcp-wasm-tools-0.1.0/tools.wit")
"""The package with the world of a runner, and what that imports."""

ENTRIES: Mapping[str, str] = {"python": "mcp_wasm_runner.py"}
"""The main file of each runner that is built where it runs."""


def build(runner: str, path: Path, progress: Progress) -> None:
    """Build a runner into the file ``path``; two processes that do so at once wait for each other.

    Raises:
        BuildFailed, ToolchainMissing: it cannot be built.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with bundled.alone(path.parent / f".{runner}.building", f"the {runner} runner", progress):
        if path.is_file():
            return
        require(runner)
        progress(f"building the {runner} runner, once")
        made = compile_component(runner, source(runner), trusted=True, progress=progress)
        bundled.replace(path, made)
        # Those of other versions of this package: each takes some ten megabytes.
        for other in path.parent.glob(f"runner_{runner}-*.wasm"):
            if other != path:
                other.unlink(missing_ok=True)


def built(runner: str, folder: Path) -> Path:
    """The file in ``folder`` that a runner of these sources is, or would be."""
    named = f"runner_{runner}-{_source_digest(runner)[:16]}"
    if missing(runner) is None:
        return folder / f"{named}-{_toolchain_digest(runner)[:16]}.wasm"
    # What builds it is gone; what it built of these very sources stays good.
    return next(iter(sorted(folder.glob(f"{named}-*.wasm"))), folder / f"{named}-none.wasm")


def source(runner: str) -> Source:
    """What the toolchain of a runner is given."""
    packages = tuple(name for names in libraries(runner).values() for name in names)
    return Source(f"runner_{runner}", GUESTS / runner, ENTRIES[runner], wit(), WORLD, packages)


def libraries(runner: str) -> Mapping[str, Sequence[str]]:
    """The libraries that go into a runner: what each is installed as, and its import names."""
    listed = GUESTS / runner / "libraries.toml"
    return tomllib.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else {}


def wit() -> str:
    """The world of a runner with all that it imports, as one text."""
    installed = bundled.PACKAGE / "_wit"
    folder = installed if installed.is_dir() else bundled.PACKAGE.parent / "wit"
    own, *imported = ((folder / name).read_text(encoding="utf-8") for name in WITS)
    return "\n".join([own, *map(_nested, imported)])


def _source_digest(runner: str) -> str:
    """The SHA-256 (hex) of everything of ours that decides the bytes of a runner."""
    made = hashlib.sha256(wit().encode())
    for path in sorted((GUESTS / runner).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            made.update(f"\n{path.relative_to(GUESTS).as_posix()} {len(content)}\n".encode() + content)
    return made.hexdigest()


def _toolchain_digest(runner: str) -> str:
    """The same of what others made: the toolchain and the libraries."""
    versions = [f"{distribution} {_version(distribution)}" for distribution in libraries(runner)]
    return hashlib.sha256("\n".join([TOOLCHAINS[runner].version(), *versions]).encode()).hexdigest()


def _nested(text: str) -> str:
    """A WIT package as one that stands beside another in one file."""
    before, keyword, rest = text.partition("package ")
    name, _, body = rest.partition(";")
    return f"{before}{keyword}{name} {{{body}}}\n"


def missing(runner: str) -> str | None:
    """None, or why a runner cannot be built here, in words."""
    if runner not in ENTRIES:
        return f"this package came without its {runner} runner"
    try:
        require(runner)
    except ToolchainMissing as missing:
        return str(missing)
    return None


def require(runner: str) -> None:
    """Check that a runner can be built.

    Raises:
        ToolchainMissing: it cannot; the message says what to type.
    """
    toolchain = TOOLCHAINS[runner]
    toolchain.require()
    for distribution in libraries(runner):
        if not _version(distribution):
            raise ToolchainMissing(f"the Python package {distribution}", toolchain.install)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
