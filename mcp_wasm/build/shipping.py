"""Makes what the package ships: small components, the C library, and the lock that says what they are of.

For people who change a shipped tool: ``python -c 'from mcp_wasm.build import
shipping; shipping.ship()'`` after the change, and commit what it wrote. After a
change of ``guest/libc``, of ``c_library`` or of the versions of zig or wasm-tools
it is ``shipping.ship_c_library()``.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from mcp_wasm.build import c, c_library, c_shipped
from mcp_wasm.build.bundled import (
    LOCK,
    SHIPPED,
    BundledTool,
    list_bundled,
    read_lock,
    replace,
    source_digest,
)
from mcp_wasm.build.languages import compile_component

SHIPPED_LANGUAGES = ("c", "wat", "zig")
LARGEST = 100_000
"""Bytes; a larger component is built on the person's machine."""


def shippable() -> tuple[BundledTool, ...]:
    """The tools that are shipped built."""
    return tuple(tool for tool in list_bundled() if tool.language in SHIPPED_LANGUAGES)


def make(tool: BundledTool, *, cache: Path | None = None) -> tuple[bytes, dict[str, Any]]:
    """The component of a shipped tool and its entry in the lock.

    Raises:
        BuildFailed: the build ended with an error.
        ToolchainMissing: the tool's toolchain is not installed.
    """
    component = compile_component(tool.language, tool.source(), trusted=True, cache=cache)
    entry = {
        "sources": source_digest(tool),
        "component": hashlib.sha256(component).hexdigest(),
        "size": len(component),
        "toolchain": tool.toolchain.version(),
    }
    return component, entry


def ship(folder: Path = SHIPPED) -> None:
    """Build every shipped tool into ``folder`` and write the lock; what it says of runners stays.

    Raises:
        BuildFailed: a build ended with an error.
        ToolchainMissing: a toolchain is not installed.
    """
    folder.mkdir(exist_ok=True)
    tools = {tool.name for tool in list_bundled()}
    lock = {name: entry for name, entry in read_lock().items() if name not in tools}
    for tool in shippable():
        component, lock[tool.name] = make(tool)
        replace(folder / f"{tool.name}.wasm", component)
    replace(folder / LOCK, (json.dumps(lock, indent=2, sort_keys=True) + "\n").encode())


def ship_c_library(archive: Path = c_shipped.ARCHIVE) -> None:
    """Make the C library anew, write it as ``archive`` and into the lock beside that.

    Raises:
        BuildFailed, ToolchainMissing: as ``c_library.prepare``.
    """
    with tempfile.TemporaryDirectory(prefix="mcp-wasm-") as scratch:
        made = c_library.prepare(Path(scratch) / "runtimes", shipped=False)
        packed = Path(scratch) / archive.name
        c_shipped.pack([made.below, made.folder], packed)
        replace(archive, packed.read_bytes())
    lock = read_lock() | {c_shipped.NAME: c_library_entry(archive)}
    replace(archive.with_name(LOCK), (json.dumps(lock, indent=2, sort_keys=True) + "\n").encode())


def c_library_entry(archive: Path = c_shipped.ARCHIVE) -> dict[str, Any]:
    """What the lock says of the C library; ``sources`` names its folders, and so all that it is made of."""
    content = archive.read_bytes()
    return {
        "sources": " ".join(c_library.folders()),
        "archive": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "toolchain": c.version(),
    }
