"""What compilers print, in the forms that the toolchains of this package have."""

from __future__ import annotations

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

RUSTC = """\
warning: unused variable: `m`
 --> code.rs:2:9
  |
2 |     let é, m = 1;
  |            ^ help: if this is intentional, prefix it with an underscore: `_m`

error[E0425]: cannot find value `m` in this scope
 --> code.rs:3:5
  |
3 |     m + 1
  |     ^ not found in this scope

error[E0308]: mismatched types
 --> exported_glue.rs:9:9
error: aborting due to previous error
"""

GO = """\
code.go:4:17: undefined: m
./code.go:5:2: declared and not used: n
exported_glue.go:3:1: syntax error: not of the source
/usr/lib/go/src/fmt/print.go:1:1: not of the source
"""

QUICKJS = """\
Stubbing WASI imports...

Error: : Failed to evaluate user JavaScript module: Failed to finish JavaScript module evaluation: \
Error: cannot read property 'y' of null
    at call (native)
    at n (b.ts:2:10)
    at <anonymous> (main.ts:2:11)
"""

UNSHOWN = """\
Traceback (most recent call last):
  File "program.py", line 142, in _execute
    value = eval(part, variables)
  File "code.py", line 4, in <module>
  File "code.py", line 2, in f
ZeroDivisionError: division by zero
"""

UNTOLD = """\
AttributeError: module 'app' has no attribute 'WitWorld'


Caused by:
    AttributeError: module 'app' has no attribute 'WitWorld'
"""
