"""Taking the large core modules out of a component, so that components share them.

Every component of a language carries the same interpreter. Compiled as an
import, named by its own digest, an interpreter is compiled once for all of them
and what is left of a component (its skeleton) compiles in milliseconds.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mcp_wasm.sandbox import wasm_tools
from mcp_wasm.sandbox.children import Children

_log = logging.getLogger(__name__)
_PRINTED_BYTES = 64 * 1024
_THRESHOLD = 100_000
"""Core modules of at least this many bytes are taken out."""


@dataclass(frozen=True, slots=True)
class Part:
    """A core module taken out: the import name it has now, its bytes and their SHA-256."""

    import_name: str
    binary: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What is left of a component, and the modules that it now imports."""

    binary: bytes
    parts: tuple[Part, ...] = ()


def unbundle(binary: bytes, children: Children) -> Skeleton:
    """The skeleton and the parts of a component binary; the whole as it is where it has no large part.

    A binary that wasm-tools cannot take apart is compiled whole: slower, never wrong.
    """
    if len(binary) < _THRESHOLD:
        return Skeleton(binary)
    with tempfile.TemporaryDirectory(prefix="mcp-wasm-") as scratch:
        folder = Path(scratch)
        (folder / "whole.wasm").write_bytes(binary)
        modules = folder / "modules"
        modules.mkdir()
        arguments = ["component", "unbundle", str(folder / "whole.wasm"), "--module-dir", str(modules)]
        arguments += ["--threshold", str(_THRESHOLD), "-o", str(folder / "skeleton.wasm")]
        try:
            wasm_tools.run(arguments, children, output_limit=_PRINTED_BYTES)
        except wasm_tools.WasmToolsFailed as error:
            _log.info("a component is compiled whole: %s", error)
            return Skeleton(binary)
        parts = tuple(_part(path) for path in sorted(modules.iterdir()))
        return Skeleton((folder / "skeleton.wasm").read_bytes(), parts)


def _part(path: Path) -> Part:
    binary = path.read_bytes()
    return Part(path.stem, binary, hashlib.sha256(binary).hexdigest())
