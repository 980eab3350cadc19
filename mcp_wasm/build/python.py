"""Python to a component with componentize-py: a snapshot of CPython that has imported the source.

The source's top-level code runs while it is built. componentize-py looks for a
site-packages folder to mount, by ``VIRTUAL_ENV``, by ``pipenv`` and by asking
the ``python3`` that it finds on PATH, and mounts it writable: so its
environment has none of these, and libraries go in as copies.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from pathlib import Path

from mcp_wasm.build.confine import Confinement, interpreter
from mcp_wasm.build.toolchain import Progress, Source, Toolchain
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import ToolchainMissing

COMPILED = ("*.so", "*.pyd", "*.dylib")
"""What of a library is compiled for this machine, and of no use in a component."""

INSTALL = "pip install 'mcp-wasm[build]'"
START = r"""
import importlib.util, re, sys
MOUNTED = re.compile(r'^([ |]*File ")/0/', re.M)
place = sys.argv.pop(1)
spec = importlib.util.spec_from_file_location("componentize_py", place)
sys.modules["componentize_py"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
try:
    module.script()
except AssertionError as error:
    sys.exit(MOUNTED.sub(r"\g<1>", str(error)))
"""
"""Imports the one package by its path, not by looking into the folder of all packages.

What the source raised comes as an AssertionError, with a traceback in which the
source's folder is ``/0``.
"""


def available() -> str | None:
    """None, or why componentize-py cannot be used."""
    if importlib.util.find_spec("componentize_py") is None:
        return "the Python package componentize-py is missing"
    return None


def version() -> str:
    """The version of componentize-py."""
    return f"componentize-py {importlib.metadata.version('componentize-py')}"


def compile_source(
    source: Source, _cache: Path | None, progress: Progress, confined: Confinement | None = None
) -> bytes:
    """The component of a Python source; its entry's module implements the world.

    Raises:
        BuildFailed: what componentize-py or the source's own top-level code said.
        ToolchainMissing: a library that goes into the component is not installed.
    """
    with Workspace(source.name, confined=confined) as space:
        app = space.submit(source.folder, "app", source.texts)
        libraries = _copy_packages(space, source)
        wit, out = space.write("world/world.wit", source.wit), space.work / "component.wasm"
        (space.work / "nothing").mkdir()
        progress(f"compiling {source.name} with componentize-py")
        package = _componentize_py()
        module = Path(source.entry).with_suffix("").as_posix().replace("/", ".")
        named: list[str | Path] = ["-q", "-d", wit, "-w", source.world, "componentize", module]
        space.run(
            [sys.executable, "-I", "-S", "-c", START, package, *named, "-p", app, "-p", libraries, "-o", out],
            environment={"PATH": str(space.work / "nothing")},
            reads=[*interpreter(), package.parent],
        )
        return space.read(out)


def _componentize_py() -> Path:
    spec = importlib.util.find_spec("componentize_py")
    if spec is None or spec.origin is None:
        raise ToolchainMissing("componentize-py", INSTALL)
    return Path(spec.origin)


def _copy_packages(space: Workspace, source: Source) -> Path:
    folder = space.work / "libraries"
    folder.mkdir()
    for name in source.packages:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ToolchainMissing(f"the Python package {name} for {source.name}", INSTALL)
        if spec.submodule_search_locations:
            inside = Path(spec.submodule_search_locations[0])
            space.copy(inside, f"libraries/{name}", ignore=("tests", *COMPILED))
        else:
            space.write(f"libraries/{name}.py", Path(spec.origin).read_bytes())
    return folder


TOOLCHAIN = Toolchain("python", "componentize-py", INSTALL, available, version, compile_source)
