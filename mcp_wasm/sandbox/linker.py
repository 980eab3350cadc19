"""What every guest is linked with: base WASI, and our own host interfaces over it.

Base WASI is the engine's, with an empty environment, no files, no network and
captured output; every language runtime imports it, so it is always there. The
register below lists the interfaces that this project puts in its place or beside
it; a new one is one file under ``host/`` and one line here.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterable, Mapping

import wasmtime
from wasmtime import component

from mcp_wasm.capability.grant import Grants
from mcp_wasm.component import types as wit
from mcp_wasm.sandbox import hostfunc
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.host.interface import Interface

REGISTER: Mapping[str, str] = {
    "mcp-wasm:tools/call": "tools",
    "wasi:http/outgoing-handler": "http_outgoing",
    "wasi:http/types": "http_types",
    "wasi:io/poll": "poll",
    "wasi:keyvalue/atomics": "keyvalue_atomics",
    "wasi:keyvalue/batch": "keyvalue_batch",
    "wasi:keyvalue/store": "keyvalue_store",
    "wasi:logging/logging": "logging",
    "wasi:nn/errors": "nn_errors",
    "wasi:nn/graph": "nn_graph",
    "wasi:nn/inference": "nn_inference",
    "wasi:nn/tensor": "nn_tensor",
    "wasi:clocks/wall-clock": "clocks",
    "wasi:clocks/monotonic-clock": "clocks",
    "wasi:random/random": "random",
    "wasi:random/insecure": "random",
    "wasi:random/insecure-seed": "random",
    "wasi:config/store": "config",
    "wasi:config/runtime": "config",
    "wasi:filesystem/types": "files",
    "wasi:filesystem/preopens": "preopens",
    "wasi:sockets/tcp-create-socket": "sockets",
    "wasi:sockets/udp-create-socket": "sockets",
    "wasi:sockets/ip-name-lookup": "sockets",
}
"""The module under ``host/`` of each interface; imported when a component asks for the interface."""

ALWAYS = ("wasi:io/poll",)
"""Defined for every component: a guest waits only through these."""

BESIDE: Mapping[str, str] = {
    "wasi:http/types": "http_poll",
}
"""Modules whose interfaces are defined beside an imported one, and after all others."""

_BASE = re.compile(r"wasi:(?:cli|clocks|filesystem|io|random|sockets)/[a-z0-9-]+@0\.2\.\d+")


@functools.cache
def _module(name: str) -> tuple[Interface, ...]:
    found: tuple[Interface, ...] = importlib.import_module(f"mcp_wasm.sandbox.host.{name}").INTERFACES
    return found


def provided(import_name: str) -> tuple[Interface, ...]:
    """The host interfaces that an import of that name is given, most often none or one."""
    module = REGISTER.get(import_name.partition("@")[0])
    return () if module is None else tuple(i for i in _module(module) if i.matches(import_name))


def unlinkable(imports: tuple[wit.Import, ...]) -> str:
    """Why a component with these imports cannot be linked, in words; ``""`` if it can."""
    missing, used = [], interfaces(imports)
    for item in imports:
        if item.kind == "type":
            continue
        found = [interface for interface in used if interface.matches(item.name)]
        if not found and not _BASE.fullmatch(item.name):
            missing.append(item.name + _other_versions(item.name))
        for interface in found:
            if reason := hostfunc.mismatch(
                interface.host_functions(), item, whole=not _BASE.fullmatch(item.name)
            ):
                return reason
    return f"it imports {', '.join(missing)}, which this host does not provide" if missing else ""


def _other_versions(import_name: str) -> str:
    module = REGISTER.get(import_name.partition("@")[0])
    if module is None:
        return ""
    names = [n for i in _module(module) if i.name == import_name.partition("@")[0] for n in i.full_names()]
    return f" (only {', '.join(names)})"


def interfaces(imports: Iterable[wit.Import]) -> tuple[Interface, ...]:
    """The host interfaces that a component with these imports is linked with."""
    found = [interface for name in ALWAYS for interface in _module(REGISTER[name])]
    for item in imports:
        found += [interface for interface in provided(item.name) if interface not in found]
    for item in imports:
        beside = BESIDE.get(item.name.partition("@")[0])
        found += [i for i in (() if beside is None else _module(beside)) if i not in found]
    return tuple(found)


def active(interfaces: tuple[Interface, ...], grants: Grants) -> tuple[Interface, ...]:
    """Those of ``interfaces`` that a call with these grants is linked with."""
    return tuple(i for i in interfaces if i.shadow is None or i.shadow(grants))


def linker(modules: Mapping[str, wasmtime.Module], interfaces: tuple[Interface, ...]) -> component.Linker:
    """A linker with base WASI, ``interfaces``, and the shared core modules of one component."""
    made = component.Linker(engine())
    made.add_wasip2()
    made.allow_shadowing = True
    with made.root() as root:
        for name, module in modules.items():
            root.add_module(name, module)
        for interface in interfaces:
            for name in interface.full_names():
                with root.add_instance(name) as instance:
                    for resource, class_ in interface.resources.items():
                        hostfunc.define_resource(instance, resource, class_)
                    for function in interface.host_functions():
                        hostfunc.define(instance, function)
    return made
