"""What every guest is linked with: base WASI, and our own host interfaces over it.

Base WASI is the engine's, with an empty environment, no files, no network and
captured output; every language runtime imports it, so it is always there. The
register below lists the interfaces that this project puts in its place or beside
it; a new one is one file under ``host/`` and one line here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import wasmtime
from wasmtime import component

from mcp_wasm.component import types as wit
from mcp_wasm.sandbox import hostfunc
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.host import poll

_NATIVE = "0.2.12"
"""The WASI version of the engine: a shadowed interface must be defined under exactly that."""

REGISTER = ((f"{poll.INTERFACE}@{_NATIVE}", poll.FUNCTIONS),)
"""Each host interface with its functions."""

_BASE = re.compile(r"wasi:(?:cli|clocks|filesystem|io|random|sockets)/[a-z0-9-]+@0\.2\.\d+")


def unlinkable(imports: tuple[wit.Import, ...]) -> str:
    """Why a component with these imports cannot be linked, in words; ``""`` if it can."""
    needed = [item.name for item in imports if item.kind != "type"]
    missing = [name for name in needed if not _BASE.fullmatch(name)]
    if missing:
        return f"it imports {', '.join(missing)}, which this host does not provide"
    return hostfunc.mismatch((f for _, functions in REGISTER for f in functions), imports)


def linker(modules: Mapping[str, wasmtime.Module]) -> component.Linker:
    """A linker with base WASI, the register, and the shared core modules of one component."""
    made = component.Linker(engine())
    made.add_wasip2()
    made.allow_shadowing = True
    with made.root() as root:
        for name, module in modules.items():
            root.add_module(name, module)
        for interface, functions in REGISTER:
            with root.add_instance(interface) as instance:
                for function in functions:
                    hostfunc.define(instance, function)
    return made
