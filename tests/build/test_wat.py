from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source
from mcp_wasm.errors import BuildFailed

WIT = "package t:t;\nworld thing {\n    /// Seven.\n    export seven: func() -> u32;\n}"
MODULE = '(module (memory (export "memory") 1) (func (export "seven") (result i32) i32.const 7))'
COMPONENT = (
    '(component (core module $m (func (export "seven") (result i32) i32.const 7))'
    " (core instance $i (instantiate $m))"
    ' (func (export "seven") (result u32) (canon lift (core func $i "seven"))))'
)


def source(folder: Path, text: str) -> Source:
    (folder / "thing.wat").write_text(text, encoding="utf-8")
    return Source("thing", folder, "thing.wat", WIT, "thing")


@pytest.mark.parametrize("text", [MODULE, COMPONENT])
def test_a_module_and_a_component_both_become_a_component_with_docs(tmp_path: Path, text: str) -> None:
    made = compile_component("wat", source(tmp_path, text))
    assert made.startswith(b"\0asm\x0d\0\x01\0")
    assert b"Seven." in made


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(module", "expected `\\)`"),
        (MODULE.replace("i32.const", "i64.const"), "type mismatch"),
        (MODULE.replace('"seven"', '"eight"'), "seven"),
        ("", "expected"),
    ],
)
def test_a_wrong_text_is_a_failed_build_in_the_assemblers_words(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(BuildFailed, match=words):
        compile_component("wat", source(tmp_path, text))


def test_a_language_without_a_toolchain_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="no toolchain for cobol"):
        compile_component("cobol", source(tmp_path, MODULE))
