"""Variables of the top level stay from one request to the next, in a session."""

# ruff: noqa: E501 - a program is one line, as long as it is

from __future__ import annotations

from typing import Any

import pytest

from mcp_wasm import Runtime
from mcp_wasm.capability.grant import Tools
from mcp_wasm.code.contract import Language, Ran, Run
from tests.code.javascript import Runner


class Session:
    """A session of code; call it with each next piece."""

    def __init__(self, runtime: Runtime, language: Language = "javascript") -> None:
        self.runtime, self.language, self.handle = runtime, language, "new"

    def __call__(self, code: str, **request: Any) -> Ran:
        ran = self.runtime.run_code_sync(Run(self.language, code, session=self.handle, **request))
        self.handle = ran.session
        return ran


@pytest.fixture
def session(javascript: Runner) -> Session:
    return Session(javascript.runtime)


def test_declarations_stay_and_may_be_repeated(session: Session) -> None:
    first = (
        "const x = 1; let y = { n: 2 };\nclass C { m() { return x } }\nfunction f() { return x + y.n }\nf()"
    )
    assert session(first).value == 3
    assert session("const x = 5;\nlet y = { n: 10 };\nf()").value == 15
    assert session("class C { m() { return 'new' } }\nnew C().m()").value == "new"
    assert session("y.n++; [x, y.n]").value == [5, 11]
    assert (
        session(
            "import { join } from 'path';\nconst { a, b = 2 } = { a: 1 };\njoin('p', String(a + b))"
        ).value
        == "p/3"
    )
    assert session("import { join } from 'path';\n[join('q', 'r'), a, b]").value == ["q/r", 1, 2]


def test_declarations_of_typescript_stay_too(javascript: Runner) -> None:
    session = Session(javascript.runtime, "typescript")
    assert session("let n: number = 4;\nenum E { A = 7 }\ninterface I { x: number }\nn + E.A").value == 11
    assert session("const n: I = { x: 1 } as I;\nn.x + E.A").value == 8


def test_what_an_earlier_piece_defined_is_not_taken_for_the_value_of_this_one(session: Session) -> None:
    assert session("function main(input) { return ['main', input] }\nconst result = 7;", input=1).value == [
        "main",
        1,
    ]
    assert session("1 + 1").value == 2
    assert session("result + 1").value == 8
    assert session("result = 9; 'other'").value == 9
    assert session("main(2)").value == ["main", 2]


def test_an_error_leaves_the_variables_that_were_there(session: Session) -> None:
    session("let kept = [1]; function f() { throw new TypeError('again') }")
    failure = session("kept.push(2);\nf();").failure
    assert failure is not None
    assert (failure.type, failure.message) == ("TypeError", "again")
    failure = session("let half = ;").failure
    assert failure is not None
    assert failure.type == "SyntaxError"
    assert session("kept").value == [1, 2]


def test_texts_of_any_length_are_read_whole(session: Session) -> None:
    session("let seen = 0;")
    for size in (1, 15, 16, 17, 400, 40_000, 3):
        assert session(f"seen += 1; '{'é' * size}'.length").value == size
    assert session("seen").value == 7


def test_input_is_that_of_its_own_request(session: Session) -> None:
    assert session("input.n", input={"n": 1}).value == 1
    assert session("typeof input === 'undefined' ? 'none' : input").value == "none"


def test_code_calls_the_tools_that_were_granted_and_no_others(javascript: Runner, program: Any) -> None:
    runtime = javascript.runtime
    runtime.add(program("tiny"))
    try:
        granted = [Tools(("tiny_add", "tiny_div*"))]

        def run(code: str) -> Ran:
            return runtime.run_code_sync(Run("javascript", code), approved=granted)

        code = (
            "import { tinyAdd } from 'tools';\nimport * as tools from 'tools';\n"
            "[tinyAdd(2, 3), await tinyAdd({ a: 1, b: 1 }), tools.tiny_add(4, 4), 'tinySpin' in tools,"
            " tinyAdd.parameters]"
        )
        assert run(code).value == [5, 2, 8, False, ["a", "b"]]
        assert (
            run(
                "let s = 0; const { tinyAdd } = require('tools'); for (let i = 0; i < 50; i++) s = tinyAdd(s, i); s"
            ).value
            == 1225
        )
        failure = run("import { tinySpin } from 'tools';").failure
        assert failure is not None
        assert "Granted are tinyAdd" in failure.hint
        code = "const { ToolError, tinyAdd, tinyDivide } = require('tools');\nconst kinds = [];\n"
        code += "for (const f of [() => tinyAdd('x', 1), () => tinyDivide(1, 0), () => tinyAdd(1, 2, 3)])"
        code += " try { f() } catch (e) { kinds.push([e instanceof ToolError, e.kind ?? e.name]) }\nkinds"
        assert run(code).value == [[True, "invalid"], [True, "trapped"], [False, "TypeError"]]
    finally:
        runtime.remove("tiny")


LOOKED_AT = [
    "import { tinyAdd } from 'tools'; tinyAdd(1, 2)",
    "import * as tools from 'tools'; tools.tinyAdd(1, 2)",
    "const t = await import('tools'); t.tinyAdd(1, 2)",
    "const { tinyAdd } = await import('tools'); tinyAdd(1, 2)",
    "const name = 'tools'; (await import(name)).tiny_add(1, 2)",
    "require('tools').tinyAdd(1, 2)",
]


def test_a_session_sees_at_each_piece_the_tools_that_are_granted_then(
    javascript: Runner, program: Any
) -> None:
    runtime = javascript.runtime
    runtime.add(program("tiny"))
    try:
        for code in LOOKED_AT:
            handle = "new"
            for granted in (False, True, True, False, True):
                approved = [Tools(("tiny_add",))] if granted else []
                ran = runtime.run_code_sync(Run("javascript", code, session=handle), approved=approved)
                handle, failure = ran.session, ran.failure
                # What is not there is asked for by name, so that a person is told of it.
                assert [denial.asked for denial in ran.report.denials] == (
                    [] if granted else ["the tool tiny_add"]
                ), code
                assert (ran.value == 3) == granted == (failure is None), (code, failure)
    finally:
        runtime.remove("tiny")


def test_a_tool_that_is_there_under_another_spelling_is_not_called_by_being_looked_for(
    javascript: Runner, program: Any
) -> None:
    runtime = javascript.runtime
    runtime.add(program("tiny"), name="tiny_two")
    try:
        approved = [Tools(("tiny_two_spin",))]
        code = "typeof require('tools').tiny_twoSpin"
        assert runtime.run_code_sync(Run("javascript", code), approved=approved).value == "function"
        # Had it been called, the fuel would be used up.
        code = "import { tiny_twoSpin } from 'tools';"
        failure = runtime.run_code_sync(Run("javascript", code), approved=approved).failure
        assert failure is not None
        assert (failure.type, "Granted are tinyTwoSpin" in failure.hint) == ("SyntaxError", True)
    finally:
        runtime.remove("tiny_two")
