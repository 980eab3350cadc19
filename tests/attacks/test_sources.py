"""Attacks on what reads source in this process: texts on which a careless reader takes hours.

While a regular expression or a native parser runs, no other thread of the server
does, so these must come to an end by themselves, and soon.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from mcp_wasm.build import c_program, c_signature
from mcp_wasm.build.signature import python, tree, typescript
from mcp_wasm.code.made_component import world_name
from mcp_wasm.code.made_contract import SOURCE_BYTES
from mcp_wasm.errors import McpWasmError, SignatureRefused

pytestmark = pytest.mark.timeout(20)

_C = "int f(int a) { return a; }"
_PY = 'def f(a: int) -> int:\n  """{}"""\n  return a\n'


def full(piece: str) -> str:
    """``piece`` again and again, as much as may be sent."""
    return piece * (SOURCE_BYTES // len(piece.encode()))


def read_program(source: str) -> object:
    return c_program._COMMENT.sub(" ", source)


READERS: dict[str, tuple[Callable[[str], object], str]] = {
    "c: comments that are open": (lambda text: c_signature.read(text, "code.c"), full("/*\n")),
    "c: comments that are closed": (lambda text: c_signature.read(text, "code.c"), full("/**/")),
    "c: quotes that are open": (lambda text: c_signature.read(text, "code.c"), full('\\"')),
    "c: single quotes": (lambda text: c_signature.read(text, "code.c"), full("\\'")),
    "c: docs of slashes": (lambda text: c_signature.read(text, "code.c"), f"{'/' * 64}\nx;\n{_C}"),
    "c: docs of lines": (lambda text: c_signature.read(text, "code.c"), full("//\n") + "x;\n" + _C),
    "c: docs of spaces": (lambda text: c_signature.read(text, "code.c"), f"{full(' ')}{_C}"),
    "c: functions": (
        lambda text: c_signature.read(text, "code.c"),
        "".join(f"int f{n}(){{}}" for n in range(17_000)),
    ),
    "c: a program of open comments": (read_program, full("/*\n")),
    "wit: comments that are open": (world_name, full("/*\n")),
    "wit: comments of docs": (world_name, full("/** ")),
    "python: a field of spaces": (
        lambda text: python.signature(text, file="code.py"),
        _PY.format(":a" + " " * 100_000 + "x"),
    ),
    "python: headings": (
        lambda text: python.signature(text, file="code.py"),
        _PY.format("\n  Args:\n" * 20_000),
    ),
    "python: entries": (
        lambda text: python.signature(text, file="code.py"),
        _PY.format("\n  Args:\n    a" + " " * 100_000 + "x\n" + " " * 100_000 + "\n    b: c"),
    ),
    "typescript: comments that are open": (
        lambda text: typescript.signature(text, file="code.ts"),
        full("/** "),
    ),
    "typescript: quotes": (lambda text: typescript.signature(text, file="code.ts"), full("'")),
}


@pytest.fixture(autouse=True)
def _is_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_PARSED_S", 0.2)


@pytest.mark.parametrize("reader", READERS)
def test_no_source_keeps_its_reader(reader: str) -> None:
    read, text = READERS[reader]
    with contextlib.suppress(McpWasmError):
        read(text)


def test_a_source_that_does_not_parse_in_time_is_refused() -> None:
    with pytest.raises(SignatureRefused, match="to parse"):
        typescript.signature(full("/** "), file="code.ts")


def test_a_number_of_more_digits_than_python_writes_is_refused_with_its_line() -> None:
    source = f"from typing import Literal\ndef f(a: Literal[0x{'9' * 100_000}]) -> int:\n  return 1\n"
    with pytest.raises(SignatureRefused, match=r"code\.py:2:"):
        python.signature(source, file="code.py")


def test_docs_of_c_functions_are_the_comment_right_before_them() -> None:
    source = """
    /* Not this. */ int x; // nor this
    /** Adds one.
     * To a. */
    int add(int a) { return a + 1; } /* nor this */
    // Doubles.
    //
    // Twice.
    int twice(int a) { return 2 * a; }
    int bare(int a) { const char *s = "/* no"; return '{' + '\\''; }
    // odd */
    int last(int a) { return a; }
    """
    wit = c_signature.read(source, "code.c").wit
    docs = [line.strip() for line in wit.split("\n") if line.strip().startswith(("///", "export"))]
    assert [line.split("(")[0] for line in docs] == [
        "/// Adds one.",
        "/// To a.",
        "export add: func",
        "/// Doubles.",
        "///",
        "/// Twice.",
        "export twice: func",
        "export bare: func",
        "/// odd */",
        "export last: func",
    ]
