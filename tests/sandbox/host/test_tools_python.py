"""The guest in ``docs/calling-tools.md``, built by the public toolchain from what the document shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source
from mcp_wasm.capability.grant import Tools
from mcp_wasm.runtime import Runtime
from tests import once

ROOT = Path(__file__).parents[3]


def block(language: str) -> str:
    """The one fenced block of a language in the document."""
    text = (ROOT / "docs" / "calling-tools.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.toolchain
@pytest.mark.timeout(240)
def test_a_python_guest_calls_tools(
    home: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], Path]
) -> None:
    once.share_compiled(tmp_path_factory, home)
    tools = (ROOT / "wit" / "mcp-wasm-tools-0.1.0" / "tools.wit").read_text(encoding="utf-8")
    head, package, rest = tools.partition("package mcp-wasm:tools@0.1.0;")
    (tmp_path / "app.py").write_text(block("py"), encoding="utf-8")
    wit = f"{block('wit')}\n{head}{package.removesuffix(';')} {{{rest}}}\n"
    binary = compile_component("python", Source("sums", tmp_path, "app.py", wit, "sums"))
    (tmp_path / "sums.wasm").write_bytes(binary)
    with Runtime(home=home) as runtime:
        runtime.add(tmp_path / "sums.wasm")
        runtime.add(program("tiny"))
        numbers = {"numbers": [1, 20, 300]}
        assert runtime.call_sync("sums_sum", numbers, approved=[Tools(("tiny_add",))]).value == 321
        denied = runtime.call_sync("sums_sum", numbers)
        assert (denied.failed, denied.value) == (True, "Error_Denied: no grant of tools to sums")
        assert [d.asked for d in denied.report.denials] == ["the tool tiny_add"]
