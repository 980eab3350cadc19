"""Where the real toolchains, confined where that is possible, say that the mistakes of a source are."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.build import c, confine, javascript, wat
from mcp_wasm.build.toolchain import Toolchain, silent
from mcp_wasm.errors import BuildFailed
from tests.build.test_confine_toolchains import HEAD, TAIL, source
from tests.tools.conftest import toolchains

MISTAKES: list[tuple[Toolchain, str, str, list[str]]] = [
    (
        c.TOOLCHAIN,
        "main.c",
        f'{HEAD}static const char s[] = "é"; int x = nope;{TAIL}int f(void) {{ return other(1); }}\n',
        [
            "main.c:4:38: error: use of undeclared identifier 'nope'",
            "main.c:6:22: error: call to undeclared function 'other'; "
            "ISO C99 and later do not support implicit function declarations "
            "[-Wimplicit-function-declaration]",
        ],
    ),
    (c.TOOLCHAIN, "main.c", '#include "nope.h"\n', ["main.c:1:10: error: 'nope.h' file not found"]),
    (
        c.TOOLCHAIN,
        "main.c",
        f"{HEAD}extern const char s[3];{TAIL}",
        ["main.c: error: undefined symbol: s"],
    ),
    (
        wat.TOOLCHAIN,
        "main.wat",
        "(module\n  (; é ;) (func (call $nope)))",
        ["main.wat:2:23: error: unknown func: failed to find name `$nope`"],
    ),
    (
        wat.TOOLCHAIN,
        "main.wat",
        "(module\n  (func $a (result i32)\n    i64.const 1\n    i32.eqz))",
        ["main.wat:4:5: error: function `a` failed to validate: type mismatch: expected i32, found i64"],
    ),
    (
        javascript.TYPESCRIPT,
        "main.ts",
        "type T = number;\nexport const run = (x: T): string => {\n  const é: T = x; x +;\n};\n",
        ['main.ts:3:22: error: Unexpected ";"'],
    ),
    (
        javascript.TYPESCRIPT,
        "main.ts",
        "interface P { a: { b: string } }\nconst f = (p: P): string => p.a.b;\n\n"
        "export const run = (): string => x;\nconst x = f({} as P);\n",
        ["main.ts:2:29: error: Error: cannot read property 'b' of undefined"],
    ),
]


@pytest.mark.toolchain
@pytest.mark.timeout(120)
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake[3][0][:40])
def test_a_mistake_is_told_with_its_place_in_the_source(
    mistake: tuple[Toolchain, str, str, list[str]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    confined = confine.where_possible()
    made, name, text, expected = mistake
    with pytest.raises(BuildFailed) as failed:
        made.compile(source(tmp_path / "source", name, text), toolchains(request), silent, confined)
    assert [str(message) for message in failed.value.messages] == expected
    assert "mcp-wasm-build-" not in str(failed.value)
