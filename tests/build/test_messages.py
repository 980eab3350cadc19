"""What compilers print, as places in the source.

Tests of the toolchains themselves are in ``test_confine_messages.py``.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mcp_wasm.build.messages import parse
from tests.build.printed import (
    CHAIN,
    CHAINED,
    CLANG,
    ESBUILD,
    GO,
    GROUP,
    LIBRARY,
    LINKER,
    QUICKJS,
    RUSTC,
    SYNTAX,
    TS,
    UNSHOWN,
    UNTOLD,
    VALIDATION,
    WASM_TOOLS,
    WIDE,
    WIDE_C,
    C,
)

CASES: list[tuple[str, str, Mapping[str, str], list[str]]] = [
    (
        "clang",
        CLANG,
        C,
        [
            "x.h:2:8: error: expected expression",
            "main.c:2:9: error: use of undeclared identifier 'b'",
            "x.h:1:19: note: expanded from macro 'F'",
            "main.c:3:10: error: 'nope.h' file not found",
        ],
    ),
    ("the linker", LINKER, {"main.c": ""}, ["main.c: error: undefined symbol: other"]),
    (
        "columns of clang are bytes",
        WIDE_C,
        {"u.c": "int é = é2;"},
        ["u.c:1:9: error: use of undeclared identifier 'é2'; did you mean 'é'?"],
    ),
    (
        "rustc",
        RUSTC,
        {"code.rs": ""},
        ["code.rs:3:5: error: cannot find value `m` in this scope"],
    ),
    (
        "columns of go are bytes",
        GO,
        {"code.go": "\n\n\n/* é */ return m\n\tn := 1\n"},
        ["code.go:4:16: error: undefined: m", "code.go:5:2: error: declared and not used: n"],
    ),
    (
        "wasm-tools",
        WASM_TOOLS,
        {"main.wat": ""},
        ["main.wat:3:15: error: unknown func: failed to find name `$nope`"],
    ),
    (
        "wasm-tools, what is well-formed and not valid",
        VALIDATION,
        {"main.wat": ""},
        [
            "main.wat:3:5: error: function `a` failed to validate: "
            "type mismatch: expected i32 but nothing on stack"
        ],
    ),
    (
        "esbuild",
        ESBUILD,
        {"main.ts": TS},
        [
            'main.ts:2:1: error: Cannot assign to "x" because it is a constant',
            'main.ts:1:7: note: The symbol "x" was declared a constant here',
            'main.ts:3:12: error: Unexpected "="',
            'main.ts:4:11: warning: Comparison with -0 using the "===" operator '
            "will also match 0 [equals-negative-zero]",
        ],
    ),
    (
        "Python, what does not parse",
        SYNTAX,
        {"app.py": "if 1:\n        def f(:\n"},
        ["app.py:2:15: error: SyntaxError: invalid syntax"],
    ),
    (
        "Python, an error with a cause",
        CHAIN,
        {"app.py": CHAINED},
        [
            "app.py:2:12: note: ZeroDivisionError: division by zero",
            "app.py:7:5: error: ValueError: two\nlines",
        ],
    ),
    (
        "Python, an error in a library",
        LIBRARY,
        {"app.py": "import helper\n", "helper.py": "import json\n\njson.loads('{')\n"},
        [
            "helper.py:3:1: error: json.decoder.JSONDecodeError: "
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
        ],
    ),
    (
        "Python, a group of errors",
        GROUP,
        {"app.py": "print('hi')\n\nraise ExceptionGroup('g',[ValueError(1),TypeError(2)])\n"},
        ["app.py:3:1: error: ExceptionGroup: g (2 sub-exceptions)"],
    ),
    (
        "Python, wide letters",
        WIDE,
        {"app.py": "'日本' + None"},
        ['app.py:1:1: error: TypeError: can only concatenate str (not "NoneType") to str'],
    ),
    (
        "QuickJS, at its innermost frame in the source",
        QUICKJS,
        {"b.ts": "", "main.ts": ""},
        ["b.ts:2:10: error: Error: cannot read property 'y' of null"],
    ),
    (
        "Python, frames whose lines are not known",
        UNSHOWN,
        {"code.py": "def f():\n    return 1 / 0\n\nf()\n"},
        ["code.py:2: error: ZeroDivisionError: division by zero"],
    ),
    ("what tells no place", UNTOLD, {"app.py": "x = 1"}, []),
    ("nothing", "", {"app.py": "x = 1"}, []),
]


@pytest.mark.parametrize(
    ("text", "sources", "messages"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_places_in_the_submitted_source(text: str, sources: Mapping[str, str], messages: list[str]) -> None:
    assert [str(message) for message in parse(text, sources)] == messages


@pytest.mark.parametrize(
    "piece",
    [
        "error: x\n",
        "Error: x\n" + ("  at (" + "a:1:" * 98 + "\n") * 300,
        " at a:1:1",
        "A.",
        "A: x\n",
        'File "',
        "✘ [ERROR] x\n\n    ",
    ],
)
def test_a_text_made_to_cost_time_does_not(piece: str) -> None:
    """The time limit of every test is the judge."""
    assert parse(piece * (128 * 1024 // len(piece)), {"app.py": "", "a": ""}) == ()


@pytest.mark.parametrize("text", [CLANG, ESBUILD, CHAIN, WASM_TOOLS, VALIDATION, SYNTAX, LIBRARY])
def test_a_line_that_the_source_does_not_have_costs_nothing(text: str) -> None:
    """A source decides what its compiler prints: the numbers in it are believed no further than they go."""
    for message in parse(
        text.replace("line 3", "line 999999999"), dict.fromkeys(C | {"app.py": "", "main.ts": ""}, "")
    ):
        assert message.line >= 0
