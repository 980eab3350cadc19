"""A guest that calls every function of one host interface, with nothing but zeros, ones or threes.

    everything.py HOME RAISED INTERFACE …

calls all of them; RAISED is an exception that every host function then raises, or
``-``. Prints what the calls ended with, and ends with code 0 unless something took
the process down. Source of the flat signatures: ``CanonicalABI.md``, "Flattening".
"""

from __future__ import annotations

import asyncio
import builtins
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_wasm.capability import grant
from mcp_wasm.component import types as wit
from mcp_wasm.errors import HostFault, McpWasmError
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox import hostfunc, linker
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.hostfunc import HostFunction
from tests.attacks.guests import built

VALUES = {"zeros": 0, "ones": 1, "threes": 3, "minus": -1}
_WIDE = {"u64": "i64", "s64": "i64", "f32": "f32", "f64": "f64", "string": "i32 i32"}


def registered() -> dict[str, Interface]:
    """Every interface that the host implements, by its full name."""
    modules = sorted({*linker.REGISTER.values(), *linker.BESIDE.values()})
    return {i.full_names()[0]: i for module in modules for i in linker._module(module)}


def flat(type_: wit.Type) -> list[str]:
    """The core types that a value of ``type_`` is passed as."""
    match type_:
        case wit.Primitive(primitive=name):
            return _WIDE.get(name, "i32").split()
        case wit.List():
            return ["i32", "i32"]
        case wit.Tuple(elements=elements):
            return [core for element in elements for core in flat(element)]
        case wit.Record(fields=fields):
            return [core for field in fields for core in flat(field.type)]
        case wit.Variant(cases=cases):
            return ["i32", *_joined(case.type for case in cases)]
        case wit.Option(payload=payload):
            return ["i32", *_joined([payload])]
        case wit.Result(ok=ok, err=err):
            return ["i32", *_joined([ok, err])]
        case wit.Flags(flags=names):
            return ["i32"] * -(-len(names) // 32)
    return ["i32"]


def _joined(cases: Iterable[wit.Type | None]) -> list[str]:
    joined: list[str] = []
    for case in cases:
        for at, core in enumerate([] if case is None else flat(case)):
            if at == len(joined):
                joined.append(core)
            elif joined[at] != core:
                joined[at] = "i32" if {joined[at], core} == {"i32", "f32"} else "i64"
    return joined


def guest(interface: Interface, scratch: Path) -> bytes:
    """A component that exports ``zeros-0``, ``ones-0`` …, each a call of one function of ``interface``."""
    name = interface.full_names()[0]
    imports, calls, exports = [], [], []
    for number, function in enumerate(interface.host_functions()):
        signature = function.signature
        params = [core for param in signature.params for core in flat(param.type)]
        params = params if len(params) <= 16 else ["i32"]
        results = [] if signature.result is None else flat(signature.result)
        if len(results) > 1:
            params, results = [*params, "i32"], []
        given = f"(param {' '.join(params)})" if params else ""
        back = f"(result {results[0]})" if results else ""
        imports.append(f'(import "{name}" "{signature.name}" (func $f{number} {given} {back}))')
        for words, value in VALUES.items():
            arguments = " ".join(f"({core}.const {value})" for core in params)
            call = f"(call $f{number} {arguments})"
            body = f"(drop {call})" if results else call
            calls.append(f'(func (export "{words}-{number}") {body})')
            exports.append(f"export {words}-{number}: func();")
    realloc = '(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))'
    core = f'(module {" ".join(imports)} (memory (export "memory") 1) {realloc} {" ".join(calls)})'
    return built(core, f"package a:b; world w {{ import {name}; {' '.join(exports)} }}", scratch)


def grants(folder: Path) -> list[grant.Grant]:
    """Something of every kind, so that the functions get past their first check."""
    return [
        grant.Network(("127.0.0.1",), ("http",), (9,), private=True),
        grant.Storage(folder, "/data", write=True),
        grant.Environment("A", "b"),
        grant.KeyValue("*", write=True),
        grant.Clock("fixed"),
        grant.Random(7),
        grant.Logging("trace"),
        grant.ConfigValue("a", "b"),
        grant.Nn(("*",), folder),
        grant.Tools(("*",)),
    ]


class _Raising(list[HostFunction]):
    """The functions of the host, each of which raises; also those that are defined later."""

    def __init__(self, functions: Iterable[HostFunction], raised: str) -> None:
        super().__init__(functions)
        self._kind: Any = asyncio.CancelledError if raised == "CancelledError" else getattr(builtins, raised)

    def __getitem__(self, index: Any) -> Any:
        return replace(super().__getitem__(index), run=self._raise)

    def _raise(self, *_: object) -> None:
        raise self._kind


def main(home: str, raised: str, *wanted: str) -> None:
    """Call everything; one line for each interface: how its calls ended."""
    for name in wanted:
        with tempfile.TemporaryDirectory() as scratch, Runtime(home=Path(home)) as runtime:
            (Path(scratch) / "guest.wasm").write_bytes(guest(registered()[name], Path(scratch)))
            (Path(scratch) / "data").mkdir()
            component = runtime.add(Path(scratch) / "guest.wasm")
            runtime.prepare(component.tools[0].name).result()
            if raised != "-":
                hostfunc._functions = _Raising(hostfunc._functions, raised)
            ends: Counter[str] = Counter()
            for approved in ([], grants(Path(scratch) / "data")):
                for tool in component.tools:
                    try:
                        runtime.call_sync(tool.name, {}, limits={"deadline": 2}, approved=approved)
                        ends["returned"] += 1
                    except HostFault as error:
                        ends[f"{type(error).__name__} {type(error.__cause__).__name__}"] += 1
                    except McpWasmError as error:
                        ends[type(error).__name__] += 1
            sys.stdout.write(f"{name} {dict(ends)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
