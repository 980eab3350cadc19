"""Every WebAssembly component as a typed tool, run in a fresh, metered sandbox.

    with mcp_wasm.Runtime() as runtime:
        runtime.add("tiny.wasm")
        print(runtime.call_sync("tiny_add", {"a": 1, "b": 2}).value)

The names below are the whole public interface; everything else may change.
They load when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_wasm.errors import (
        CallerError,
        ComponentRefused,
        GuestError,
        HostError,
        InvalidArguments,
        LimitExceeded,
        McpWasmError,
        Trap,
        UnknownTool,
    )
    from mcp_wasm.registry.tool import Component, Tool
    from mcp_wasm.runtime import Runtime
    from mcp_wasm.sandbox.limits import Limits
    from mcp_wasm.sandbox.report import Outcome, Report

__version__ = "0.1.0"

_HOMES = {
    "CallerError": "errors",
    "Component": "registry.tool",
    "ComponentRefused": "errors",
    "GuestError": "errors",
    "HostError": "errors",
    "InvalidArguments": "errors",
    "LimitExceeded": "errors",
    "Limits": "sandbox.limits",
    "McpWasmError": "errors",
    "Outcome": "sandbox.report",
    "Report": "sandbox.report",
    "Runtime": "runtime",
    "Tool": "registry.tool",
    "Trap": "errors",
    "UnknownTool": "errors",
}

__all__ = [
    "CallerError",
    "Component",
    "ComponentRefused",
    "GuestError",
    "HostError",
    "InvalidArguments",
    "LimitExceeded",
    "Limits",
    "McpWasmError",
    "Outcome",
    "Report",
    "Runtime",
    "Tool",
    "Trap",
    "UnknownTool",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"mcp_wasm.{home}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
