"""Runtimes with guests of a few lines."""

from __future__ import annotations

from pathlib import Path

from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits

ENDLESS = 10**15
"""So much fuel, or so many seconds, that it is never the first limit to be reached."""


def component(home: Path, text: str, limits: Limits | None = None) -> Runtime:
    """A runtime with one component, ``it``, made from text."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "it.wat").write_text(f"(component {text})")
    runtime = Runtime(home=home, limits=limits)
    runtime.add(home / "it.wat")
    return runtime
