"""Tools inside Python programs: functions with signatures, and errors that tell what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Tools
from mcp_wasm.code.contract import Ran
from mcp_wasm.runtime import Runtime
from tests.code.python import Python

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(600)]

GRANTED = (Tools(("tiny_*", "server_tools_*")),)
CAUGHT = """
import tools
try:
    {call}
except tools.ToolError as error:
    found = [error.tool, error.kind, error.data]
found
"""


@pytest.fixture(scope="module")
def calling(python_home: Path) -> Iterator[Callable[[str], Ran]]:
    programs = Path(__file__).parents[1] / "programs"
    with Runtime(home=python_home) as runtime:
        for name in ("tiny", "server_tools"):
            runtime.add(programs / f"{name}.wat")
        run = Python(runtime)
        yield lambda code: run(code, approved=GRANTED)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("from tools import tiny_add\ntiny_add(a=2, b=3)", 5),
        ("import tools\ntools.tiny_add(2, 3)", 5),
        ("import tools\ntools.tiny_add(2, b=3)", 5),
        ("from tools import server_tools_repeat as repeat\nrepeat('ab', 3)", "ababab"),
        ("import tools\nsum(tools.tiny_add(n, 1) for n in range(100))", 5050),
        ("from tools import *\ntiny_add(1, 1)", 2),
        ("import tools\nlen(tools.names()), 'tiny_add' in tools.names()", [12, True]),
        ("import inspect, tools\nstr(inspect.signature(tools.tiny_add))", "(a: int, b: int)"),
        ("import tools\ntools.tiny_add.__doc__[:11], tools.tiny_add.__name__", ["Calls `add`", "tiny_add"]),
    ],
)  # fmt: skip
def test_a_granted_tool_is_a_function(calling: Callable[[str], Ran], code: str, value: object) -> None:
    ran = calling(code)
    assert ran.failure is None
    assert ran.value == value


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("tools.tiny_divide(1, 0)", ["tiny_divide", "trapped", None]),
        ("tools.tiny_add(1, 'x')", ["tiny_add", "invalid", None]),
        ("tools.tiny_add(1)", ["tiny_add", "invalid", None]),
        ("tools.tiny_add(1, 2 ** 40)", ["tiny_add", "invalid", None]),
        ("tools.tiny_add(1, object())", ["tiny_add", "invalid", None]),
    ],
)
def test_what_a_tool_does_not_do_is_an_exception(
    calling: Callable[[str], Ran], call: str, found: list[object]
) -> None:
    ran = calling(CAUGHT.format(call=call))
    assert ran.failure is None
    assert ran.value == found


def test_a_tool_that_fails_gives_its_error(calling: Callable[[str], Ran]) -> None:
    ran = calling(CAUGHT.format(call="tools.server_tools_find('')"))
    assert ran.failure is None
    assert ran.value == ["server_tools_find", "failed", "no such user"]


def test_an_error_that_nobody_caught_names_the_tool_and_the_line(calling: Callable[[str], Ran]) -> None:
    failure = calling("import tools\n\ntools.server_tools_find('')").failure
    assert failure is not None
    assert (failure.type, failure.line) == ("ToolError", 3)
    assert failure.message.startswith("server_tools_find failed: ")
    assert failure.traceback.endswith(f"tools.ToolError: {failure.message}")
    assert "tools_module" not in failure.traceback


@pytest.mark.parametrize(
    ("code", "type_", "hint"),
    [
        ("from tools import text_diff", "ImportError", "add code tools names=text_diff"),
        ("import tools\ntools.text_diff('a', 'b')", "AttributeError", "add code tools names=text_diff"),
        ("import tools\ntools.tiny_add(1, 2, 3)", "TypeError", ""),
        ("import tools\ntools.tiny_add(1, a=2)", "TypeError", ""),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_is_told_with_what_to_do(
    calling: Callable[[str], Ran], code: str, type_: str, hint: str
) -> None:
    failure = calling(code).failure
    assert failure is not None
    assert failure.type == type_
    assert failure.hint.endswith(hint)


def test_variables_stay_in_a_session_and_old_functions_keep_their_lines(python: Python) -> None:
    first = python("def f(x):\n    return 1 / x\nn = 4", session="new")
    assert first.failure is None
    second = python("import math\nn += 1\nmath.sqrt(n * 5)", session=first.session)
    assert second.value == 5
    third = python("m = n\nf(0)", session=first.session)
    assert third.failure is not None
    assert (third.failure.type, third.failure.line) == ("ZeroDivisionError", 2)
    assert 'File "code.py (run 1)", line 2, in f\n    return 1 / x' in third.failure.traceback
    assert python("[n, m]", session=first.session).value == [5, 5]
    assert python("try:\n    n\nexcept NameError:\n    'gone'\n'n' in globals()").value is False


def test_main_and_result_of_an_earlier_run_are_not_those_of_this_one(python: Python) -> None:
    first = python("def main():\n    return 1\n", session="new")
    assert first.value == 1
    assert python("result = 2", session=first.session).value == 2
    assert python("3", session=first.session).value == 3
    assert python("x = 1", session=first.session).failure is None
    assert python("main()", session=first.session).value == 1
    assert python("result += 1", session=first.session).value == 3


def test_pools_say_that_they_have_no_threads(python: Python) -> None:
    ran = python(
        "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor().submit(pow, 2, 3).result()"
    )
    assert ran.value == 8
    assert "no threads here" in ran.note
    assert python("1").note == ""
