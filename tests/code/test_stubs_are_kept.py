"""What a stub promises holds in the code: names, the order of arguments, and what comes back."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

from mcp_wasm.build.bundled import BundledTool, list_bundled
from mcp_wasm.build.manifest import Example
from mcp_wasm.code.stubs import stubs
from mcp_wasm.component.types import Param
from mcp_wasm.registry.tool import Tool
from mcp_wasm.runtime import Runtime
from tests.code.tools_in_code import JAVASCRIPT, PYTHON, Make, Speech, granted, maker

both = pytest.mark.parametrize(
    "say",
    [
        pytest.param(PYTHON, marks=[pytest.mark.toolchain, pytest.mark.timeout(300)], id="python"),
        pytest.param(JAVASCRIPT, marks=pytest.mark.timeout(60), id="js"),
    ],
)
SHIPPED = [tool for tool in list_bundled() if tool.shipped is not None]


@pytest.fixture
def make(say: Speech, request: pytest.FixtureRequest) -> Make:
    runner: Any = request.getfixturevalue(say.language)
    return maker(runner.runtime.home, request.addfinalizer)


def parameters(say: Speech, runtime: Runtime, tool: Tool) -> list[str]:
    """The names of a tool's parameters in the order of its stub."""
    if say.language == "python":
        module = ast.parse(stubs([tool], "python"))
        (function,) = (node for node in module.body if isinstance(node, ast.FunctionDef))
        assert function.name == say.name(tool.name)
        return [argument.arg for argument in function.args.args]
    found = re.search(r"export function (\w+)\((.*?)\): ", stubs([tool], "typescript"), re.DOTALL)
    assert found is not None
    assert found[1] == say.name(tool.name)
    return re.findall(r"(?:^|, )(\w+)\??: ", re.sub(r"\{.*?\}", "", found[2]))


def examples() -> Iterator[tuple[BundledTool, Example]]:
    for bundled in SHIPPED:
        for example in bundled.manifest.examples:
            if example.error is None and example.checked:
                yield bundled, example


@both
def test_every_shipped_tool_is_called_as_its_stub_says(say: Speech, make: Make) -> None:
    runtime = make(*(tool.name for tool in SHIPPED), **granted("*"))
    called: set[str] = set()
    lines: list[str] = []
    expected: list[Any] = []
    for bundled, example in examples():
        tool = next(
            tool for tool in runtime.component(bundled.name).tools if tool.function.name == example.function
        )
        given = dict(example.arguments)
        names = parameters(say, runtime, tool)
        assert names == [say.parameter(param.name) for param in tool.function.params]
        lines += [
            say.call(tool.name, *(given.get(param.name) for param in _used(tool, given))),
            say.call_by_name(tool.name, given),
        ]
        expected += [runtime.call_sync(tool.name, given).value] * 2
        called.add(tool.name)
    assert called == {tool.name for tool in runtime.tools}
    for line, value in zip(lines, expected, strict=True):
        assert say.value(runtime, line) == value, line


def _used(tool: Tool, given: dict[str, Any]) -> list[Param]:
    """The parameters up to the last that is given: those after it need no place."""
    params = list(tool.function.params)
    while params and params[-1].name not in given:
        params.pop()
    return params


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_the_signatures_in_python_are_those_of_the_stubs(python: Any, request: pytest.FixtureRequest) -> None:
    runtime = maker(python.runtime.home, request.addfinalizer)(*(t.name for t in SHIPPED), **granted("*"))
    code = "import inspect\n{f.__name__: [(p.name, p.default is p.empty) for p in inspect.signature(f)"
    code += ".parameters.values()] for f in vars(tools).values() if hasattr(f, '__signature__')}"
    told = PYTHON.value(runtime, code)
    module = ast.parse(stubs(runtime.tools, "python"))
    promised = {
        node.name: [
            [argument.arg, at < len(node.args.args) - len(node.args.defaults)]
            for at, argument in enumerate(node.args.args)
        ]
        for node in module.body
        if isinstance(node, ast.FunctionDef)
    }
    assert told == promised
    help_text = PYTHON.run(runtime, "help(tools.units_convert)").report.stdout.text
    for said in inspect.cleandoc(ast.get_docstring(_function(module, "units_convert")) or "").splitlines():
        assert said.strip() in help_text


def _function(module: ast.Module, name: str) -> ast.FunctionDef:
    return next(node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name)
