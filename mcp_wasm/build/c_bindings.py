"""Generates C bindings of a world: structs of its types and the canonical ABI around its functions.

On wasm32 the canonical ABI lays records, variants and lists out just as C lays
structs out, so a WIT type becomes a C type and only the flattened parameters of
a call need code. An author writes, for ``export digest: func(data: list<u8>)
-> string`` of the world ``hash``::

    void hash_digest(const hash_digest_args_t *args, wit_string_t *result)

Input is the JSON form of a WIT package (``wasm_tools.describe``). Source: the
component model's ``CanonicalABI.md``, "Flattening" and "Lifting and Lowering".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
CORE = {"i32": "uint32_t", "i64": "uint64_t", "f32": "float", "f64": "double"}
KEYWORDS = frozenset(
    (  # noqa: SIM905 - a list of forty quoted words reads worse
        "auto break case char const continue default do double else enum extern float for goto if inline int "
        "long register restrict return short signed sizeof static struct switch typedef union unsigned void "
        "volatile while bool true false"
    ).split()
)
MAX_FLAT_PARAMS = 16

CONVERSIONS = {
    ("i32", "f32"): "wit_f32({})",
    ("i64", "i32"): "(uint32_t)({})",
    ("i64", "f32"): "wit_f32((uint32_t)({}))",
    ("i64", "f64"): "wit_f64({})",
}
"""How a case of a variant gets its value back from the joined core type."""

Ref = str | int


def snake(name: str) -> str:
    """A WIT name as a C identifier."""
    text = name.replace("-", "_")
    return f"{text}_" if text in KEYWORDS else text


def generate(described: Mapping[str, Any], world: str) -> tuple[str, str]:
    """Header and C source of the bindings of ``world``.

    Raises:
        BuildFailed: the package has no such world, or it uses what C guests cannot have here
            (imports, resources, streams).
    """
    return _Bindings(described, world).generate()


class _Bindings:
    def __init__(self, described: Mapping[str, Any], world: str) -> None:
        self.types: list[Any] = described["types"]
        self.interfaces: list[Any] = described["interfaces"]
        self.packages: list[Any] = described["packages"]
        self.prefix = snake(world)
        self.definitions: list[str] = []
        self.prototypes: list[str] = []
        self.wrappers: list[str] = []
        self.names: dict[int, str] = {}
        found = [w for w in described["worlds"] if w["name"] == world]
        if not found:
            raise BuildFailed(f"bindings of {world}", f"the WIT has no world {world!r}")
        self.world = found[0]

    def generate(self) -> tuple[str, str]:
        for name, item in self.world["imports"].items():
            if "type" not in item and self._has_functions(item):
                raise BuildFailed(
                    f"bindings of {self.prefix}", f"import {name}: C guests cannot import functions"
                )
        for export, prefix, function in self._exports():
            self._function(export, prefix, function)
        guard = f"{self.prefix.upper()}_BINDINGS_H"
        parts = [*self.definitions, *self.prototypes]
        header = (
            f'#ifndef {guard}\n#define {guard}\n\n#include "wit.h"\n\n' + "\n".join(parts) + "\n\n#endif\n"
        )
        glue = f'#include "{self.prefix}.h"\n\n' + "\n".join(self.wrappers)
        return header, glue

    def _has_functions(self, item: Mapping[str, Any]) -> bool:
        return "function" in item or bool(self.interfaces[item["interface"]["id"]]["functions"])

    def _exports(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Export name, prefix of C names, and function of each export."""
        for name, item in self.world["exports"].items():
            if "function" in item:
                yield name, self.prefix, item["function"]
                continue
            interface = self.interfaces[item["interface"]["id"]]
            full = name
            if interface.get("package") is not None and interface.get("name"):
                package, _, version = self.packages[interface["package"]]["name"].partition("@")
                full = f"{package}/{interface['name']}" + (f"@{version}" if version else "")
            for short, function in interface["functions"].items():
                yield f"{full}#{short}", f"{self.prefix}_{snake(interface.get('name') or name)}", function

    # Types

    def ctype(self, ref: Ref) -> str:
        """The C type of a WIT type; what it needs is defined by then."""
        if ref == "string":
            return "wit_string_t"
        if isinstance(ref, str):
            if ref not in PRIMITIVES:
                raise BuildFailed(f"bindings of {self.prefix}", f"the type {ref} is beyond C guests")
            return PRIMITIVES[ref][0]
        if ref not in self.names:
            self.names[ref] = self._define(ref)
        return self.names[ref]

    def _define(self, index: int) -> str:
        kind = self._kind(index)
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
        members = [(snake(label), ref) for label, ref in self._members(kind)]
        if "record" in kind or "tuple" in kind:
            return f"typedef struct {{ {self._fields(members)} }} {name};"
        tag = "bool is_some" if "option" in kind else "bool is_err" if "result" in kind else ""
        tag = tag or f"{_tag(len(members))} tag"
        if "option" in kind:
            return f"typedef struct {{ {tag}; {self.ctype(kind['option'])} val; }} {name};"
        union = self._fields([(label, ref) for label, ref in members if ref is not None])
        body = f"{tag}; union {{ {union} }} val;" if union else f"{tag};"
        text = f"typedef struct {{ {body} }} {name};"
        if "variant" in kind:
            stem = name.removesuffix("_t").upper()
            values = ", ".join(f"{stem}_{label.upper()} = {n}" for n, (label, _) in enumerate(members))
            text += f"\nenum {{ {values} }};"
        return text

    def _fields(self, members: list[tuple[str, Any]]) -> str:
        return " ".join(f"{self.ctype(ref)} {label};" for label, ref in members)

    def _members(self, kind: Mapping[str, Any]) -> list[tuple[str, Any]]:
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

    def _kind(self, index: int) -> Mapping[str, Any]:
        kind: Any = self.types[index]["kind"]
        known = {"type", "enum", "flags", "list", "record", "tuple", "option", "result", "variant"}
        if not isinstance(kind, dict) or not known & kind.keys():
            raise BuildFailed(f"bindings of {self.prefix}", f"the type {kind} is beyond C guests")
        return kind

    # Calls

    def flat(self, ref: Ref) -> list[str]:
        """The core types that a value of the type is passed as."""
        if ref == "string":
            return ["i32", "i32"]
        if isinstance(ref, str):
            self.ctype(ref)
            return [PRIMITIVES[ref][1]]
        kind = self._kind(ref)
        if "type" in kind:
            return self.flat(kind["type"])
        if "enum" in kind or "flags" in kind:
            return ["i32"]
        if "list" in kind:
            return ["i32", "i32"]
        if "record" in kind or "tuple" in kind:
            return [core for _, inner in self._members(kind) for core in self.flat(inner)]
        joined: list[str] = []
        for _, inner in self._members(kind):
            for n, core in enumerate(self.flat(inner) if inner is not None else []):
                if n == len(joined):
                    joined.append(core)
                else:
                    joined[n] = _join(joined[n], core)
        return ["i32", *joined]

    def lift(self, ref: Ref, target: str, values: list[str]) -> list[str]:
        """Statements that build ``target`` from flat values, which are taken off the front of ``values``."""
        if ref == "string":
            return [f"{target}.ptr = (const uint8_t *){values.pop(0)};", f"{target}.len = {values.pop(0)};"]
        if isinstance(ref, str):
            return [f"{target} = ({self.ctype(ref)}){values.pop(0)};"]
        kind = self._kind(ref)
        if "type" in kind:
            return self.lift(kind["type"], target, values)
        if "enum" in kind or "flags" in kind:
            return [f"{target} = ({self.ctype(ref)}){values.pop(0)};"]
        if "list" in kind:
            return [f"{target}.ptr = (void *){values.pop(0)};", f"{target}.len = {values.pop(0)};"]
        if "record" in kind or "tuple" in kind:
            return [
                line
                for label, inner in self._members(kind)
                for line in self.lift(inner, f"{target}.{snake(label)}", values)
            ]
        return self._lift_cases(ref, kind, target, values)

    def _lift_cases(self, ref: Ref, kind: Mapping[str, Any], target: str, values: list[str]) -> list[str]:
        core = self.flat(ref)
        tag, payload = values.pop(0), [values.pop(0) for _ in core[1:]]
        field = "is_some" if "option" in kind else "is_err" if "result" in kind else "tag"
        lines = [f"{target}.{field} = {tag};", f"switch ({tag}) {{"]
        for n, (label, inner) in enumerate(self._members(kind)):
            if inner is None:
                continue
            wanted = zip(payload, core[1:], self.flat(inner), strict=False)
            converted = [CONVERSIONS.get((have, want), "{}").format(value) for value, have, want in wanted]
            place = f"{target}.val" if "option" in kind else f"{target}.val.{snake(label)}"
            body = " ".join(self.lift(inner, place, converted))
            lines.append(f"case {n}: {body} break;")
        return [*lines, "default: break; }"]

    def _function(self, export: str, prefix: str, function: Mapping[str, Any]) -> None:
        name = f"{prefix}_{snake(function['name'])}"
        params = [(snake(p["name"]), p["type"]) for p in function["params"]]
        result: Ref | None = function.get("result")
        handed: list[str] = []
        if params:
            self.definitions.append(f"typedef struct {{ {self._fields(params)} }} {name}_args_t;")
            handed.append(f"const {name}_args_t *args")
        if result is not None:
            handed.append(f"{self.ctype(result)} *result")
        self.prototypes.append(f"void {name}({', '.join(handed) or 'void'});")
        self._wrapper(export, name, params, result)

    def _wrapper(self, export: str, name: str, params: list[tuple[str, Ref]], result: Ref | None) -> None:
        core = [kind for _, ref in params for kind in self.flat(ref)]
        spilled = len(core) > MAX_FLAT_PARAMS
        body: list[str] = []
        if spilled:
            taken = f"const {name}_args_t *args"
        else:
            taken = ", ".join(f"{CORE[kind]} p{n}" for n, kind in enumerate(core)) or "void"
            if params:
                body.append(f"{name}_args_t args;")
            values = [f"p{n}" for n in range(len(core))]
            for label, ref in params:
                body += self.lift(ref, f"args.{label}", values)
        passed = ["args" if spilled else "&args"] if params else []
        returned = [] if result is None else self.flat(result)
        if result is not None:
            body.append(f"static {self.ctype(result)} result;")
            passed.append("&result")
        body.append(f"{name}({', '.join(passed)});")
        kind = CORE[returned[0]] if len(returned) == 1 else "void *" if returned else "void"
        if result is not None:
            body.append("return &result;" if len(returned) > 1 else f"return result{self._only(result)};")
        kept = f"{kind} value" if returned else "void"
        lines = "\n".join(f"    {line}" for line in body)
        self.wrappers.append(
            f'__attribute__((export_name("{export}")))\n{kind} wrap_{name}({taken}) {{\n{lines}\n}}\n\n'
            f'__attribute__((export_name("cabi_post_{export}")))\n'
            f"void post_{name}({kept}) {{ {'(void)value; ' if returned else ''}wit_reset(); }}\n"
        )

    def _only(self, ref: Ref) -> str:
        """The path to the one core value inside a C value that flattens to one."""
        if isinstance(ref, str):
            return ""
        kind = self._kind(ref)
        if "type" in kind:
            return self._only(kind["type"])
        if "enum" in kind or "flags" in kind:
            return ""
        if "record" in kind or "tuple" in kind:
            label, inner = self._members(kind)[0]
            return f".{snake(label)}{self._only(inner)}"
        return ".is_err" if "result" in kind else ".tag"


def _join(left: str, right: str) -> str:
    if left == right:
        return left
    return "i32" if {left, right} == {"i32", "f32"} else "i64"


def _tag(cases: int) -> str:
    return "uint8_t" if cases <= 0x100 else "uint16_t" if cases <= 0x10000 else "uint32_t"


def _flags(count: int, prefix: str) -> str:
    if count > 32:
        raise BuildFailed(f"bindings of {prefix}", f"{count} flags are beyond C guests (at most 32)")
    return "uint8_t" if count <= 8 else "uint16_t" if count <= 16 else "uint32_t"
