"""Makes what the package ships: small components and the lock that says what they were made of.

For people who change a shipped tool: ``python -c 'from mcp_wasm.build import
shipping; shipping.ship()'`` after the change, and commit what it wrote.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

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
