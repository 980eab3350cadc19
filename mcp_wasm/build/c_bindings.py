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

from mcp_wasm.build.c_types import PRIMITIVES, CTypes, Ref, snake
from mcp_wasm.errors import BuildFailed

CORE = {"i32": "uint32_t", "i64": "uint64_t", "f32": "float", "f64": "double"}
MAX_FLAT_PARAMS = 16

CONVERSIONS = {
    ("i32", "f32"): "wit_f32({})",
    ("i64", "i32"): "(uint32_t)({})",
    ("i64", "f32"): "wit_f32((uint32_t)({}))",
    ("i64", "f64"): "wit_f64({})",
}
"""How a case of a variant gets its value back from the joined core type."""


def generate(described: Mapping[str, Any], world: str) -> tuple[str, str]:
    """Header and C source of the bindings of ``world``.

    Raises:
        BuildFailed: the package has no such world, or it uses what C guests cannot have here
            (imports, resources, streams).
    """
    return _Bindings(described, world).generate()


class _Bindings:
    def __init__(self, described: Mapping[str, Any], world: str) -> None:
        self.interfaces: list[Any] = described["interfaces"]
        self.packages: list[Any] = described["packages"]
        self.prefix = snake(world)
        self.types = CTypes(described["types"], self.prefix)
        self.prototypes: list[str] = []
        self.wrappers: list[str] = []
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
        parts = [*self.types.definitions, *self.prototypes]
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

    def flat(self, ref: Ref) -> list[str]:
        """The core types that a value of the type is passed as."""
        if ref == "string":
            return ["i32", "i32"]
        if isinstance(ref, str):
            self.types.ctype(ref)
            return [PRIMITIVES[ref][1]]
        kind = self.types.kind(ref)
        if "type" in kind:
            return self.flat(kind["type"])
        if "enum" in kind or "flags" in kind:
            return ["i32"]
        if "list" in kind:
            return ["i32", "i32"]
        if "record" in kind or "tuple" in kind:
            return [core for _, inner in self.types.members(kind) for core in self.flat(inner)]
        joined: list[str] = []
        for _, inner in self.types.members(kind):
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
            return [f"{target} = ({self.types.ctype(ref)}){values.pop(0)};"]
        kind = self.types.kind(ref)
        if "type" in kind:
            return self.lift(kind["type"], target, values)
        if "enum" in kind or "flags" in kind:
            return [f"{target} = ({self.types.ctype(ref)}){values.pop(0)};"]
        if "list" in kind:
            return [f"{target}.ptr = (void *){values.pop(0)};", f"{target}.len = {values.pop(0)};"]
        if "record" in kind or "tuple" in kind:
            return [
                line
                for label, inner in self.types.members(kind)
                for line in self.lift(inner, f"{target}.{snake(label)}", values)
            ]
        return self._lift_cases(ref, kind, target, values)

    def _lift_cases(self, ref: Ref, kind: Mapping[str, Any], target: str, values: list[str]) -> list[str]:
        core = self.flat(ref)
        tag, payload = values.pop(0), [values.pop(0) for _ in core[1:]]
        field = "is_some" if "option" in kind else "is_err" if "result" in kind else "tag"
        lines = [f"{target}.{field} = {tag};", f"switch ({tag}) {{"]
        for n, (label, inner) in enumerate(self.types.members(kind)):
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
            self.types.definitions.append(f"typedef struct {{ {self.types.fields(params)} }} {name}_args_t;")
            handed.append(f"const {name}_args_t *args")
        if result is not None:
            handed.append(f"{self.types.ctype(result)} *result")
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
            body.append(f"static {self.types.ctype(result)} result;")
            passed.append("&result")
        body.append(f"{name}({', '.join(passed)}); wit_end();")
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
        kind = self.types.kind(ref)
        if "type" in kind:
            return self._only(kind["type"])
        if "enum" in kind or "flags" in kind:
            return ""
        if "record" in kind or "tuple" in kind:
            label, inner = self.types.members(kind)[0]
            return f".{snake(label)}{self._only(inner)}"
        return ".is_err" if "result" in kind else ".tag"


def _join(left: str, right: str) -> str:
    if left == right:
        return left
    return "i32" if {left, right} == {"i32", "f32"} else "i64"
