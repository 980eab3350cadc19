"""What compilers print, in the forms that the toolchains of this package have, as places in the source.

Tests of the toolchains themselves are in ``test_confine_messages.py``.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mcp_wasm.build.messages import parse

CLANG = """\
In file included from main.c:1:
./x.h:2:8: error: expected expression
    2 | int y =;
      |        ^
/usr/include/stdio.h:1:1: error: not of the source
main.c:2:9: error: use of undeclared identifier 'b'
    2 | int x = F(1);
      |         ^~~~
./x.h:1:19: note: expanded from macro 'F'
    1 | #define F(a) a +* b
      |                   ^
main.c:3:10: fatal error: 'nope.h' file not found
main.c:2:9: error: use of undeclared identifier 'b'
thing_bindings.c:9:9: error: not of the source
2 errors generated.
"""
C = {"x.h": "#define F(a) a +* b\nint y =;\n", "main.c": '#include "x.h"\nint x = F(1);\n#include "nope.h"\n'}

LINKER = "wasm-ld: error: zig-local/o/dbeee660930f01459679be4eff1c44bc/main.o: undefined symbol: other\n"

WIDE_C = "u.c:1:10: error: use of undeclared identifier 'é2'; did you mean 'é'?\n    1 | int é = é2;\n"

WASM_TOOLS = """\
error: unknown func: failed to find name `$nope`
     --> main.wat:3:15
      |
    3 |   (func (call $nope)))
      |               ^
"""
VALIDATION = """\
error: ./main.wat:3:5 function `a` failed to validate

Caused by:
    0: func 0 failed to validate
    1: type mismatch: expected i32 but nothing on stack (at offset 0x25)
"""

ESBUILD = """\
✘ [ERROR] Cannot assign to "x" because it is a constant

    main.ts:2:0:
      2 │ x = 2;
        ╵ ^

  The symbol "x" was declared a constant here:

    main.ts:1:6:
      1 │ const x = 1;
        ╵       ^

✘ [ERROR] Unexpected "="

    main.ts:3:12:
      3 │ let é: = 2;
        ╵         ^

▲ [WARNING] Comparison with -0 using the "===" operator will also match 0 [equals-negative-zero]

    main.ts:4:10:
      4 │ if (x === -0) {}
        ╵           ~~
"""
TS = "const x = 1;\nx = 2;\nlet é: string, y: = 2;\nif (x === -0) {}\n"

SYNTAX = """\
File "app.py", line 2
    def f(:
          ^
SyntaxError: invalid syntax


Caused by:
    SyntaxError: invalid syntax (app.py, line 2)
"""

CHAIN = """\
Traceback (most recent call last):
  File "app.py", line 5, in <module>
    g(0)
    ~^^^
  File "app.py", line 2, in g
    return 1/x
           ~^~
ZeroDivisionError: division by zero

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "app.py", line 7, in <module>
    raise ValueError('two\\nlines') from e
ValueError: two
lines


Caused by:
    ValueError: two
    lines
"""
CHAINED = """\
def g(x):
    return 1/x

try:
    g(0)
except ZeroDivisionError as e:
    raise ValueError('two\\nlines') from e
"""

LIBRARY = """\
Traceback (most recent call last):
  File "app.py", line 1, in <module>
    import helper
  File "helper.py", line 3, in <module>
    json.loads('{')
    ~~~~~~~~~~^^^^^
  File "/python/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
           ~~~~~~~~~~~~~~~~~~~~~~~^^^
json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)
"""

GROUP = """\
hi
  + Exception Group Traceback (most recent call last):
  |   File "app.py", line 3, in <module>
  |     raise ExceptionGroup('g',[ValueError(1),TypeError(2)])
  | ExceptionGroup: g (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: 1
    +---------------- 2 ----------------
    | TypeError: 2
    +------------------------------------
"""

WIDE = """\
Traceback (most recent call last):
  File "app.py", line 1, in <module>
    '日本' + None
    ~~~~~~~^~~~~~
TypeError: can only concatenate str (not "NoneType") to str
"""

QUICKJS = """\
Stubbing WASI imports...

Error: : Failed to evaluate user JavaScript module: Failed to finish JavaScript module evaluation: \
Error: cannot read property 'y' of null
    at call (native)
    at n (b.ts:2:10)
    at <anonymous> (main.ts:2:11)
"""

UNTOLD = """\
AttributeError: module 'app' has no attribute 'WitWorld'


Caused by:
    AttributeError: module 'app' has no attribute 'WitWorld'
"""

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
