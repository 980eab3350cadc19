"""The C bindings of a world as Zig declarations.

The header that ``c_bindings`` writes uses a handful of forms, which are read
here. zig has a translator of C of its own, but compiles it at its first use,
which takes minutes on a busy machine. Every field has zero as its default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcp_wasm.errors import BuildFailed

PRELUDE = """pub const wit_string_t = extern struct { ptr: [*c]const u8 = null, len: usize = 0 };
pub extern fn wit_alloc(size: usize, alignment: usize) *anyopaque;
pub extern fn wit_realloc(block: ?*anyopaque, old_size: usize, alignment: usize, new_size: usize) *anyopaque;
"""
TYPES = {
    "bool": "bool", "float": "f32", "double": "f64", "size_t": "usize",
    "uint8_t": "u8", "uint16_t": "u16", "uint32_t": "u32", "uint64_t": "u64",
    "int8_t": "i8", "int16_t": "i16", "int32_t": "i32", "int64_t": "i64",
}  # fmt: skip

STRUCT = re.compile(r"typedef struct \{ (?P<fields>.*) \} (?P<name>\w+);")
PLAIN = re.compile(r"typedef (?P<type>\w+) (?P<name>\w+);")
CONSTANTS = re.compile(r"enum \{ (?P<values>.*) \};")
FIELD = re.compile(
    r"\s*(?:union \{(?P<union>.*?)\} (?P<holder>\w+)|(?P<type>\w+) (?P<star>\*?)(?P<label>\w+));"
)
NO_DECLARATION = ("#", "void ")


def translate(header: str) -> str:
    """The types and constants of a header of ``c_bindings``.

    Raises:
        BuildFailed: the header has a form that is not known here.
    """
    lines = [zig for line in header.splitlines() for zig in _declaration(line)]
    return PRELUDE + "\n".join(lines) + "\n"


def _declaration(line: str) -> Iterator[str]:
    if found := STRUCT.fullmatch(line):
        yield f"pub const {found['name']} = extern struct {{ {_fields(found['fields'])} }};"
    elif found := PLAIN.fullmatch(line):
        yield f"pub const {found['name']} = {TYPES[found['type']]};"
    elif found := CONSTANTS.fullmatch(line):
        for value in found["values"].split(", "):
            name, number = value.split(" = ")
            yield f"pub const {name} = {number.replace('1u', '1')};"
    elif line and not line.startswith(NO_DECLARATION):
        raise BuildFailed("the bindings for Zig", f"no Zig for the declaration: {line}")


def _fields(text: str) -> str:
    found = []
    for field in FIELD.finditer(text):
        label, type_ = field["holder"] or field["label"], field["type"]
        if field["union"] is not None:
            type_ = f"extern union {{ {_cases(field['union'])} }}"
        elif field["star"]:
            type_ = f"[*c]{TYPES.get(type_, type_)}"
        else:
            type_ = TYPES.get(type_, type_)
        found.append(f'@"{label}": {type_} = {_zero(field, type_)}')
    return ", ".join(found)


def _cases(text: str) -> str:
    return ", ".join(
        f'@"{case["label"]}": {TYPES.get(case["type"], case["type"])}' for case in FIELD.finditer(text)
    )


def _zero(field: re.Match[str], type_: str) -> str:
    if field["star"]:
        return "null"
    if field["union"] is not None:
        # Any case will do: nothing reads it before the tag is set.
        return "undefined"
    if type_ == "bool":
        return "false"
    return "0" if type_ in TYPES.values() else f'@import("std").mem.zeroes({type_})'
