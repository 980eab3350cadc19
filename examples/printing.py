"""How the demo looks: a heading, a line that is rewritten, a tool as a signature, a cost in words."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Mapping
from typing import Any

from mcp.types import CallToolResult, TextContent, Tool

WIDTH = 108
COST = "mcp-wasm/cost"
_PATIENCE_S = 5.0


class Line:
    """A line that is rewritten while something takes its time; without a terminal, one every few seconds."""

    def __init__(self, head: str) -> None:
        self._head, self._live = head, sys.stdout.isatty()
        self._shown = time.monotonic()
        self("…")

    def __call__(self, text: str) -> None:
        """Show what is being done."""
        if self._live:
            print(f"\r\x1b[K{self._head}{text}"[:WIDTH], end="", flush=True)
        elif time.monotonic() - self._shown > _PATIENCE_S:
            self._shown = time.monotonic()
            print(self._head + text, flush=True)

    def end(self, text: str | None = None) -> None:
        """Leave ``text`` standing, or nothing."""
        if self._live:
            print("\r\x1b[K", end="")
        if text is not None:
            print(self._head + text, flush=True)


def heading(text: str) -> None:
    """Begin a part."""
    print(f"\n{text}\n{'-' * min(len(text), WIDTH)}", flush=True)


def print_tool(tool: Tool) -> None:
    """A tool as a signature, with the first line of its description."""
    parameters = shape(tool.input_schema).removeprefix("{").removesuffix("}")
    returns = shape(tool.output_schema["properties"]["result"]) if tool.output_schema else "content"
    print()
    signature = f"{tool.name}({parameters}) -> {returns}"
    wrapped = textwrap.wrap(
        signature, WIDTH - 3, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    for line in wrapped:
        print(f"   {line}")
    if tool.description:
        print(f"     {clip(tool.description.splitlines()[0])}")


def shape(schema: Mapping[str, Any]) -> str:
    """A JSON Schema as a type a person can read; bounds and descriptions are left out."""
    if "const" in schema or "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(shape(each) for each in schema[key]))
    if schema.get("type") == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(map(shape, schema['prefixItems']))}]"
        return f"[{shape(schema.get('items', {}))}, …]"
    if schema.get("type") == "object":
        needed = schema.get("required", ())
        fields = schema.get("properties", {}).items()
        return (
            "{"
            + ", ".join(f"{name}{'' if name in needed else '?'}: {shape(each)}" for name, each in fields)
            + "}"
        )
    return "base64" if schema.get("contentEncoding") == "base64" else str(schema.get("type", "any"))


def text_of(result: CallToolResult) -> str:
    """The text of a result."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def cost(result: CallToolResult, seconds: float) -> str:
    """What the call cost, by the server's own account, and how long the client waited."""
    spent = (result.meta or {}).get(COST)
    if spent is None:
        return f"nothing ran; the client waited {seconds * 1e3:.1f} ms"
    parts = [f"{spent['fuel']:,} fuel"]
    parts += [f"{spent['compileMs']:,.0f} ms to load or compile"] if spent["compileMs"] >= 1 else []
    parts += [f"{spent['instantiateMs']:.2f} ms to instantiate", f"{spent['runMs']:.2f} ms to run"]
    return f"{', '.join(parts)}; the client waited {seconds * 1e3:.1f} ms"


def clip(text: str) -> str:
    """``text`` on one line of bounded width."""
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
