"""The Rust between a source and the canonical ABI: its types, and a core function for each of its own.

Pure. It goes beside ``guest/rust/wit.rs``, which has the types of the standard
library; the source itself names both as one module (``MODULE``).
"""

from __future__ import annotations

from collections.abc import Sequence

from mcp_wasm.build.flat import core
from mcp_wasm.build.signature.rust import Passed
from mcp_wasm.build.signature.rust_types import Made
from mcp_wasm.component.types import Function

GLUE, RUNTIME = "exported_glue.rs", "exported_wit_glue.rs"
MODULE = f'\n#[path = "{GLUE}"] mod exported_glue;\n'
"""Stands behind the source, whose lines stay where they are."""

_HEAD = f"""#![allow(warnings)]
#[macro_use]
#[path = "{RUNTIME}"]
pub mod wit;
use crate::*;
"""
_BITS = {"i32": "{} as u32 as u64", "i64": "{} as u64", "f32": "{}.to_bits() as u64", "f64": "{}.to_bits()"}
_LOWERED = {
    "i32": "{} as u32 as i32", "i64": "{} as i64",
    "f32": "f32::from_bits({} as u32)", "f64": "f64::from_bits({})",
}  # fmt: skip
_WIT = "crate::exported_glue::wit"


def glue(
    functions: Sequence[tuple[str, Function]], passed: Sequence[Sequence[Passed]], made: Sequence[Made]
) -> str:
    """The module for ``functions``, each by its name in the code, with the arguments of each."""
    parts = [_HEAD, *(_type(each) for each in made)]
    for number, ((name, function), arguments) in enumerate(zip(functions, passed, strict=True)):
        parts.append(_function(number, name, function, arguments))
    return "\n".join(parts)


def _type(made: Made) -> str:
    if not made.is_enum:
        return f"wit_record! {{ {made.name} {{ {_held(made.members[0][1])} }} }}"
    cases = "\n".join(f"    {n} {{ {form} }} ({_held(held)})" for n, (form, held) in enumerate(made.members))
    return f"wit_variant! {{ {made.name}, {len(made.members)},\n{cases}\n}}"


def _held(members: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name}: {type_}" for name, type_ in members)


def _function(number: int, name: str, function: Function, arguments: Sequence[Passed]) -> str:
    way = core(function)
    taken = ", ".join(f"p{n}: {type_}" for n, type_ in enumerate(way.parameters))
    given = f" -> {way.result}" if way.result else ""
    lines = [f"{_WIT}::begin();"]
    if way.in_memory:
        lines.append(f"let mut place = {_WIT}::Place(p0 as usize);")
    else:
        bits = ", ".join(_BITS[type_].format(f"p{n}") for n, type_ in enumerate(way.parameters))
        lines.append(f"let slots: [u64; {len(way.parameters)}] = [{bits}];")
        lines.append(f"let mut flat = {_WIT}::Flat::new(&slots);")
    for n, argument in enumerate(arguments):
        value = "place.load()" if way.in_memory else f"{_WIT}::Value::lift(&mut flat)"
        lines.append(f"let a{n}: {argument.type} = {value};")
    called = ", ".join(f"&a{n}" if each.borrowed else f"a{n}" for n, each in enumerate(arguments))
    lines.append(_returned(f"crate::{name}({called})", way.result, way.by_address))
    body = "\n".join(f"    {line}" for line in lines)
    export = function.path
    text = f'#[export_name = "{export}"]\npub extern "C" fn exported{number}({taken}){given} {{\n{body}\n}}\n'
    if way.by_address:
        text += (
            f'#[export_name = "cabi_post_{export}"]\n'
            f'pub extern "C" fn released{number}(_: i32) {{ {_WIT}::release(); }}\n'
        )
    return text


def _returned(call: str, result: str, by_address: bool) -> str:
    if not result:
        return f"{call};"
    if by_address:
        return f"{_WIT}::given({call}) as i32"
    return _LOWERED[result].format(f"{_WIT}::Value::lower({call})")
