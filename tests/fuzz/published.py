"""What must hold of every published component, whatever is in it, and of every call of its tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mcp_wasm.component import names, schema
from mcp_wasm.component.check import check
from mcp_wasm.errors import GuestError, InvalidArguments, Mismatch
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.runtime import Runtime
from tests.component.strategies import arguments
from tests.fuzz.strategies import JUNK, near_arguments

ENOUGH = 6
"""Tools of one component that are called."""


def assert_well_published(component: Component) -> None:
    """Every export is a tool or has a reason; names, texts and schemas are what clients take."""
    tools, refused = component.tools, component.refused
    paths = [t.function.path for t in tools] + [r.path for r in refused]
    assert sorted(paths) == sorted(f.path for f in component.world.exports)
    assert all(refusal.reason for refusal in refused)
    assert len({tool.name for tool in tools}) == len(tools)
    for tool in tools:
        assert names.NAME.fullmatch(tool.name), tool.name
        assert tool.title
        assert tool.description
        f"{tool.title}{tool.description}".encode()
        assert tool.output_schema is not None
        for described in (tool.input_schema, tool.output_schema):
            assert_plain(dict(described))


def assert_plain(described: dict[str, Any]) -> None:
    """A schema is valid, small, an object on top, and of the plain forms."""
    Draft202012Validator.check_schema(described)
    assert len(json.dumps(described)) <= schema.LARGEST
    assert described["type"] == "object"
    assert not described.keys() & {"anyOf", "oneOf", "allOf", "$ref"}
    for part in parts(described):
        if isinstance(part, dict):
            assert not isinstance(part.get("type"), list)
            assert part.get("items", {}) is not False
            for key in part.get("properties", {}) if part.get("type") == "object" else ():
                assert schema.KEY.fullmatch(key)


def parts(node: Any) -> Iterator[Any]:
    yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(inner)


def call_all(runtime: Runtime, component: Component, seed: int, *, dummy: bool) -> None:
    """Call the tools with arguments that fit and with others; ``dummy`` guests trap in every function."""
    few = settings(max_examples=8, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    for tool in component.tools[:ENOUGH]:
        property_ = _property(runtime, tool, dummy=dummy)
        hypothesis.seed(seed)(few(given(st.data())(property_)))()


def _property(runtime: Runtime, tool: Tool, *, dummy: bool) -> Callable[[st.DataObject], None]:
    def calls(data: st.DataObject) -> None:
        fits = data.draw(arguments(tool.function))
        assert Draft202012Validator(tool.input_schema).is_valid(fits)
        end = call(runtime, tool, fits)
        assert end != "refused"
        assert end == "stopped" or not dummy
        call(runtime, tool, data.draw(near_arguments(tool.function) | JUNK))

    return calls


def call(runtime: Runtime, tool: Tool, given: Any) -> str:
    """How a call ends; anything but a result, a refusal with reasons or the guest's own failure escapes."""
    mismatches = check(tool.function, given)
    refused: tuple[Mismatch, ...] = ()
    report: object = None
    failed = False
    try:
        outcome = runtime.call_sync(tool.name, given)
    except InvalidArguments as refusal:
        refused = refusal.mismatches
    except GuestError as failure:
        report, failed = failure.report, True
    assert refused == tuple(mismatches)
    if refused:
        return "refused"
    if failed:
        assert report is not None
        return "stopped"
    if not outcome.failed:
        Draft202012Validator(tool.output_schema or {}).validate({"result": outcome.value})
    return "returned"
