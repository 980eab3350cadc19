"""Every example of every manifest is called, and gives what the manifest says."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from mcp_wasm.build import bundled
from mcp_wasm.build.manifest import Example
from mcp_wasm.sandbox.report import Outcome

TOOLS = {tool.name: tool for tool in bundled.list_bundled()}


def _examples() -> list[Any]:
    return [
        pytest.param(
            name,
            example,
            id=f"{name}-{example.function}-{n}",
            marks=[] if tool.shipped else [pytest.mark.toolchain, pytest.mark.timeout(300)],
        )
        for name, tool in TOOLS.items()
        for n, example in enumerate(tool.manifest.examples)
    ]


def _alike(found: object, wanted: object, near: float) -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(_alike(found[k], v, near) for k, v in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(
            _alike(f, w, near) for f, w in zip(found, wanted, strict=True)
        )
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return isinstance(wanted, bool) is isinstance(found, bool) and math.isclose(
            found, wanted, rel_tol=0, abs_tol=near
        )
    return type(found) is type(wanted) and found == wanted


@pytest.mark.parametrize(("name", "example"), _examples())
def test_an_example_gives_what_its_manifest_says(
    name: str, example: Example, tool: Callable[[str], Callable[..., Outcome]]
) -> None:
    outcome = tool(name)(example.function, **example.arguments)

    assert outcome.failed is (example.error is not None), outcome.value
    if example.error is not None:
        assert example.error in str(outcome.value)
    elif example.checked:
        assert _alike(outcome.value, example.result, example.near), outcome.value


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[] if t.shipped else [pytest.mark.toolchain, pytest.mark.timeout(300)])
        for n, t in TOOLS.items()
    ],
)
def test_every_function_has_docs_an_example_and_documented_parameters(
    name: str, tool: Callable[[str], Callable[..., Outcome]], tools_runtime: Any
) -> None:
    tool(name)
    component = tools_runtime.component(name)
    shown = {example.function for example in TOOLS[name].manifest.examples}

    assert component.needs == ()
    for published in component.tools:
        function = published.function
        assert function.docs, published.name
        assert all(param.docs for param in function.params), published.name
        assert function.name in shown, f"{published.name} has no example"
