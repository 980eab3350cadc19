"""Tools of any signature, published by nobody, for tests of their stubs."""

from __future__ import annotations

from mcp_wasm.capability.grant import Grants, Tools
from mcp_wasm.code.stubs import StubLanguage
from mcp_wasm.component import schema
from mcp_wasm.component.types import Function, List, Param, Primitive, Type
from mcp_wasm.registry.tool import Tool

STRING, U32, U64, F64 = (Primitive(name) for name in ("string", "u32", "u64", "f64"))
BYTES = List(Primitive("u8"))
LANGUAGES: tuple[StubLanguage, ...] = ("python", "typescript")
ALL = Grants(tools=(Tools(("*",)),))


def tool(
    name: str, *params: Param, result: Type | None = None, docs: str = "", component: str = "demo"
) -> Tool:
    function = Function("", name.replace("_", "-"), params, result)
    given = schema.input_schema(function)
    return Tool(name, name, docs, given, schema.output_schema(function), function, component, "0" * 64)
