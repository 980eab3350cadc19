"""Writes ``docs/tools.md`` from the manifests and the WIT of the bundled tools.

Run it as ``python -m tests.tools.page`` after a change of either.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcp_wasm.build import bundled, wasm_tools
from mcp_wasm.build.manifest import Example
from mcp_wasm.build.workspace import Workspace

PAGE = Path(__file__).parents[2] / "docs" / "tools.md"
LANGUAGES = {
    "c": "C",
    "zig": "Zig",
    "wat": "WebAssembly text",
    "python": "Python",
    "typescript": "TypeScript",
}
LONGEST = 160
HEAD = """# The bundled tools

Each is a WebAssembly component with its sources in `tools/`. Those that are shipped are served at once;
the others are built on your machine at first use, or by `mcp-wasm build`. None of them can reach files, the
network or the environment. What follows is written from their manifests and WIT by
`python -m tests.tools.page`; the examples are run by the tests.

| tool | what it does | written in | |
|---|---|---|---|
"""


def functions(tool: bundled.BundledTool) -> dict[str, str]:
    """The first paragraph of the docs of each exported function, by name."""
    with Workspace(tool.name) as space:
        described = wasm_tools.describe(space, tool.wit.read_text(encoding="utf-8"))
    [world] = [w for w in described["worlds"] if w["name"] == tool.manifest.world]
    found: dict[str, Any] = {}
    for item in world["exports"].values():
        inside = described["interfaces"][item["interface"]["id"]]["functions"] if "interface" in item else {}
        found |= inside or {item["function"]["name"]: item["function"]}
    return {name: _first(f.get("docs", {}).get("contents", "")) for name, f in found.items()}


def _first(docs: str) -> str:
    return " ".join(docs.partition("\n\n")[0].split())


def page() -> str:
    """The whole page."""
    tools = bundled.list_bundled()
    shipped = {tool.name for tool in tools if tool.shipped}
    rows = [
        f"| [{t.name}](#{t.name}) | {t.manifest.description} | {LANGUAGES[t.language]} "
        f"| {'shipped' if t.name in shipped else 'built at first use'} |\n"
        for t in tools
    ]
    return HEAD + "".join(rows) + "".join(line for tool in tools for line in _section(tool))


def _section(tool: bundled.BundledTool) -> Iterator[str]:
    yield f"\n## {tool.name}\n"
    for name, docs in functions(tool).items():
        yield f"\n### {tool.name}_{name.replace('-', '_')}\n\n{docs}\n"
        for example in tool.manifest.examples:
            if example.function == name and not _holds_link(example):
                yield _shown(tool.name, example)


def _holds_link(example: Example) -> bool:
    """Readers of this page, and its own tests, take a Markdown link in an example for one of the page."""
    return "](" in str(example.arguments) + str(example.result)


def _shown(tool: str, example: Example) -> str:

    answer = (
        f"an error: … {example.error} …" if example.error else json.dumps(example.result, ensure_ascii=False)
    )
    answer = answer if example.checked else "depends on the moment"
    arguments = json.dumps(example.arguments, ensure_ascii=False)
    lines = [
        f"{example.says}",
        "",
        "```text",
        f"{tool}_{example.function.replace('-', '_')} {_cut(arguments)}",
        f"→ {_cut(answer)}",
        "```",
    ]
    return "\n" + "\n".join(lines) + "\n"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
