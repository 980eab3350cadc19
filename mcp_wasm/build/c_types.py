"""C types for WIT types: on wasm32 the canonical ABI lays values out just as C lays structs out.

Knows nothing of functions and calls (``c_bindings``). Input are the types of
the JSON form of a WIT package (``wasm_tools.describe``). Source: the component
model's ``CanonicalABI.md``, "Alignment" and "Element Size".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_wasm.errors import BuildFailed

PRIMITIVES = {
    "bool": ("bool", "i32"),
    "u8": ("uint8_t", "i32"),
    "u16": ("uint16_t", "i32"),
    "u32": ("uint32_t", "i32"),
    "u64": ("uint64_t", "i64"),
    "s8": ("int8_t", "i32"),
    "s16": ("int16_t", "i32"),
    "s32": ("int32_t", "i32"),
    "s64": ("int64_t", "i64"),
    "f32": ("float", "f32"),
    "f64": ("double", "f64"),
    "char": ("uint32_t", "i32"),
}
KEYWORDS = frozenset(
    (  # noqa: SIM905 - a list of forty quoted words reads worse
        "auto break case char const continue default do double else enum extern float for goto if inline int "
        "long register restrict return short signed sizeof static struct switch typedef union unsigned void "
        "volatile while bool true false"
    ).split()
)

Ref = str | int


def snake(name: str) -> str:
    """A WIT name as a C identifier."""
    text = name.replace("-", "_")
    return f"{text}_" if text in KEYWORDS else text


class CTypes:
    """The C types of one package; ``definitions`` are in an order that C accepts.

    ``prefix`` begins the name of every type.
    """

    def __init__(self, types: list[Any], prefix: str) -> None:
        self.types, self.prefix = types, prefix
        self.definitions: list[str] = []
        self._names: dict[int, str] = {}

    def ctype(self, ref: Ref) -> str:
        """The C type of a WIT type; what it needs is defined by then."""
        if ref == "string":
            return "wit_string_t"
        if isinstance(ref, str):
            if ref not in PRIMITIVES:
                raise BuildFailed(f"bindings of {self.prefix}", f"the type {ref} is beyond C guests")
            return PRIMITIVES[ref][0]
        if ref not in self._names:
            self._names[ref] = self._define(ref)
        return self._names[ref]

    def _define(self, index: int) -> str:
        kind = self.kind(index)
        if "type" in kind:
            return self.ctype(kind["type"])
        if self.types[index]["name"]:
            name = f"{self.prefix}_{snake(self.types[index]['name'])}"
        else:
            name = f"{self.prefix}_{self._structural(kind)}"
        name += "_t"
        text = self._definition(name, kind)
        if text not in self.definitions:
            self.definitions.append(text)
        return name

    def _structural(self, kind: Mapping[str, Any]) -> str:
        """A name for a type that has none: the same for the same structure."""

        def part(ref: Ref | None) -> str:
            plain = "void" if ref is None else self.ctype(ref).removesuffix("_t")
            return plain.removeprefix(f"{self.prefix}_").removeprefix("wit_")

        if "list" in kind:
            return f"list_{part(kind['list'])}"
        if "option" in kind:
            return f"option_{part(kind['option'])}"
        if "result" in kind:
            return f"result_{part(kind['result']['ok'])}_{part(kind['result']['err'])}"
        return "tuple_" + "_".join(part(ref) for ref in kind["tuple"]["types"])

    def _definition(self, name: str, kind: Mapping[str, Any]) -> str:
        if "enum" in kind:
            cases = [case["name"] for case in kind["enum"]["cases"]]
            stem = name.removesuffix("_t").upper()
            values = ", ".join(f"{stem}_{snake(case).upper()} = {n}" for n, case in enumerate(cases))
            return f"typedef {_tag(len(cases))} {name};\nenum {{ {values} }};"
        if "flags" in kind:
            flags = [flag["name"] for flag in kind["flags"]["flags"]]
            stem = name.removesuffix("_t").upper()
            values = ", ".join(f"{stem}_{snake(flag).upper()} = 1u << {n}" for n, flag in enumerate(flags))
            return f"typedef {_flags(len(flags), self.prefix)} {name};\nenum {{ {values} }};"
        if "list" in kind:
            return f"typedef struct {{ {self.ctype(kind['list'])} *ptr; size_t len; }} {name};"
        members = [(snake(label), ref) for label, ref in self.members(kind)]
        if "record" in kind or "tuple" in kind:
            return f"typedef struct {{ {self.fields(members)} }} {name};"
        tag = "bool is_some" if "option" in kind else "bool is_err" if "result" in kind else ""
        tag = tag or f"{_tag(len(members))} tag"
        if "option" in kind:
            return f"typedef struct {{ {tag}; {self.ctype(kind['option'])} val; }} {name};"
        union = self.fields([(label, ref) for label, ref in members if ref is not None])
        body = f"{tag}; union {{ {union} }} val;" if union else f"{tag};"
        text = f"typedef struct {{ {body} }} {name};"
        if "variant" in kind:
            stem = name.removesuffix("_t").upper()
            values = ", ".join(f"{stem}_{label.upper()} = {n}" for n, (label, _) in enumerate(members))
            text += f"\nenum {{ {values} }};"
        return text

    def fields(self, members: list[tuple[str, Any]]) -> str:
        """Members of a struct or union."""
        return " ".join(f"{self.ctype(ref)} {label};" for label, ref in members)

    def members(self, kind: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """The fields of a record or tuple, or the cases of what has a tag."""
        if "record" in kind:
            return [(f["name"], f["type"]) for f in kind["record"]["fields"]]
        if "tuple" in kind:
            return [(f"f{n}", ref) for n, ref in enumerate(kind["tuple"]["types"])]
        if "option" in kind:
            return [("none", None), ("some", kind["option"])]
        if "result" in kind:
            return [("ok", kind["result"]["ok"]), ("err", kind["result"]["err"])]
        return [(c["name"], c["type"]) for c in kind["variant"]["cases"]]

    def kind(self, index: int) -> Mapping[str, Any]:
        """What the JSON form says a type is.

        Raises:
            BuildFailed: it is a handle, a stream or another type that C guests cannot have.
        """
        kind: Any = self.types[index]["kind"]
        known = {"type", "enum", "flags", "list", "record", "tuple", "option", "result", "variant"}
        if not isinstance(kind, dict) or not known & kind.keys():
            raise BuildFailed(f"bindings of {self.prefix}", f"the type {kind} is beyond C guests")
        return kind


def _tag(cases: int) -> str:
    return "uint8_t" if cases <= 0x100 else "uint16_t" if cases <= 0x10000 else "uint32_t"


def _flags(count: int, prefix: str) -> str:
    if count > 32:
        raise BuildFailed(f"bindings of {prefix}", f"{count} flags are beyond C guests (at most 32)")
    return "uint8_t" if count <= 8 else "uint16_t" if count <= 16 else "uint32_t"
