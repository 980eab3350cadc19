"""The tests that come with code: each a call of what is to be published, on the path of every call."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mcp_wasm.build.signature.names import kebab
from mcp_wasm.code.made_contract import Example, Terms
from mcp_wasm.errors import CallerError, Cancelled, FailedTest, McpWasmError, TestsFailed
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox.report import Outcome, Report

TOGETHER_S = 60.0
"""Seconds that all tests of one source may take."""

Try = Callable[[Tool, Component, Mapping[str, Any]], Outcome]
"""Calls a tool of a component that is not published."""


def within(terms: Terms, call: Try) -> Try:
    """``call`` on these terms: each test is accounted for, and none begins that nobody waits for."""

    def once(tool: Tool, component: Component, given: Mapping[str, Any]) -> Outcome:
        if terms.given_up():
            raise Cancelled
        try:
            outcome = call(tool, component, given)
        except McpWasmError as error:
            if isinstance(error.report, Report):
                terms.spent(error.report)
            raise
        terms.spent(outcome.report)
        return outcome

    return once


def called(component: Component, file: str) -> Component:
    """``component``, in whose tracebacks its source is called ``file`` (``""``: as ever)."""
    script = component.script
    return component if script is None or not file else replace(component, script=replace(script, file=file))


def check(component: Component, names: Mapping[str, str], tests: tuple[Example, ...], call: Try) -> None:
    """Run ``tests`` on ``component``; ``names`` are those of its functions in the code, by path.

    Raises:
        TestsFailed: naming each that does not hold.
        Cancelled: nobody waits for them any more.
        CallerError: one is for a function that is not there.
    """
    tools = [_tool(component, names, each.function) for each in tests]
    until, failed = time.monotonic() + TOGETHER_S, []
    for tool, test in zip(tools, tests, strict=True):
        if time.monotonic() > until:
            told = f"it was not run, since all tests together may take {TOGETHER_S:g} s"
            failed.append(FailedTest(test.function, dict(test.input), test.expected, error=told))
        elif (failure := _failure(component, tool, test, call)) is not None:
            failed.append(failure)
    if failed:
        raise TestsFailed(component.name, failed, len(tests))


def _tool(component: Component, names: Mapping[str, str], wanted: str) -> Tool:
    if not wanted and len(component.tools) == 1:
        return component.tools[0]
    for tool in component.tools:
        if kebab(wanted) == tool.function.name or wanted in {
            tool.name,
            tool.function.path,
            tool.function.name,
            names.get(tool.function.path),
        }:
            return tool
    there = ", ".join(names.get(tool.function.path, tool.function.name) for tool in component.tools)
    raise CallerError(f"A test is for the function {wanted[:100]!r}. There are: {there[:500]}.")


def _failure(component: Component, tool: Tool, test: Example, call: Try) -> FailedTest | None:
    function = test.function or tool.function.name
    try:
        outcome = call(tool, component, _arguments(tool, test.input))
    except Cancelled:
        raise
    except McpWasmError as error:
        return FailedTest(function, dict(test.input), test.expected, error=str(error)[:2000])
    if outcome.failed:
        return FailedTest(function, dict(test.input), test.expected, error=str(outcome.value)[:2000])
    if same(test.expected, outcome.value):
        return None
    return FailedTest(function, dict(test.input), test.expected, outcome.value)


def _arguments(tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments under their names in WIT: who wrote the test knows those of the code."""
    known = {param.name for param in tool.function.params}
    return {name if name in known else _known(name, known): value for name, value in given.items()}


def _known(name: str, known: set[str]) -> str:
    plain = kebab(name)
    return plain if plain is not None and plain in known else name


def same(expected: Any, got: Any) -> bool:
    """Whether two JSON values are the same for who wrote a test.

    Floats are to nine digits. An integer that JSON's numbers do not hold may be a
    decimal string. Keys are as in the code or as in WIT, and null is as good as none.
    What comes as an array of pairs may be expected as an object.
    """
    match expected, got:
        case (bool(), _) | (_, bool()):
            return expected is got
        case ((int() | float()), (int() | float())):
            is_float = isinstance(expected, float) or isinstance(got, float)
            return expected == got or (is_float and math.isclose(expected, got, rel_tol=1e-9, abs_tol=1e-12))
        case (int() as number, str() as text) | (str() as text, int() as number):
            return abs(number) >= _UNSAFE and str(number) == text
        case dict(), dict():
            keys = {
                _known(key, set(got)) if key not in got else key: value for key, value in expected.items()
            }
            return all(same(keys.get(key), got.get(key)) for key in keys.keys() | got.keys())
        case dict(), [*pairs] if (found := _mapping(pairs)) is not None:
            return expected.keys() == found.keys() and all(same(expected[key], found[key]) for key in found)
        case ((list() | tuple()), (list() | tuple())):
            return len(expected) == len(got) and all(map(same, expected, got))
        case _:
            return type(expected) is type(got) and bool(expected == got)


def _mapping(pairs: list[Any]) -> dict[str, Any] | None:
    """What an array of pairs maps each key to; None if it is none, or has a key twice."""
    found = {}
    for pair in pairs:
        match pair:
            case [str() as key, value] if key not in found:
                found[key] = value
            case _:
                return None
    return found


_UNSAFE = 2**53
