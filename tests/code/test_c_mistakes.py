from __future__ import annotations

from dataclasses import dataclass

import pytest

from mcp_wasm.code.contract import ABSENT
from mcp_wasm.errors import BuildFailed
from mcp_wasm.runtime import Runtime
from tests.code.c_runtime import Call, main
from tests.code.made_tools import wanted

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Mistake:
    """A program that is wrong, and the error that it ends with."""

    code: str
    type: str
    words: str
    line: int | None = None
    given: object = ABSENT
    fuel: int = 2_000_000_000


MISTAKES = {
    "missing semicolon": Mistake(main('int x = 3\nprintf("%d", x);'), "CompileError", "expected ';'", 5),
    "undeclared function": Mistake(main("launch(3);"), "CompileError", "undeclared function 'launch'", 5),
    "undeclared variable": Mistake(main("\n\nreturn y;"), "CompileError", "undeclared identifier 'y'", 7),
    "undefined function": Mistake(
        "int launch(int);\nint main(void) { return launch(3); }", "CompileError", "undefined symbol: launch"
    ),
    "no main": Mistake("int add(int a, int b) { return a + b; }", "CompileError", "has no function main"),
    "no such header": Mistake(
        "#include <openssl/sha.h>\nint main(void) {}", "CompileError", "file not found", 1
    ),
    "threads": Mistake(
        main("pthread_t t; return pthread_create(&t, 0, 0, 0);", "pthread.h"), "ExitCode", "exit code"
    ),
    "exit code": Mistake(main('printf("x"); exit(3);'), "ExitCode", "exit code 3"),
    "return of main": Mistake("int main(void) { return -1; }", "ExitCode", "exit code -1"),
    "assert": Mistake(main("int n = 1;\nassert(n == 2);", "assert.h"), "AssertionFailed", "n == 2", 7),
    "abort": Mistake(main("abort();"), "Aborted", "abort()"),
    "null pointer": Mistake(
        main('int *p = getenv("NOPE") ? malloc(4) : NULL;\n*p = 1;'), "NullPointer", "null pointer", 6
    ),
    "member of null": Mistake(
        main('struct s { int a, b; } *p = NULL;\nprintf("%d", p->b);'),
        "NullPointer",
        "null pointer of type 'struct s'",
        6,
    ),
    "index": Mistake(
        main('int a[4] = {0}, i = 4;\nscanf("%d", &i);\nreturn a[i];'), "OutOfBounds", "index 9", 7, given=9
    ),
    "division by zero": Mistake(
        main('int z = atoi("0");\nreturn 1 / z;'), "DivisionByZero", "division by zero", 6
    ),
    "wild pointer": Mistake(main("return *(volatile int *)0xfffffff0;"), "Trap", "outside its memory"),
    "stack overflow": Mistake(
        "int f(int n) { volatile char room[4096]; room[0] = (char)n; return f(n + 1) + room[0]; }\n"
        "int main(void) { return f(0); }",
        "Trap",
        "",
    ),
    "recursion": Mistake(
        "int f(int n) { return n ? f(n + 1) * 3 + n : 0; }\nint main(void) { return f(1); }",
        "Trap",
        "call stack is exhausted",
    ),
    "endless loop": Mistake("int main(void) { for (;;); }", "FuelExhausted", "fuel", fuel=50_000_000),
    "endless output": Mistake(main('for (;;) puts("flood");'), "FuelExhausted", "fuel", fuel=300_000_000),
    "memory without end": Mistake(
        main('for (;;) { char *p = malloc(1 << 20); if (!p) { puts("none left"); return 7; } p[0] = 1; }'),
        "ExitCode",
        "exit code 7",
    ),
    "double free": Mistake(
        main(
            "char *p = malloc(99), *q = malloc(9); free(p); free(q); free(p); free(p);\n"
            "p = malloc(99); q = malloc(99); return p == q ? 5 : 6;"
        ),
        "ExitCode",
        "exit code",
    ),
    "wrong function pointer": Mistake(
        "int main(void) { double (*f)(double) = (double (*)(double))main; return (int)f(1.0); }",
        "Trap",
        "unreachable",
    ),
    "a file that is not there": Mistake(
        main('FILE *f = fopen("nope.txt", "r"); if (!f) { perror("nope.txt"); return 2; }'),
        "ExitCode",
        "exit code 2",
    ),
    "a shell": Mistake(main('return system("ls") ? 4 : 0;'), "CompileError", "system"),
    "result that fails": Mistake(
        "#include <stdlib.h>\nchar *result(char *input) { exit(input[0]); }\nint main(void) { return 0; }",
        "ExitCode",
        "exit code 65",
        given="A",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_with_their_kind_and_line(run_c: Call, name: str) -> None:
    mistake = MISTAKES[name]
    failure = run_c(mistake.code, mistake.given, fuel=mistake.fuel).failure
    assert failure is not None
    assert (failure.type, failure.line) == (mistake.type, mistake.line)
    assert mistake.words in failure.message


def test_a_tool_that_does_not_fit_its_world_is_told_the_functions_that_it_wants(c_runtime: Runtime) -> None:
    world = "package a:b; world sq { export square: func(n: s32) -> s32; }"
    for source in ('#include "sq.h"\nint32_t sq_square(int32_t n) { return n * n; }', "int unrelated;"):
        with pytest.raises(BuildFailed) as failed:
            c_runtime.made.create(wanted("sq", source, language="c", world=world), by="x", client="a")
        assert "void sq_square(const sq_square_args_t *args, int32_t *result);" in str(failed.value)
