from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from mcp_wasm.build import c_library
from mcp_wasm.code import c
from mcp_wasm.errors import ToolchainMissing
from mcp_wasm.sandbox.artifacts import Cache


@pytest.fixture
def without_zig(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that has everything but the package of zig."""
    found = importlib.util.find_spec

    def without(name: str) -> object:
        return None if name == "ziglang" else found(name)

    for known in (c_library.zig, c_library.key):
        known.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", without)


def test_a_program_without_a_compiler_is_told_what_to_type(without_zig: None, tmp_path: Path) -> None:
    with pytest.raises(
        ToolchainMissing, match=r"zig is not installed\. Type: pip install 'mcp-wasm\[build\]'$"
    ):
        c.compile_run("int main(void) { return 0; }", tmp_path, Cache(tmp_path / "cache"))


def test_the_state_of_c_says_once_what_to_type(without_zig: None, tmp_path: Path) -> None:
    assert c.state(tmp_path) == "zig is not installed. Type: pip install 'mcp-wasm[build]'"
