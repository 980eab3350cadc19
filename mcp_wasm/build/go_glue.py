"""The Go between a source and the canonical ABI: a core function for each of its own.

Pure. It imports a package of ours (``guest/go/wit.go``), which reads and writes
values as reflection finds their types.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcp_wasm.build.flat import core
from mcp_wasm.build.signature.go_types import Constants
from mcp_wasm.component.types import Function

GLUE = "exported_glue.go"
RUNTIME = "exportedwit"
"""The name of our package, and what the glue calls it."""

_TYPES = {"i32": "uint32", "i64": "uint64", "f32": "float32", "f64": "float64"}
_BITS = {"i32": "uint64({})", "i64": "{}", "f32": f"{RUNTIME}.Bits32({{}})", "f64": f"{RUNTIME}.Bits64({{}})"}
_LOWERED = {
    "i32": "uint32({})",
    "i64": "{}",
    "f32": f"{RUNTIME}.Float32({{}})",
    "f64": f"{RUNTIME}.Float64({{}})",
}


def glue(functions: Sequence[tuple[str, Function]], enums: Sequence[Constants], *, with_main: bool) -> str:
    """The file for ``functions``, each by its name in the code; ``with_main`` where that has no ``main``."""
    parts = [f'package main\n\nimport "{RUNTIME}"\n']
    if enums:
        lines = (f"\t{RUNTIME}.Enum[{each.type}]({', '.join(each.names)})\n" for each in enums)
        parts.append(f"func init() {{\n{''.join(lines)}}}\n")
    parts += [_function(number, name, each) for number, (name, each) in enumerate(functions)]
    if with_main:
        parts.append("func main() {}\n")
    return "\n".join(parts)


def _function(number: int, name: str, function: Function) -> str:
    way = core(function)
    taken = ", ".join(f"p{n} {_TYPES[type_]}" for n, type_ in enumerate(way.parameters))
    bits = ", ".join(_BITS[type_].format(f"p{n}") for n, type_ in enumerate(way.parameters))
    flags = f"{str(way.in_memory).lower()}, {str(way.by_address).lower()}"
    call = f"{RUNTIME}.Call({name}, []uint64{{{bits}}}, {flags})"
    given, statement = "", call
    if way.result:
        given, statement = f" {_TYPES[way.result]}", f"return {_LOWERED[way.result].format(call)}"
    export = function.path
    text = f"//go:wasmexport {export}\nfunc exportedGlue{number}({taken}){given} {{ {statement} }}\n"
    if way.by_address:
        text += f"\n//go:wasmexport cabi_post_{export}\n"
        text += f"func releasedGlue{number}(uint32) {{ {RUNTIME}.Release() }}\n"
    return text
