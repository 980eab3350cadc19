"""Generates the adapter between a typed world and a runner, in C: values to a request, an answer to values.

Of each type of the world there are two functions, which write and read its
plain JSON as ``sandbox.script`` does on the host. What they share is the guest
source ``code/guests/exported/adapter.h``; structs and the canonical ABI come
from ``c_bindings``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mcp_wasm.build.c_types import CTypes, Ref, snake
from mcp_wasm.build.signature.model import Published, Signature
from mcp_wasm.component.script import form


def generate(
    described: Mapping[str, Any], signature: Signature, common: Mapping[str, Any], interface: str = ""
) -> str:
    """The C source for the WIT package ``described`` (``wasm_tools.describe``).

    ``common`` are the parts of every request: language, code and file;
    ``interface`` is the one of the world that has the functions, "" for the world itself.
    """
    within = f"_{snake(interface)}" if interface else ""
    prefix = snake(signature.world)
    writer = _Writer(CTypes(described["types"], prefix))
    declared = _declared(described, signature.world)
    bodies = [
        _function(writer, f"{prefix}{within}", each, declared[each.name]) for each in signature.functions
    ]
    opened = _c_text(_opened(common))
    head = f'#include "{prefix}.h"\n#include "adapter.h"\n\nstatic const char COMMON[] = {opened};\n'
    return "\n".join([head, *writer.functions, *bodies])


def _declared(described: Mapping[str, Any], name: str) -> dict[str, Mapping[str, Any]]:
    """The exported functions of the world ``name`` by their names, also those in an interface."""
    world = next(each for each in described["worlds"] if each["name"] == name)
    found: dict[str, Mapping[str, Any]] = {}
    for export, item in world["exports"].items():
        if "function" in item:
            found[export] = item["function"]
        else:
            found |= described["interfaces"][item["interface"]["id"]]["functions"]
    return found


def _function(writer: _Writer, prefix: str, published: Published, declared: Mapping[str, Any]) -> str:
    name = f"{prefix}_{snake(published.name)}"
    request: dict[str, Any] = {
        "mode": "call",
        "function": published.code_name,
        "types": [[each.name, form(each.type)] for each in published.parameters],
        "result": form(published.result),
    }
    if published.shapes:
        request["shapes"] = published.shapes
    own = "," + _opened(request)[1:] + ',"arguments":{'
    lines = [
        "wit_text_t request = {0};",
        "wit_text_c(&request, COMMON);",
        f"wit_text_c(&request, {_c_text(own)});",
    ]
    for number, param in enumerate(declared["params"]):
        key = ("," if number else "") + json.dumps(param["name"]) + ":"
        lines.append(f"wit_text_c(&request, {_c_text(key)});")
        lines.append(f"put_{writer.of(param['type'])}(&request, &args->{snake(param['name'])});")
    result = writer.types.kind(declared["result"])["result"]
    lines += [
        'wit_text_c(&request, "}}");',
        "reader_t in;",
        "result->is_err = !answered(&request, &in, &result->val.err);",
    ]
    if result["ok"] is not None:
        misfit = f"{published.code_name} returned what its signature does not say"
        lines += [
            "if (result->is_err) return;",
            f"get_{writer.of(result['ok'])}(&in, &result->val.ok);",
            f"if (in.wrong) {{ result->is_err = true; result->val.err = c_text({_c_text(misfit)}); }}",
        ]
    given = f"const {name}_args_t *args, " if declared["params"] else ""
    body = "\n".join(f"    {line}" for line in lines)
    return f"void {name}({given}{writer.types.ctype(declared['result'])} *result) {{\n{body}\n}}\n"


class _Writer:
    """The functions of types, each type's after those of its parts."""

    def __init__(self, types: CTypes) -> None:
        self.types = types
        self.functions: list[str] = []
        self._done: set[str] = set()

    def of(self, ref: Ref) -> str:
        """What the functions of a type are named by, made if need be."""
        if ref == "string":
            return "string"
        name = self.types.ctype(ref)
        if isinstance(ref, str) or name in self._done:
            return name
        kind = self.types.kind(ref)
        if "type" in kind:
            return self.of(kind["type"])
        self._done.add(name)
        put, get = self._bodies(name, kind)
        for verb, first, body in (("put", "wit_text_t *out, const", put), ("get", "reader_t *in,", get)):
            lines = "\n".join(f"    {line}" for line in body)
            self.functions.append(f"static void {verb}_{name}({first} {name} *v) {{\n{lines}\n}}\n")
        return name

    def _bodies(self, name: str, kind: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        if "list" in kind:
            return self._list(kind["list"])
        if "option" in kind:
            inner = self.of(kind["option"])
            put = [f'if (v->is_some) put_{inner}(out, &v->val); else wit_text_c(out, "null");']
            get = [
                "v->is_some = !sees(in, 'n');",
                f"if (v->is_some) get_{inner}(in, &v->val); else skip_value(in);",
            ]
            return put, get
        if "record" in kind:
            return self._record(name, kind)
        if "tuple" in kind:
            return self._tuple(kind)
        if "variant" in kind:
            return self._variant(kind)
        names = [each["name"] for each in kind["enum"]["cases"]] if "enum" in kind else []
        return _enum(names) if names else _flags([each["name"] for each in kind["flags"]["flags"]])

    def _list(self, ref: Ref) -> tuple[list[str], list[str]]:
        inner = self.of(ref)
        if inner == "uint8_t":
            return ["put_base64(out, v->ptr, v->len);"], [
                "get_base64(in, (const uint8_t **)&v->ptr, &v->len);"
            ]
        ctype = self.types.ctype(ref)
        put = [
            "wit_text_byte(out, '[');",
            "for (size_t i = 0; i < v->len; i++) {",
            "    if (i) wit_text_byte(out, ',');",
            f"    put_{inner}(out, &v->ptr[i]);",
            "}",
            "wit_text_byte(out, ']');",
        ]
        get = [
            "size_t room = 0; bool first = true;",
            "v->ptr = NULL; v->len = 0;",
            "expect(in, '[');",
            "while (another(in, &first, ']')) {",
            "    if (v->len == room) {",
            "        size_t more = room ? room * 2 : 8;",
            f"        {ctype} *grown = wit_alloc(more * sizeof({ctype}), _Alignof({ctype}));",
            f"        if (room) memcpy(grown, v->ptr, room * sizeof({ctype}));",
            "        v->ptr = grown; room = more;",
            "    }",
            f"    get_{inner}(in, &v->ptr[v->len++]);",
            "}",
        ]
        return put, get

    def _record(self, name: str, kind: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        put, cases = [], []
        needed = 0
        for number, (label, ref) in enumerate(self.types.members(kind)):
            inner, field = self.of(ref), snake(label)
            opening = ("," if number else "{") + json.dumps(label) + ":"
            put += [f"wit_text_c(out, {_c_text(opening)});", f"put_{inner}(out, &v->{field});"]
            cases.append(
                f"    if (wit_equals(name, {_c_text(label)})) {{ get_{inner}(in, &v->{field}); "
                f"seen[{number}] = true; continue; }}"
            )
            needed += 1
        put.append("wit_text_byte(out, '}');")
        options = [self._is_option(ref) for _, ref in self.types.members(kind)]
        check = " || ".join(f"!seen[{n}]" for n, option in enumerate(options) if not option)
        get = [
            f"bool first = true, seen[{needed}] = {{0}};",
            f"memset(v, 0, sizeof({name}));",
            "expect(in, '{');",
            "while (another(in, &first, '}')) {",
            "    wit_string_t name = key(in);",
            *cases,
            "    skip_value(in);",
            "}",
            *([f"if ({check}) in->wrong = true;"] if check else []),
        ]
        return put, get

    def _is_option(self, ref: Ref) -> bool:
        if isinstance(ref, str):
            return False
        kind = self.types.kind(ref)
        return self._is_option(kind["type"]) if "type" in kind else "option" in kind

    def _tuple(self, kind: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        put, get = [], []
        for number, (label, ref) in enumerate(self.types.members(kind)):
            inner = self.of(ref)
            put += [f"wit_text_byte(out, '{',' if number else '['}');", f"put_{inner}(out, &v->{label});"]
            get += [f"expect(in, '{',' if number else '['}');", f"get_{inner}(in, &v->{label});"]
        return [*put, "wit_text_byte(out, ']');"], [*get, "expect(in, ']');"]

    def _variant(self, kind: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        put, get = ["switch (v->tag) {"], []
        for number, (label, ref) in enumerate(self.types.members(kind)):
            tag, inside = json.dumps({"tag": label}, separators=(",", ":")), f"v->val.{snake(label)}"
            if ref is None:
                put.append(f"case {number}: wit_text_c(out, {_c_text(tag)}); break;")
                read = ""
            else:
                inner, opening = self.of(ref), _c_text(tag[:-1] + ',"val":')
                put.append(
                    f"case {number}: wit_text_c(out, {opening}); put_{inner}(out, &{inside}); "
                    "wit_text_byte(out, '}'); break;"
                )
                read = f" get_{inner}(&val, &{inside});"
            get.append(f"if (wit_equals(tag, {_c_text(label)})) {{ v->tag = {number};{read} known = true; }}")
        before = [
            "bool first = true, known = false;",
            "wit_string_t tag = {0};",
            "reader_t val = {0};",
            "val.wrong = false;",
            "expect(in, '{');",
            "while (another(in, &first, '}')) {",
            "    wit_string_t name = key(in);",
            '    if (wit_equals(name, "tag")) { get_string(in, &tag); continue; }',
            '    if (wit_equals(name, "val")) val = (reader_t){in->at, in->end, false};',
            "    skip_value(in);",
            "}",
        ]
        return [*put, "}"], [*before, *get, "if (!known || val.wrong) in->wrong = true;"]


def _enum(names: Sequence[str]) -> tuple[list[str], list[str]]:
    put = [
        f"static const char *const NAMES[] = {{{', '.join(map(_c_text, names))}}};",
        "wit_string_t name = c_text(NAMES[*v]);",
        "put_string(out, &name);",
    ]
    get = [
        "wit_string_t name;",
        "get_string(in, &name);",
        *(f"if (wit_equals(name, {_c_text(each)})) {{ *v = {n}; return; }}" for n, each in enumerate(names)),
        "in->wrong = true;",
    ]
    return put, get


def _flags(names: Sequence[str]) -> tuple[list[str], list[str]]:
    put = ["bool any = false;", "wit_text_byte(out, '[');"]
    for n, each in enumerate(names):
        quoted = _c_text(json.dumps(each))
        put.append(f"if (*v & 1u << {n}) {{ if (any) wit_text_byte(out, ',');")
        put.append(f"    any = true; wit_text_c(out, {quoted}); }}")
    get = [
        "bool first = true;",
        "*v = 0;",
        "expect(in, '[');",
        "while (another(in, &first, ']')) {",
        "    wit_string_t name;",
        "    get_string(in, &name);",
        *(f"    if (wit_equals(name, {_c_text(each)})) *v |= 1u << {n};" for n, each in enumerate(names)),
        "}",
    ]
    return [*put, "wit_text_byte(out, ']');"], get


def _opened(parts: Mapping[str, Any]) -> str:
    """A JSON object without its closing brace, in ASCII."""
    return json.dumps(parts, separators=(",", ":"))[:-1]


def _c_text(text: str) -> str:
    """A text of ASCII as C has it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
    return f'"{escaped}"'
